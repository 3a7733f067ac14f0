//! Sessions: lookup by cookie, activity, listing, revocation. An ended session never becomes live again; only
//! [`sign_in`](crate::sign_in) begins one.

use std::sync::Arc;

use sekisho_model::{EndReason, Permissions, SessionId, UserId};
use tracing::instrument;

use crate::{
    clock::millis,
    db::{
        is_unavailable,
        sessions::{
            self, Session,
            ending::{self, SessionSelector},
        },
        users::{self, User},
    },
    error::Error,
    paging::{NEWEST, page},
    policy::Policy,
    request_context::RequestContext,
    role::Roles,
    unit_of_work::Store,
};

pub(crate) mod begin;
pub mod credential;
mod device;
mod lifetime;
pub(crate) mod refresh_expiry;

pub use crate::user_agent::device_name;
use credential::CookieToken;

/// The result of a cookie lookup.
#[derive(Clone, Debug)]
pub enum CookieLookup {
    /// No stored session has this token.
    Unknown,
    /// The session ended.
    Ended(EndReason),
    /// The session is live.
    Live(Box<SignedIn>),
}

/// A signed-in user and their session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// The live session.
    pub session: Session,
    /// The user's current permissions.
    pub permissions: Permissions,
}

/// Lookup and changes of sessions.
pub struct Sessions {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) roles: Arc<Roles>,
    /// Key of the configured OAuth provider.
    pub(crate) provider: Option<String>,
}

impl Sessions {
    /// Looks up a session by its cookie; ends it if it is past a deadline.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn look_up(&self, token: CookieToken) -> Result<CookieLookup, Error> {
        match sessions::find_by_token_hash(self.store.reader(), &token.hash()).await? {
            Some(session) => self.look_up_row(session).await,
            None => Ok(CookieLookup::Unknown),
        }
    }

    /// As [`Sessions::look_up`], of a row that was found.
    pub(crate) async fn look_up_row(&self, mut session: Session) -> Result<CookieLookup, Error> {
        if let Some(reason) = self.expire_if_due(&mut session).await? {
            return Ok(CookieLookup::Ended(reason));
        }
        match users::find(self.store.reader(), &session.user_id).await? {
            Some(user) if user.disabled_at.is_none() => {
                let permissions = self.roles.permissions(&user).await?;
                Ok(CookieLookup::Live(Box::new(SignedIn { user, session, permissions })))
            }
            Some(_) => Ok(CookieLookup::Ended(EndReason::AccountDisabled)),
            None => Ok(CookieLookup::Unknown),
        }
    }

    /// Why a session has ended; ends it if it is past a deadline.
    pub(crate) async fn expire_if_due(&self, session: &mut Session) -> Result<Option<EndReason>, Error> {
        match session.end_reason(self.store.now()) {
            None => Ok(self.store.revocations.reason(&session.id)),
            Some(reason) if session.ended_at.is_some() => Ok(Some(reason)),
            Some(reason) => self.expire(session, reason).await,
        }
    }

    /// Ends a session past its deadline by compare-and-set; if activity moved the deadline meanwhile, `session` is reloaded.
    async fn expire(&self, session: &mut Session, reason: EndReason) -> Result<Option<EndReason>, Error> {
        let expired = async {
            let mut work = self.store.begin(None).await?;
            let now = work.now;
            if let Some(ended) = ending::end_if_expired(work.db(), &session.id, now).await? {
                work.record_ended(vec![ended]);
                work.commit().await?;
                return Ok(Some(reason));
            }
            let Some(row) = sessions::find(work.db(), &session.id).await? else { return Ok(Some(reason)) };
            *session = row;
            Ok(session.end_reason(now))
        };
        match expired.await {
            // Rejected all the same; housekeeping writes the row later.
            Err(Error::Unavailable(_)) => Ok(Some(reason)),
            expired => expired,
        }
    }

    /// Finds a session by id, live or ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        Ok(sessions::find(self.store.reader(), id).await?)
    }

    /// The JSON that pages store in the live session with this cookie.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find_page_data(&self, token: CookieToken) -> Result<Option<String>, Error> {
        Ok(sessions::find_data(self.store.reader(), &token.hash(), self.store.now()).await?)
    }

    /// Stores the pages' JSON; no effect on an ended session.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn save_page_data(&self, token: CookieToken, data: &str) -> Result<(), Error> {
        sessions::update_data(self.store.writer(), &token.hash(), data).await?;
        Ok(())
    }

    /// Ends the session with this cookie, if it is live.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all)]
    pub async fn sign_out(&self, token: CookieToken) -> Result<(), Error> {
        let found = sessions::find_by_token_hash(self.store.reader(), &token.hash()).await?;
        if let Some(session) = found.filter(|session| session.ended_at.is_none()) {
            self.end(SessionSelector::of(&session), EndReason::SignedOut, None).await?;
        }
        Ok(())
    }

    /// Records activity: moves the idle deadline of a live browser session at most once per roll interval, and updates
    /// `session`. An unavailable database is not an error: the deadline stays.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn touch(&self, session: &mut Session, context: &RequestContext) -> Result<(), Error> {
        let now = self.store.now();
        let roll = millis(self.policy.roll());
        if (now - roll..=now).contains(&session.last_active_at) && session.last_active_at != now - roll {
            return Ok(());
        }
        if self.store.users.is_database_unreachable() {
            return Ok(());
        }
        let idle_expires_at = self.policy.session_idle.map(|idle| now + millis(idle));
        let ip = context.ip.to_string();
        match sessions::touch(self.store.writer(), &session.id, now, now - roll, idle_expires_at, &ip).await {
            Ok(true) => {
                session.last_active_at = now;
                session.idle_expires_at = idle_expires_at;
            }
            Ok(false) => {}
            // Pages stay readable while the database is read-only.
            Err(error) if is_unavailable(&error) => tracing::warn!(%error, "activity can't be written"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A page of a user's live sessions, newest first: at most `limit`, after the cursor `before`; and the next page's
    /// cursor.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(
        &self,
        user_id: &UserId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Session>, Option<String>), Error> {
        let (before, now) = (before.unwrap_or(NEWEST), self.store.now());
        let found = sessions::list_live(self.store.reader(), user_id, before, now, limit as i64 + 1).await?;
        Ok(page(found, limit, |session| session.id.as_str()))
    }

    /// Ends sessions; returns how many ended now. `context` is `None` for changes not caused by a request.
    ///
    /// # Errors
    /// [`Error::SessionEnded`] if the acting session has ended, [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(%reason))]
    pub async fn end(
        &self,
        which: SessionSelector<'_>,
        reason: EndReason,
        context: Option<&RequestContext>,
    ) -> Result<usize, Error> {
        let mut work = self.store.begin(context).await?;
        work.end(which, reason).await?;
        work.commit().await
    }
}
