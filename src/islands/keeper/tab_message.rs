//! What the tabs of one browser tell each other.

use super::{deadlines::Deadlines, token::AccessToken};
use crate::islands::protocol::EndReason;

/// Times are on the browser's clock, which the tabs share.
#[derive(Clone, Debug, PartialEq)]
pub enum TabMessage {
    /// The server knows the session, which has these deadlines.
    Alive(Deadlines),
    /// The server does not know the session any more.
    Ended(EndReason),
    /// The sign-out form was submitted in the sender.
    SigningOut,
    TokenWanted,
    Token(AccessToken),
    /// The sender has an event stream.
    StreamOpened,
    /// The sender's page is left, and its event stream, if it had one, is closed.
    Gone,
}
