//! What happens to the keeper: input of [`super::Model::update`].

use super::TimerId;
use crate::{
    browser::{clock::Millis, drafts::Unsaved},
    islands::{
        keeper::{deadlines::Deadlines, tab_message::TabMessage, token::AccessToken},
        protocol::EndReason,
    },
};

#[derive(Debug)]
pub enum Event {
    /// The page is there.
    Started,
    /// A person's input.
    Activity,
    /// "Stay signed in", or "Got it" where the deadline cannot be moved.
    WarningAnswered,
    /// The person sent this page's sign-out form, which waits. What is unsaved in this tab.
    SignOutSubmitted {
        unsaved: Vec<Unsaved>,
    },
    /// "Sign out and discard", or "Stay".
    SignOutAnswered {
        discard: bool,
    },
    /// The server accepted the password on this page.
    SignedInAgain {
        user_id: Option<String>,
    },
    PageVisible,
    /// The page came out of the back/forward cache.
    PageRestored,
    PageHidden,
    Online,
    Offline,
    TimerFired(TimerId),
    TokenAnswered(TokenRequest, Result<Option<AccessToken>, Refusal>),
    ActivityAnswered(Result<SessionStatus, Refusal>),
    StreamHello(SessionStatus),
    /// The stream said that the session has ended, or was refused (`None`).
    StreamClosed(Option<EndReason>),
    TabMessage {
        user_id: String,
        message: TabMessage,
    },
}

/// The world around the keeper at the time of an event.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// On the browser's clock.
    pub now: Millis,
    /// Random, from 0 to 1.
    pub chance: f64,
    /// Whether the tab is in front.
    pub is_visible: bool,
    /// What the browser says; only `false` is reliable.
    pub is_online: bool,
    /// Whether there is unsaved text on this page, which is kept.
    pub keeps_draft: bool,
}

/// A request for an access token. It also asks whether the session is alive.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenRequest {
    /// The end that somebody told: it counts unless the server knows the session, or a reason of its own.
    pub told: Option<EndReason>,
    /// Whether it was sent when the session had ended on this page.
    pub sent_after_end: bool,
}

/// A session as the server sees it: whose it is, and its deadlines, on the server's clock.
#[derive(Clone, Debug, Default)]
pub struct SessionStatus {
    pub user_id: Option<String>,
    pub now: Option<Millis>,
    pub deadlines: Deadlines,
}

/// A request that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// A 401 of this server, with the reason if it knows one.
    Unauthorized(Option<EndReason>),
    /// No response, or one that says nothing about the session: a 5xx, a 429, a 401 of a proxy.
    Unavailable,
}
