//! Administration: overview, search, roles, disabling accounts, revoking sessions. Every change is in the audit log with
//! its actor. Rejects changes beyond the actor's own permissions, and removing the last administrator.

use std::sync::Arc;

use sekisho_model::{EndReason, EventKind, RoleName, SessionId, SessionKind, UserId};
use tracing::instrument;

use crate::{
    account::Accounts,
    audit::{event::Entry, filter::LogFilter, statistics::Statistics},
    clock::HOUR,
    db::{
        counts::{self, Count},
        events::{self, NamedEvent},
        roles,
        sessions::{self, OwnedSession, ending::SessionSelector},
        trusted_browsers,
        users::{self, User},
    },
    error::Error,
    paging::{NEWEST, page},
    request_context::RequestContext,
    role,
    session::Sessions,
    unit_of_work::Store,
};

pub mod factor_reset;

/// The counts of the overview page.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Accounts.
    pub users: i64,
    /// Disabled accounts.
    pub disabled: i64,
    /// Live browser sessions.
    pub live_browsers: i64,
    /// Live API sessions.
    pub live_api: i64,
    /// Number of the log entry that recorded tampering, if any.
    pub tampered_seq: Option<i64>,
    /// The current hour, in hours since 1970-01-01 UTC.
    pub hour: i64,
    /// By hour and kind, over the last 30 days.
    pub counts: Vec<Count>,
}

/// A change to a user's roles or disabled state; `None` leaves a field unchanged.
#[derive(Clone, Copy, Debug)]
pub struct AccessChange<'a> {
    /// The complete set of roles after the change.
    pub roles: Option<&'a [String]>,
    /// Disables or enables the account.
    pub disabled: Option<bool>,
}

impl<'a> AccessChange<'a> {
    /// Replaces the roles.
    pub fn roles(roles: &'a [String]) -> Self {
        Self { roles: Some(roles), disabled: None }
    }

    /// Disables or enables the account.
    pub fn disabled(disabled: bool) -> Self {
        Self { roles: None, disabled: Some(disabled) }
    }
}

/// Queries and changes for administrators.
pub struct Administration {
    pub(crate) store: Arc<Store>,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) accounts: Arc<Accounts>,
}

