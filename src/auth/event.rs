//! The log of what happened to an account: a row for the person, a structured line for monitoring (ASVS 16.3.1).
//! No secret and no e-mail address is in either.

use super::{Auth, Caller, reason::Reason};
use crate::{
    db::{Executor, events},
    error::Error,
};

/// What happened; its text is `event-<name>` in the locales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Registered,
    SignedIn,
    SignInFailed,
    SessionEnded,
    PasswordChanged,
    GithubLinked,
    GithubUnlinked,
    RefreshReuse,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::SignedIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SessionEnded => "session_ended",
            Self::PasswordChanged => "password_changed",
            Self::GithubLinked => "github_linked",
            Self::GithubUnlinked => "github_unlinked",
            Self::RefreshReuse => "refresh_reuse",
        }
    }

    fn outcome(self) -> &'static str {
        match self {
            Self::SignInFailed | Self::RefreshReuse => "failure",
            _ => "success",
        }
    }
}

/// Whom an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    pub user_id: Option<&'a str>,
    pub session_id: Option<&'a str>,
    pub reason: Option<Reason>,
}

impl Auth {
    /// Writes an event, in the transaction of what it records. `caller` is absent for what no request caused.
    pub(super) async fn log(
        &self,
        db: impl Executor<'_>,
        kind: Kind,
        about: About<'_>,
        caller: Option<&Caller>,
    ) -> Result<(), Error> {
        let reason = about.reason.map(Reason::as_str);
        tracing::info!(
            target: "sekisho::audit",
            event = kind.as_str(),
            user.id = about.user_id,
            session.id = about.session_id,
            reason,
            ip = caller.map(|c| tracing::field::display(c.ip)),
        );
        let event = events::Event {
            id: self.clock.new_id(),
            at: self.clock.now(),
            user_id: about.user_id.map(Into::into),
            session_id: about.session_id.map(Into::into),
            kind: kind.as_str().into(),
            outcome: kind.outcome().into(),
            reason: reason.map(Into::into),
            ip: caller.map(|c| c.ip.to_string()).unwrap_or_default(),
            user_agent: caller.map(|c| c.user_agent.clone()).unwrap_or_default(),
            request_id: caller.and_then(|c| c.request_id.clone()),
        };
        Ok(events::insert(db, &event).await?)
    }

    /// A page of a person's log, the newest first: `limit` events from before the event `before` on, and where the
    /// next page begins.
    pub async fn events(
        &self,
        user_id: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<events::Event>, Option<String>), Error> {
        const NEWEST: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";
        let mut page = events::list(self.db.reader(), user_id, before.unwrap_or(NEWEST), limit as i64 + 1).await?;
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(|event| event.id.clone());
        Ok((page, next))
    }
}
