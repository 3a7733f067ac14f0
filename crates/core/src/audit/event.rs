//! Security events to be logged (ASVS 16.3.1). They contain no secret and no e-mail address.

use sekisho_model::{EndReason, EventKind, SessionId, UserId};

/// An event to append to the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub kind: EventKind,
    /// The affected user.
    pub user_id: Option<UserId>,
    /// The affected session; defaults to the acting one.
    pub session_id: Option<SessionId>,
    /// Why a session ended or a sign-in was refused.
    pub reason: Option<EndReason>,
    /// Free text; no secret, no e-mail address.
    pub detail: Option<String>,
}

impl Entry {
    /// An entry without user, session, reason or detail.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, user_id: None, session_id: None, reason: None, detail: None }
    }

    /// A sign-in refused despite valid credentials.
    pub fn refused(user_id: &UserId, reason: EndReason) -> Self {
        Self { reason: Some(reason), ..Self::new(EventKind::SignInFailed).user(user_id) }
    }

    /// Sets the affected user.
    pub fn user(self, id: &UserId) -> Self {
        Self { user_id: Some(id.clone()), ..self }
    }

    /// Sets the affected session.
    pub fn session(self, id: &SessionId) -> Self {
        Self { session_id: Some(id.clone()), ..self }
    }

    /// Sets the free text.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
