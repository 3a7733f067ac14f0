//! The context of a request, for the audit log, rate limits and the session check of every change.

use std::net::IpAddr;

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
    /// Id of an administrator acting on another account, or [`COMMAND_LINE`].
    pub actor: Option<String>,
    /// The acting session. Every change reads its row in the same transaction and fails with
    /// [`Error::SessionEnded`](crate::Error::SessionEnded) if it was revoked, also on another node (ASVS 7.4.1).
    pub session_id: Option<String>,
    /// Arrival time: the password may be verified much later, after queueing.
    pub received_at: UnixMillis,
    /// The [device cookie](crate::authenticator::device_cookie), on page requests; the API reads no cookie.
    pub device_cookie: Option<String>,
}

/// The actor of changes made on the command line.
pub const COMMAND_LINE: &str = "command-line";
