//! A user's own security log and unacknowledged notices (ASVS 6.3.7).

use std::sync::Arc;

use sekisho_model::{EventKind, UserId};
use tracing::instrument;

use crate::{
    clock::{HOUR, UnixMillis},
    db::{
        events::{self, Event},
        sessions::Session,
        users::{self, User},
    },
    error::Error,
    paging::page,
    request_context::RequestContext,
    session::SignedIn,
    unit_of_work::Store,
};

/// How long a device counts as new, in milliseconds.
const NEW_DEVICE: UnixMillis = 24 * HOUR;
/// Notices returned at most.
const MAX_NOTICES: i64 = 20;

/// Events and notices per account.
pub struct SecurityLog {
    pub(crate) store: Arc<Store>,
}

impl SecurityLog {
    /// A page of a user's events, newest first: at most `limit`, after the cursor `before`; and the next page's cursor.
    /// Of `kinds`, or of all if these are none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(
        &self,
        user_id: &UserId,
        kinds: &[EventKind],
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Event>, Option<String>), Error> {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        let before = before.unwrap_or_default();
        let found = events::list(self.store.reader(), user_id, &kinds, before, limit as i64 + 1).await?;
        Ok(page(found, limit, |event| &event.id))
    }

    /// The last sign-in before this session's own.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sign_in_before(&self, session: &Session) -> Result<Option<Event>, Error> {
        let (db, kind) = (self.store.reader(), EventKind::SignedIn.as_str());
        Ok(events::find_last(db, &session.user_id, kind, session.created_at).await?)
    }

    /// Unacknowledged notices, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn notices(&self, user: &User) -> Result<Vec<Event>, Error> {
        if !user.has_notice() {
            return Ok(Vec::new());
        }
        let kinds = EventKind::NOTICES.map(EventKind::as_str);
        let since = user.notices_seen_at.unwrap_or_default();
        Ok(events::list_notices(self.store.reader(), &user.id, &kinds, since, MAX_NOTICES).await?)
    }

    /// Acknowledges notices up to `until`, the latest one shown. An attacker must not dismiss the alarm they caused: a new
    /// device acknowledges nothing, and no session its own events.
    ///
    /// # Errors
    /// [`Error::NewDevice`].
    #[instrument(level = "debug", skip_all, fields(user.id = %who.user.id))]
    pub async fn acknowledge(&self, who: &SignedIn, until: UnixMillis, context: &RequestContext) -> Result<(), Error> {
        if !self.may_acknowledge(&who.session) {
            return Err(Error::NewDevice);
        }
        let caused = |event: &&Event| event.session_id.as_deref() == Some(who.session.id.as_str());
        let notices = self.notices(&who.user).await?;
        // `notice_at` is set slightly before the entry's time.
        let first = |event: &Event| event.at.min(who.user.notice_at.unwrap_or(event.at)) - 1;
        let own = notices.iter().filter(caused).map(first).min();
        let mut work = self.store.begin(Some(context)).await?;
        let until = until.min(work.now).min(own.unwrap_or(UnixMillis::MAX));
        users::set_notices_seen(work.db(), &who.user.id, until).await?;
        work.user_changed(&who.user.id);
        work.commit().await.map(drop)
    }

    /// Whether a session's device is known long enough to acknowledge notices.
    pub fn may_acknowledge(&self, session: &Session) -> bool {
        session.new_device_at.is_none_or(|at| self.store.now() - at >= NEW_DEVICE)
    }
}

impl User {
    /// Whether there are unacknowledged notices.
    pub fn has_notice(&self) -> bool {
        self.notice_at.is_some_and(|at| self.notices_seen_at.is_none_or(|seen| seen < at))
    }
}
