//! What administrators see and do. Every act is in the log, with who did it. Users and sessions are returned as the
//! rows they are; pages and API show no hash of theirs.

use sqlx::{Any, Transaction};

use super::{
    Auth, Caller,
    event::{Entry, Kind},
    page,
    reason::Reason,
    role::ADMIN,
    session::{Which, parse_id},
};
use crate::{
    db::{
        UnixMillis,
        counts::{self, Count},
        events::{self, NamedEvent},
        roles,
        sessions::{self, OwnedSession},
        users::{self, User},
    },
    error::Error,
};

/// Sorts behind every id.
const NEWEST: &str = "g";
const HOUR: UnixMillis = 3_600_000;
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
    /// Unix hours: the one that is running.
    pub hour: i64,
    /// By hour and kind, from 30 days ago on.
    pub counts: Vec<Count>,
}

impl Auth {
    pub async fn overview(&self) -> Result<Overview, Error> {
        const DAYS: i64 = 30;
        let live = self.take_stock().await?;
        let hour = self.clock.now().div_euclid(HOUR);
        let db = self.db.reader();
        let ((users, disabled), counts) =
            futures::try_join!(users::count(db), counts::list_since(db, hour - DAYS * 24))?;
        let of = |kind: &str| live.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n);
        Ok(Overview { users, disabled, live_browsers: of("browser"), live_api: of("api"), hour, counts })
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

    pub async fn log_export(&self, detail: &str, caller: &Caller) -> Result<(), Error> {
        self.log_alone(Entry::new(Kind::LogExported).detail(detail), Some(caller)).await
    }

    /// Disables an account, or enables it again. A disabled one is signed out everywhere and gets in by no way. Done
    /// twice, it is done. Returns how many sessions ended.
    pub async fn set_disabled(&self, user_id: &str, disabled: bool, caller: Option<&Caller>) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        roles::lock(&mut *tx, ADMIN).await?;
        let user = users::find_for_update(&mut *tx, user_id).await?.ok_or(Error::NotFound)?;
        if !users::set_disabled(&mut *tx, user_id, disabled.then_some(now), now).await? {
            return Ok(0);
        }
        let mut ended = Vec::new();
        let kind = if disabled {
            self.keep_an_admin(&mut tx, &user).await?;
            ended = self.end_in(&mut tx, Which::AllOf(user_id), Reason::AccountDisabled, now).await?;
            Kind::AccountDisabled
        } else {
            Kind::AccountEnabled
        };
        let mut entries = vec![Entry::new(kind).user(user_id)];
        entries.extend(ended.iter().map(Entry::from));
        self.log(&mut tx, &entries, caller).await?;
        tx.commit().await?;
        let count = ended.len();
        self.announce(ended);
        self.forget_profile(user_id);
        Ok(count)
    }

    /// Signs a user out everywhere.
    pub async fn sign_out_user(&self, user_id: &str, caller: &Caller) -> Result<usize, Error> {
        self.end(Which::AllOf(user_id), Reason::RevokedByAdmin, Some(caller)).await
    }

    /// Ends anybody's session.
    pub async fn end_session(&self, id: &str, caller: &Caller) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), parse_id(id)?).await?.ok_or(Error::NotFound)?;
        match self.end(Which::of(&session), Reason::RevokedByAdmin, Some(caller)).await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Signs everybody out but the session that asks.
    pub async fn sign_out_everybody(&self, keep: &str, caller: &Caller) -> Result<usize, Error> {
        self.log_alone(Entry::new(Kind::EverybodyEnded), Some(caller)).await?;
        self.end(Which::Everybody { keep }, Reason::RevokedByAdmin, Some(caller)).await
    }

    /// Refuses a change to `was` that leaves the house without an administrator who can sign in. The transaction
    /// holds the role, so that two administrators can't remove each other at once.
    pub(super) async fn keep_an_admin(&self, tx: &mut Transaction<'_, Any>, was: &User) -> Result<(), Error> {
        let was_one = was.disabled_at.is_none() && was.roles().any(|role| role == ADMIN);
        if was_one && users::count_enabled(&mut **tx, ADMIN).await? == 0 { Err(Error::LastAdmin) } else { Ok(()) }
    }
}
