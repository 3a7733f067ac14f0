//! What the keeper does: output of [`super::Model::update`].

use super::TokenRequest;
use crate::{browser::clock::Millis, islands::keeper::tab_message::TabMessage};

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Instead of what this timer was to do before.
    Schedule(TimerId, Millis),
    Cancel(TimerId),
    CancelAll,
    /// Request an access token; not if such a renewal is under way.
    RenewToken,
    /// Request an access token, whatever else is under way: an older request may have an older answer.
    CheckSession(TokenRequest),
    ReportActivity,
    /// Instead of the stream that is open, if any.
    OpenStream,
    CloseStream,
    Broadcast(TabMessage),
    /// Tell the other tabs what is unsaved in this one.
    TellUnsaved,
    SaveDrafts,
    /// Remove all drafts of this tab, and keep none any more on this page.
    ForgetDrafts,
    /// Send the sign-out form.
    SignOut,
    /// Sign out while the page is being left.
    SignOutBehind,
    /// Remember for the next page of this tab that it was sent to the sign-in page now.
    RecordDeparture,
    Navigate(Destination),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Destination {
    /// This page again, as the server renders it now.
    Reload,
    /// The sign-in page, which returns to this page.
    SignIn,
    /// The sign-in page after a sign-out.
    SignedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerId {
    /// Check the deadlines.
    Deadlines,
    /// Renew the access token.
    Renewal,
    /// Report activity that the throttle held back.
    Report,
    /// Ask the server again.
    Check,
    /// Open the event stream.
    Stream,
    /// The other tabs have said what a sign-out would lose.
    SignOut,
}

impl TimerId {
    pub const COUNT: usize = 6;
}
