//! Sessions: begun at a sign-in, kept alive by activity, ended once and for all.

use super::{
    Auth, NEWEST, RequestContext,
    act::Act,
    event::{Entry, Kind as EventKind, is_among},
    millis, page,
    policy::DeviceLimit,
    reason::Reason,
    role::Permissions,
    scope::Scopes,
    secret::{OpaqueToken, random, sha256_hex},
};
use crate::{
    db::{
        UnixMillis, events, is_unavailable,
        sessions::{self, KnownDevice, Session},
        sign_outs,
        users::{self, User},
    },
    error::Error,
};
use serde::{Deserialize, Serialize};

/// How a session was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    Password,
    Github,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Github => "github",
        }
    }
}

/// What holds a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Browser,
    Api,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Api => "api",
        }
    }
}

/// The secret in a browser's cookie: 128 random bits (ASVS 7.2.3). Stored as a hash.
#[derive(Clone, Copy)]
pub struct CookieToken([u8; 16]);

impl CookieToken {
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub fn expose(self) -> [u8; 16] {
        self.0
    }

    pub fn hash(self) -> String {
        sha256_hex(&self.0)
    }
}

impl std::fmt::Debug for CookieToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieToken(..)")
    }
}

/// What holds a new session.
#[derive(Debug)]
pub enum Key {
    Cookie(CookieToken),
    /// The first refresh token, and when it ends.
    Refresh(OpaqueToken, UnixMillis),
}

/// A sign-in that asks for a session.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    pub user_id: &'a str,
    /// As it was when the person proved who they are: a password changed since then proves nothing (ASVS 7.4.3).
    pub password_changed_at: Option<UnixMillis>,
    /// When that was.
    pub proved_at: UnixMillis,
    pub kind: Kind,
    pub method: Method,
    /// The provider's id of whoever signed in there: the link must still stand when the session begins.
    pub subject: Option<&'a str>,
    /// What the device calls itself; else it is read from the user agent.
    pub device: Option<&'a str>,
    /// The session this browser held until now: it ends, whoever it belonged to (ASVS 7.2.4).
    pub replaces: Option<&'a Session>,
    /// A session of this user that the person chose to end, to make room.
    pub instead_of: Option<&'a str>,
    /// The most that its tokens may do; absent: everything.
    pub scope: Option<Scopes>,
}

/// What a cookie turned out to be.
#[derive(Clone, Debug)]
pub enum Presented {
    /// No session has, or ever had, this cookie.
    Unknown,
    Ended(Reason),
    Live(Box<SignedIn>),
}

/// Somebody who is signed in, and by which session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    pub session: Session,
    pub permissions: Permissions,
}

impl Session {
    /// Why the session is over at `now`; `None` while it lives.
    pub fn ended(&self, now: UnixMillis) -> Option<Reason> {
        if let Some(reason) = &self.ended_reason {
            return Some(reason.parse().unwrap_or(Reason::SignedOut));
        }
        let past = |deadline: Option<UnixMillis>| deadline.filter(|at| *at <= now);
        match (past(self.idle_expires_at), past(self.expires_at)) {
            (None, None) => None,
            (Some(idle), Some(absolute)) if absolute <= idle => Some(Reason::AbsoluteTimeout),
            (Some(_), _) => Some(Reason::IdleTimeout),
            (None, Some(_)) => Some(Reason::AbsoluteTimeout),
        }
    }

    /// The first of the session's deadlines.
    pub fn deadline(&self) -> Option<UnixMillis> {
        self.idle_expires_at.into_iter().chain(self.expires_at).min()
    }
}

