//! Names that the islands share with the server, with the other tabs, and with the pages before and after this one.
//! Nothing but names: what is done with them is decided where they are used.

use sekisho_model::EndReason as Reason;

/// Paths of the server.
pub mod path {
    pub const TOKEN: &str = "/session/token";
    pub const ACTIVITY: &str = "/session/activity";
    pub const SIGN_IN: &str = "/session/sign-in";
    pub const EVENTS: &str = "/session/events";
    pub const PASSKEY_SIGN_IN: &str = "/session/passkeys/sign-in";
    pub const PASSKEY_SECOND_FACTOR: &str = "/session/passkeys/second-factor";
    pub const LOGIN: &str = "/login";
    /// The sign-in page, saying that the person signed out.
    pub const LOGIN_AFTER_SIGN_OUT: &str = "/login?signed_out";
    /// The sign-in page; the encoded path to return to follows.
    pub const LOGIN_WITH_RETURN_TO: &str = "/login?next=";
    pub const LOGOUT: &str = "/logout";
}

/// Events of the stream at [`path::EVENTS`].
pub mod stream_event {
    /// The session's deadlines, as soon as the stream is open.
    pub const HELLO: &str = "hello";
    /// The session has ended, with its reason.
    pub const ENDED: &str = "ended";
}

/// The `code` of a problem that says that the e-mail address or the password is wrong.
pub const INVALID_CREDENTIALS: &str = "invalid_credentials";

/// The `code` of a problem that says that a sign-in needs a second factor.
pub const SECOND_FACTOR_REQUIRED: &str = "second_factor_required";

/// The `code` of a problem that says that a code of a second factor is wrong.
pub const INVALID_CODE: &str = "invalid_code";

/// The `code` of a problem that says that a passkey is not accepted.
pub const PASSKEY_REFUSED: &str = "passkey_refused";

/// In the request for a ceremony: the token of the sign-in that waits for it.
pub const WAITING_FIELD: &str = "waiting";
/// The name of the field that continues a ceremony.
pub const PASSKEY_FLOW_FIELD: &str = "passkey_flow";
/// The name of the field with the authenticator's answer.
pub const PASSKEY_FIELD: &str = "passkey";

/// The `BroadcastChannel` of the keepers of all tabs.
pub const CHANNEL: &str = "sekisho";

/// Keys of `sessionStorage`.
pub mod storage_key {
    /// When this tab was last sent to the sign-in page, in Unix milliseconds.
    pub const LEFT_AT: &str = "sekisho.left-at";
    /// What the keys of drafts start with.
    pub const DRAFT_PREFIX: &str = "sekisho.draft:";
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EndReason {
    Known(Reason),
    /// Not said, or a reason that this version does not know: the server may be newer.
    Unknown,
}

impl EndReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known(reason) => reason.as_str(),
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(name: &str) -> Self {
        name.parse().map_or(Self::Unknown, Self::Known)
    }
}
