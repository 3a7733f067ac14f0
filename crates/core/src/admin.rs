//! What administrators see and do. Every act is in the log, with who did it. Users and sessions are returned as the
//! rows they are; pages and API show no hash of theirs.

use super::{
    Auth, HOUR, NEWEST, RequestContext,
    event::{Entry, Kind},
    page,
    reason::Reason,
    role::{self, ADMIN},
    session::{Which, parse_id},
};
use crate::{
    db::{
        counts::{self, Count},
        events::{self, NamedEvent},
        roles,
        sessions::{self, OwnedSession},
        users::{self, User},
    },
    error::Error,
};

/// In `counts`, beside the kinds of events: refreshed tokens, and the most sessions seen live in an hour.
pub const REFRESHES: &str = "refresh";
pub const LIVE: &str = "live_sessions";

/// The house at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    pub users: i64,
    pub disabled: i64,
    pub live_browsers: i64,
    pub live_api: i64,
    /// The entry of the log that records tampering.
    pub tampered_seq: Option<i64>,
    /// Unix hours: the one that is running.
    pub hour: i64,
    /// By hour and kind, from 30 days ago on.
    pub counts: Vec<Count>,
}

/// Changes to what somebody may do; what is `None` stays.
#[derive(Clone, Copy, Debug)]
pub struct AccessChange<'a> {
    /// All roles that the user is to have.
    pub roles: Option<&'a [String]>,
    pub disabled: Option<bool>,
}

impl<'a> AccessChange<'a> {
    pub fn roles(roles: &'a [String]) -> Self {
        Self { roles: Some(roles), disabled: None }
    }

    pub fn disabled(disabled: bool) -> Self {
        Self { roles: None, disabled: Some(disabled) }
    }
}

impl Auth {
    pub async fn overview(&self) -> Result<Overview, Error> {
        const DAYS: i64 = 30;
        let live = self.live_sessions().await?;
        let tampered_seq = self.tampered_seq().await?;
        let hour = self.clock.now().div_euclid(HOUR);
        let db = self.db.reader();
        let ((users, disabled), counts) = tokio::try_join!(users::count(db), counts::list_since(db, hour - DAYS * 24))?;
        let of = |kind: &str| live.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n);
        Ok(Overview { users, disabled, live_browsers: of("browser"), live_api: of("api"), tampered_seq, hour, counts })
    }

    /// Users, the newest first: `limit` of them from before the user `before` on, and where the next page begins.
    pub async fn search_users(
        &self,
        filter: &users::Filter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let found = users::search(self.db.reader(), filter, before.unwrap_or(NEWEST), limit as i64 + 1).await?;
        Ok(page(found, limit, |user| &user.id))
    }

    /// A user by an id from outside.
    pub async fn find_user(&self, id: &str) -> Result<User, Error> {
        users::find(self.db.reader(), parse_id(id)?).await?.ok_or(Error::NotFound)
    }

    /// Everybody's live sessions, the newest first.
    pub async fn all_sessions(
        &self,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<OwnedSession>, Option<String>), Error> {
        let now = self.clock.now();
        let found = sessions::list_all_live(self.db.reader(), before.unwrap_or(NEWEST), now, limit as i64 + 1).await?;
        Ok(page(found, limit, |owned| &owned.session.id))
    }

    /// Everybody's log, the newest first.
    pub async fn search_events(
        &self,
        filter: &events::Filter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<NamedEvent>, Option<String>), Error> {
        const LAST: i64 = i64::MAX;
        let db = self.db.reader();
        // Times ascend with `seq`, or nearly: these bounds are where to look, and the times themselves decide.
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

    /// The person that an administrator means: an id, or an address.
    pub async fn find_person(&self, text: &str) -> Result<Option<User>, Error> {
        let text = text.trim();
        match parse_id(text) {
            Ok(id) => Ok(users::find(self.db.reader(), id).await?),
            Err(_) => Ok(users::find_by_email(self.db.reader(), &super::email::normalise(text)).await?),
        }
    }

    pub async fn log_export(&self, detail: &str, context: &RequestContext) -> Result<(), Error> {
        self.log_alone(Entry::new(Kind::LogExported).detail(detail), context).await
    }

    /// Changes what a user may do, as far as the actor may do it themselves; returns them as they now are, and how many
    /// sessions ended. A disabled user is signed out everywhere and gets in by no way. Done twice, it is done.
    pub async fn change_access(
        &self,
        user_id: &str,
        change: AccessChange<'_>,
        context: Option<&RequestContext>,
    ) -> Result<(User, usize), Error> {
        let mut act = self.begin(context).await?;
        // Held, so that two administrators can't remove each other at once.
        roles::lock(act.db(), ADMIN).await?;
        let was = users::find_for_update(act.db(), user_id).await?.ok_or(Error::NotFound)?;
        let known = roles::list(act.db()).await?;
        let actor = role::of_actor(&mut act, &known).await?;
        let mut user = match change.roles {
            Some(roles) => role::give(&mut act, &was, roles, &known, &actor).await?,
            None => was.clone(),
        };
        if let Some(disabled) = change.disabled
            && disabled != user.disabled_at.is_some()
        {
            actor.cover(&role::held_by(&was, &known))?;
            let now = act.now;
            user.disabled_at = disabled.then_some(now);
            users::set_disabled(act.db(), user_id, user.disabled_at, now).await?;
            act.log(Entry::new(if disabled { Kind::AccountDisabled } else { Kind::AccountEnabled }).user(user_id));
            if disabled {
                act.end(Which::AllOf(user_id), Reason::AccountDisabled).await?;
            }
        }
        if is_admin(&was) && !is_admin(&user) && users::count_enabled(act.db(), ADMIN).await? == 0 {
            return Err(Error::LastAdmin);
        }
        act.changed(user_id);
        Ok((user, act.commit().await?))
    }

    /// Signs a user out everywhere.
    pub async fn sign_out_user(&self, user_id: &str, context: &RequestContext) -> Result<usize, Error> {
        self.end(Which::AllOf(user_id), Reason::RevokedByAdmin, Some(context)).await
    }

    /// Ends anybody's session.
    pub async fn end_session(&self, id: &str, context: &RequestContext) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), parse_id(id)?).await?.ok_or(Error::NotFound)?;
        match self.end(Which::of(&session), Reason::RevokedByAdmin, Some(context)).await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }
}

/// Whether somebody can sign in and administer everything.
fn is_admin(user: &User) -> bool {
    user.disabled_at.is_none() && user.roles().any(|role| role == ADMIN)
}