impl Auth {
    /// Begins a browser's session; returns the secret for its cookie.
    pub async fn begin_browser_session(
        &self,
        new: NewSession<'_>,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        match self.begin_session(new, context).await?.1 {
            Key::Cookie(token) => Ok(token),
            Key::Refresh(..) => Err(Error::internal("a browser's session has a cookie")),
        }
    }

    /// Begins a session, with what holds it.
    pub(super) async fn begin_session(
        &self,
        new: NewSession<'_>,
        context: &RequestContext,
    ) -> Result<(Session, Key), Error> {
        let now = self.clock.now();
        let (idle, absolute) = match new.kind {
            Kind::Browser => (self.policy.session_idle, self.policy.session_absolute),
            Kind::Api => (self.policy.refresh_ttl, self.policy.api_absolute),
        };
        let token = (new.kind == Kind::Browser).then(|| CookieToken(random()));
        let mut session = Session {
            id: self.clock.new_id(),
            user_id: new.user_id.into(),
            kind: new.kind.as_str().into(),
            token_hash: token.map(CookieToken::hash),
            device: new.device.map_or_else(|| device_name(&context.user_agent), Into::into),
            ip: context.ip.to_string(),
            user_agent: context.user_agent.clone(),
            method: new.method.as_str().into(),
            created_at: now,
            authenticated_at: new.proved_at.min(context.received_at),
            last_active_at: now,
            idle_expires_at: idle.map(|d| now + millis(d)),
            expires_at: absolute.map(|d| now + millis(d)),
            ended_at: None,
            ended_reason: None,
            new_device_at: None,
            scope: new.scope.map(|scope| scope.to_string()),
        };

        let mut act = self.begin(Some(context)).await?;
        // Holding the user's row keeps the count below true under parallel sign-ins, and a disabled account out.
        match users::find_for_update(act.db(), new.user_id).await? {
            Some(user) if user.disabled_at.is_some() => {
                drop(act);
                self.log_alone(Entry::refused(new.user_id, Reason::AccountDisabled), context).await?;
                return Err(Error::AccountDisabled);
            }
            Some(user) if user.password_changed_at == new.password_changed_at => {}
            _ => return Err(Error::InvalidCredentials),
        }
        if let Some(subject) = new.subject
            && !self.is_linked(act.db(), subject, new.user_id).await?
        {
            return Err(Error::InvalidCredentials);
        }
        // What was proved before everybody was signed out is worth nothing, however long it waited.
        let now = self.clock.now();
        if sign_outs::any_between(act.db(), session.authenticated_at, now).await? {
            return Err(Error::InvalidCredentials);
        }
        let known = known_device(&mut act, &session, context).await?;
        session.new_device_at = match &known {
            Some(device) => device.new_device_at,
            // The log remembers longer than the sessions do: the first sign-in of an account is on no new device.
            None => {
                let signed_in_before = events::any(act.db(), new.user_id, EventKind::SignedIn.as_str()).await?;
                signed_in_before.then_some(now)
            }
        };
        let new_device = known.is_none() && session.new_device_at.is_some();
        let mut evicted: Vec<(Which<'_>, Reason)> = Vec::new();
        if let Some(old) = new.replaces {
            evicted.push((Which::of(old), Reason::SignedOut));
        }
        if let Some(id) = new.instead_of {
            evicted.push((Which::One { user_id: new.user_id, id }, Reason::RevokedByUser));
        }
        let live = match self.policy.max_devices {
            Some(_) => sessions::list_live(act.db(), new.user_id, NEWEST, now, i64::MAX).await?,
            None => Vec::new(),
        };
        if let Some(max) = self.policy.max_devices {
            let goes = |session: &&Session| !evicted.iter().any(|(which, _)| which.is(session));
            let staying: Vec<_> = live.iter().filter(goes).collect();
            let spare = (max.max(1) - 1) as usize;
            if staying.len() > spare && self.policy.device_limit == DeviceLimit::Deny {
                // The password was right: whoever has it sees the devices, and the person should see that.
                let devices = staying.into_iter().cloned().collect();
                drop(act);
                self.log_alone(Entry::refused(new.user_id, Reason::DeviceLimit), context).await?;
                return Err(Error::DeviceLimit(devices));
            }
            let oldest: Vec<_> = staying.into_iter().skip(spare).map(Which::of).collect();
            evicted.extend(oldest.into_iter().map(|which| (which, Reason::DeviceLimit)));
        }
        // In the order in which everybody locks sessions.
        evicted.sort_by_key(|(which, _)| which.id());
        for (which, reason) in evicted {
            act.end(which, reason).await?;
        }
        sessions::insert(act.db(), &session).await?;
        let key = match token {
            Some(token) => Key::Cookie(token),
            None => {
                let (token, expires_at) = self.first_refresh_token(act.db(), &session, now).await?;
                Key::Refresh(token, expires_at)
            }
        };
        let entry = |kind| Entry::new(kind).user(new.user_id).session(&session.id);
        act.log(entry(EventKind::SignedIn));
        if new_device {
            act.notify(new.user_id).await?;
            act.log(entry(EventKind::NewDevice));
        }
        act.commit().await?;
        Ok((session, key))
    }

    /// Looks a cookie up. A session found past its deadline ends here, with its reason.
    pub async fn present_cookie(&self, token: CookieToken) -> Result<Presented, Error> {
        let Some(mut session) = sessions::find_by_token_hash(self.db.reader(), &token.hash()).await? else {
            return Ok(Presented::Unknown);
        };
        if let Some(reason) = self.over(&mut session).await? {
            return Ok(Presented::Ended(reason));
        }
        match users::find(self.db.reader(), &session.user_id).await? {
            Some(user) if user.disabled_at.is_none() => {
                let permissions = self.permissions(&user).await?;
                Ok(Presented::Live(Box::new(SignedIn { user, session, permissions })))
            }
            Some(_) => Ok(Presented::Ended(Reason::AccountDisabled)),
            None => Ok(Presented::Unknown),
        }
    }

    /// Why a session that was looked up is over. One found past its deadline ends here.
    pub(super) async fn over(&self, session: &mut Session) -> Result<Option<Reason>, Error> {
        match session.ended(self.clock.now()) {
            None => Ok(self.ended.reason(&session.id)),
            Some(reason) if session.ended_at.is_some() => Ok(Some(reason)),
            Some(reason) => self.expire(session, reason).await,
        }
    }

    /// Ends a session whose deadline has passed by what was read of it, unless its row has a later one by now: then that
    /// is what `session` is.
    async fn expire(&self, session: &mut Session, reason: Reason) -> Result<Option<Reason>, Error> {
        let expired = async {
            let mut act = self.begin(None).await?;
            let now = act.now;
            if let Some(ended) = sessions::end_if_expired(act.db(), &session.id, now).await? {
                act.ended(vec![ended]);
                act.commit().await?;
                return Ok(Some(reason));
            }
            let Some(row) = sessions::find(act.db(), &session.id).await? else { return Ok(Some(reason)) };
            *session = row;
            Ok(session.ended(now))
        };
        match expired.await {
            // It is over all the same, and housekeeping writes it down.
            Err(Error::Unavailable(_)) => Ok(Some(reason)),
            expired => expired,
        }
    }

    /// Records activity: moves the idle deadline of a live browser session, at most once per roll interval.
    /// Updates `session` to what now holds.
    pub async fn touch(&self, session: &mut Session, context: &RequestContext) -> Result<(), Error> {
        let now = self.clock.now();
        let roll = millis(self.policy.roll());
        if (now - roll..=now).contains(&session.last_active_at) && session.last_active_at != now - roll {
            return Ok(());
        }
        let idle_expires_at = self.policy.session_idle.map(|idle| now + millis(idle));
        let ip = context.ip.to_string();
        match sessions::touch(self.db.writer(), &session.id, now, now - roll, idle_expires_at, &ip).await {
            Ok(true) => {
                session.last_active_at = now;
                session.idle_expires_at = idle_expires_at;
            }
            Ok(false) => {}
            // A page can still be read while nothing can be written; the deadline stays as it is.
            Err(error) if is_unavailable(&error) => tracing::warn!(%error, "activity can't be written"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A page of a user's live sessions, the newest first: `limit` of them from before the session `before` on, and
    /// where the next page begins.
    pub async fn sessions(
        &self,
        user_id: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Session>, Option<String>), Error> {
        let (before, now) = (before.unwrap_or(NEWEST), self.clock.now());
        let found = sessions::list_live(self.db.reader(), user_id, before, now, limit as i64 + 1).await?;
        Ok(page(found, limit, |session| &session.id))
    }

    /// Ends sessions; returns how many ended now. Runs to its end even when the request that asked for it is gone.
    pub async fn end(
        &self,
        which: Which<'_>,
        reason: Reason,
        context: Option<&RequestContext>,
    ) -> Result<usize, Error> {
        let mut act = self.begin(context).await?;
        act.end(which, reason).await?;
        act.commit().await
    }
}

/// A remembered session of the user on a device of this name in this network.
async fn known_device(
    act: &mut Act<'_>,
    session: &Session,
    context: &RequestContext,
) -> Result<Option<KnownDevice>, Error> {
    let Session { user_id, kind, device, ip, .. } = session;
    if let Some(known) = sessions::find_device(act.db(), user_id, kind, device, ip).await? {
        return Ok(Some(known));
    }
    let mut devices = sessions::list_devices(act.db(), user_id, kind, device).await?.into_iter();
    Ok(devices.find(|device| is_among(context.ip, std::slice::from_ref(&device.ip))))
}

/// A session's id from outside; what has not its form is as unknown as one that never was.
pub fn parse_id(id: &str) -> Result<&str, Error> {
    uuid::Uuid::try_parse(id).map(|_| id).map_err(|_| Error::NotFound)
}

/// Which sessions.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    One {
        user_id: &'a str,
        id: &'a str,
    },
    /// All of a user but one.
    Others {
        user_id: &'a str,
        keep: &'a str,
    },
    AllOf(&'a str),
}

impl<'a> Which<'a> {
    pub fn of(session: &'a Session) -> Self {
        Self::One { user_id: &session.user_id, id: &session.id }
    }

    /// The session's id, where it is one.
    fn id(&self) -> Option<&'a str> {
        match self {
            Self::One { id, .. } => Some(id),
            _ => None,
        }
    }

    fn is(&self, session: &Session) -> bool {
        matches!(self, Self::One { user_id, id } if *id == session.id && *user_id == session.user_id)
    }
}

/// `Firefox · Linux`, or the first word of an agent that is no browser (`curl/8.5`).
pub fn device_name(user_agent: &str) -> String {
    let known = |part: &str| !["", "UNKNOWN", "HTTP Library"].contains(&part);
    match woothee::parser::Parser::new().parse(user_agent) {
        Some(agent) if known(agent.name) && known(agent.os) => format!("{} · {}", agent.name, agent.os),
        Some(agent) if known(agent.name) => agent.name.to_owned(),
        _ => user_agent.split_whitespace().next().unwrap_or_default().chars().take(60).collect(),
    }
}
