//! The context of a request, for the audit log, rate limits and the session check of every change.

use std::net::IpAddr;

use sekisho_model::{SessionId, UserId};

use crate::clock::UnixMillis;

/// A request's client, actor and session.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Client address, resolved behind trusted proxies.
    pub ip: IpAddr,
    /// One printable line.
    pub user_agent: String,
    /// The request id, as in the response and the log.
    pub request_id: Option<String>,
    /// Who acts on other accounts.
    pub actor: Option<Actor>,
    /// The acting session. Every change reads its row in the same transaction and fails with
    /// [`Error::SessionEnded`](crate::Error::SessionEnded) if it was revoked, also on another node (ASVS 7.4.1).
    pub session_id: Option<SessionId>,
    /// Arrival time: the password may be verified much later, after queueing.
    pub received_at: UnixMillis,
    /// The [device cookie](crate::authenticator::device_cookie), on page requests; the API reads no cookie.
    pub device_cookie: Option<String>,
    /// The cookie of a trusted browser, on page requests.
    pub trusted_browser: Option<String>,
}

/// Who acts on other accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An administrator.
    Administrator(UserId),
    /// The command line.
    CommandLine,
}

impl Actor {
    /// The text in the audit log: the administrator's id, or `command-line`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Administrator(id) => id.as_str(),
            Self::CommandLine => "command-line",
        }
    }
}