impl Administration {
    /// Current totals, and hourly counts of the last 30 days.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn overview(&self) -> Result<Overview, Error> {
        const DAYS: i64 = 30;
        let live = self.statistics.live_sessions().await?;
        let tampered_seq = self.store.audit.tampered_seq().await?;
        let hour = self.store.now().div_euclid(HOUR);
        let db = self.store.reader();
        let ((users, disabled), counts) = tokio::try_join!(users::count(db), counts::list_since(db, hour - DAYS * 24))?;
        let of = |kind| live.iter().find(|live| live.kind == kind).map_or(0, |live| live.n);
        Ok(Overview {
            users,
            disabled,
            live_browsers: of(SessionKind::Browser),
            live_api: of(SessionKind::Api),
            tampered_seq,
            hour,
            counts,
        })
    }

    /// A page of users, newest first: at most `limit`, after the cursor `before`; and the next page's cursor.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn search_users(
        &self,
        filter: &users::Filter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let found = users::search(self.store.reader(), filter, before.unwrap_or(NEWEST), limit as i64 + 1).await?;
        Ok(page(found, limit, |user| user.id.as_str()))
    }

    /// Finds a user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find_user(&self, id: &UserId) -> Result<User, Error> {
        users::find(self.store.reader(), id).await?.ok_or(Error::NotFound)
    }

    /// A page of all users' live sessions, newest first; pagination as in [`Administration::search_users`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn all_sessions(
        &self,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<OwnedSession>, Option<String>), Error> {
        let now = self.store.now();
        let found =
            sessions::list_all_live(self.store.reader(), before.unwrap_or(NEWEST), now, limit as i64 + 1).await?;
        Ok(page(found, limit, |owned| owned.session.id.as_str()))
    }

    /// Parses a log filter and resolves its person; `None` if there is no such user.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with all field errors.
    pub async fn resolve_filter(&self, filter: &LogFilter) -> Result<Option<events::Filter>, Error> {
        let parsed = filter.parse()?;
        let Some(person) = filter.person() else { return Ok(Some(parsed)) };
        let user = self.accounts.find_by_id_or_email(person).await?;
        Ok(user.map(|user| events::Filter { user_id: Some(user.id), ..parsed }))
    }

    /// A page of all users' events, newest first; pagination as in [`Administration::search_users`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn search_events(
        &self,
        filter: &events::Filter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<NamedEvent>, Option<String>), Error> {
        const LAST: i64 = i64::MAX;
        let db = self.store.reader();
        // Times ascend with `seq`, but only nearly: `seq` narrows the range, the query compares the times.
        const MARGIN: i64 = 1_000;
        let from = match filter.from {
            Some(at) => events::find_seq_since(db, at).await?.unwrap_or(LAST).saturating_sub(MARGIN),
            None => 0,
        };
        let to = match filter.to {
            Some(at) => events::find_seq_before(db, at).await?.unwrap_or(0) + MARGIN,
            None => LAST,
        };
        let before = match before {
            Some(id) => events::find_seq(db, id).await?.unwrap_or(0),
            None => LAST,
        };
        let seqs = from..to.min(before);
        let found = events::search(db, filter, seqs, limit as i64 + 1).await?;
        Ok(page(found, limit, |named| &named.event.id))
    }

    /// Records an export of the log; `detail` describes its range.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all)]
    pub async fn log_export(&self, detail: &str, context: &RequestContext) -> Result<(), Error> {
        self.store.log(Entry::new(EventKind::LogExported).detail(detail), context).await
    }

    /// Changes a user's roles or disabled state; returns the updated user and the number of revoked sessions. Disabling
    /// revokes all sessions and blocks every authenticator. Idempotent.
    ///
    /// # Errors
    /// [`Error::Forbidden`] beyond the actor's own permissions, [`Error::LastAdmin`], [`Error::NotFound`],
    /// [`Error::InvalidInput`] for an unknown role.
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn change_access(
        &self,
        user_id: &UserId,
        change: AccessChange<'_>,
        context: Option<&RequestContext>,
    ) -> Result<(User, usize), Error> {
        let mut work = self.store.begin(context).await?;
        // Locked, so that two administrators can't remove each other concurrently.
        roles::lock(work.db(), RoleName::ADMIN).await?;
        let was = work.lock_user(user_id).await?.ok_or(Error::NotFound)?;
        let known = roles::list(work.db()).await?;
        let actor = role::permissions_of_actor(&mut work, &known).await?;
        let mut user = match change.roles {
            Some(roles) => role::assign(&mut work, &was, roles, &known, &actor).await?,
            None => was.clone(),
        };
        if let Some(disabled) = change.disabled
            && disabled != user.disabled_at.is_some()
        {
            role::require_role_cover(&actor, role::held_by(&was, &known))?;
            let now = work.now;
            user.disabled_at = disabled.then_some(now);
            users::set_disabled(work.db(), user_id, user.disabled_at, now).await?;
            work.log(
                Entry::new(if disabled { EventKind::AccountDisabled } else { EventKind::AccountEnabled }).user(user_id),
            );
            if disabled {
                trusted_browsers::delete_all(work.db(), user_id).await?;
                work.end(SessionSelector::AllOf(user_id), EndReason::AccountDisabled).await?;
            }
        }
        if is_admin(&was) && !is_admin(&user) && users::count_enabled(work.db(), RoleName::ADMIN).await? == 0 {
            return Err(Error::LastAdmin);
        }
        work.user_changed(user_id);
        Ok((user, work.commit().await?))
    }

    /// Revokes all sessions of a user; returns how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn sign_out_user(&self, user_id: &UserId, context: &RequestContext) -> Result<usize, Error> {
        self.sessions.end(SessionSelector::AllOf(user_id), EndReason::RevokedByAdmin, Some(context)).await
    }

    /// Revokes a session of any user.
    ///
    /// # Errors
    /// [`Error::NotFound`], also if it has ended already.
    #[instrument(level = "debug", skip_all, fields(session.id = %id))]
    pub async fn end_session(&self, id: &SessionId, context: &RequestContext) -> Result<(), Error> {
        let session = sessions::find(self.store.reader(), id).await?.ok_or(Error::NotFound)?;
        match self.sessions.end(SessionSelector::of(&session), EndReason::RevokedByAdmin, Some(context)).await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }
}

/// Whether this is an enabled administrator.
fn is_admin(user: &User) -> bool {
    user.disabled_at.is_none() && user.has_role(RoleName::ADMIN)
}
