//! What the tabs of one browser tell each other.

use super::{deadlines::Deadlines, token::AccessToken};
use crate::{browser::drafts::Unsaved, islands::protocol::EndReason};

/// Times are on the browser's clock, which the tabs share.
#[derive(Clone, Debug, PartialEq)]
pub enum TabMessage {
    /// The server knows the session, which has these deadlines.
    Alive(Deadlines),
    /// The server does not know the session any more.
    Ended(EndReason),
    /// The sign-out form is sent by the sender. `discard`: the person agreed to lose what is unsaved.
    SigningOut {
        discard: bool,
    },
    /// The sender is about to sign out: what would that lose?
    UnsavedWanted,
    /// This, in the sender.
    Unsaved(Unsaved),
    TokenWanted,
    Token(AccessToken),
    /// The sender has an event stream.
    StreamOpened,
    /// The sender's page is left, and its event stream, if it had one, is closed.
    Gone,
}
