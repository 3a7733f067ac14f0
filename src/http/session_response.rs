//! A session as JSON.

use serde::Serialize;

use super::problem::Problem;
use sekisho_core::{Error, Session, clock::rfc3339, secret::OpaqueToken};
use sekisho_model::{AuthMethod, SessionId, SessionKind};

#[derive(Debug, Serialize)]
pub struct SessionResponse {
    id: SessionId,
    kind: SessionKind,
    /// Whether this is the session of the token that asks.
    current: bool,
    device: String,
    ip: String,
    user_agent: String,
    created_at: String,
    last_active_at: String,
    /// The first of its deadlines as they stand; null: none.
    expires_at: Option<String>,
}

impl SessionResponse {
    pub fn new(session: Session, current: Option<&SessionId>) -> Self {
        Self {
            current: current == Some(&session.id),
            created_at: rfc3339(session.created_at),
            last_active_at: rfc3339(session.last_active_at),
            expires_at: session.deadline().map(rfc3339),
            id: session.id,
            kind: session.kind,
            device: session.device,
            ip: session.ip,
            user_agent: session.user_agent,
        }
    }
}

/// The problem of a sign-in that failed. A `device_limit` lists the sessions, one of which has to end first, in
/// `devices`.
pub fn sign_in_problem(error: Error) -> Problem {
    let devices: Vec<_> = match &error {
        Error::DeviceLimit(sessions) => {
            sessions.iter().map(|session| SessionResponse::new(session.clone(), None)).collect()
        }
        _ => return error.into(),
    };
    Problem::from(error).with("devices", devices)
}

/// The problem of a sign-in that needs a second factor: `flow_id` continues it, with a code of one of the `methods`.
pub fn second_factor_problem(flow_id: &OpaqueToken, methods: &[AuthMethod]) -> Problem {
    Problem::from(Error::SecondFactorRequired).with("flow_id", flow_id.expose()).with("methods", methods)
}
