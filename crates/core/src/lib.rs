//! The rules: who may come in, what they hold, and how that ends. No HTTP and no HTML in here.
//!
//! A **session** row stands behind everything. A browser holds it by a cookie, an API client by a refresh token
//! and the access tokens made from it. Whoever presents one of these is let in only while the row is live:
//!
//! * a cookie is looked up, by its hash, at every request ([`session`]);
//! * an access token proves itself by its signature and times; then one look at the set of sessions that ended
//!   lately, in memory ([`access_token`], [`ended`]);
//! * a refresh token works once ([`refresh_token`]).
//!
//! A session ends in one place, an [`act`], which writes the row and the log ([`audit`]) together and then tells the
//! set in memory and every open event stream. Deadlines need no job to take effect: they are compared at each request.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use quick_cache::sync::Cache;

use crate::{
    db::{Db, UnixMillis, users::User},
    error::Error,
    metrics::Metrics,
    settings::Settings,
};

pub mod access_token;
pub mod account;
mod act;
pub mod admin;
pub mod audit;
pub mod ceremony;
mod chain_keys;
pub mod clock;
pub mod db;
pub mod device_cookie;
pub mod email;
pub mod ended;
pub mod error;
pub mod event;
pub mod everybody;
pub mod github;
pub mod housekeeping;
mod jws;
pub mod link;
pub mod log_filter;
pub mod metrics;
pub mod password;
pub mod policy;
pub mod rate_limit;
pub mod reason;
pub mod refresh_token;
pub mod reseal;
pub mod role;
pub mod room;
pub mod scope;
pub mod secret;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod signing_keys;
pub mod step_up;
mod tally;

use access_token::AccessTokens;
use chain_keys::ChainKeys;
use clock::Clock;
use ended::EndedSessions;
use github::Github;
use password::Passwords;
use policy::Policy;
use rate_limit::RateLimits;
use refresh_token::AccessUses;
use role::Roles;
use secret::MasterSecret;
use tally::Tally;

/// Who is asking, as the log records it.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub ip: IpAddr,
    pub user_agent: String,
    pub request_id: Option<String>,
    /// The administrator who acts on somebody else's account, or [`COMMAND_LINE`].
    pub actor: Option<String>,
    /// The session that acts. Every change reads its row again, in the same transaction (ASVS 7.4.1): one that ended
    /// on another node a moment ago changes nothing.
    pub session_id: Option<String>,
    /// When the request arrived: a password that came with it may be verified much later, behind a queue.
    pub received_at: UnixMillis,
    /// The [device cookie](device_cookie) as sent, where pages are asked; the API reads no cookie.
    pub device_cookie: Option<String>,
}

/// Whoever has a shell on the machine.
pub const COMMAND_LINE: &str = "command-line";

/// How long a user's profile may be answered from memory; bounds what another process's change takes to be seen.
const PROFILE_TTL: UnixMillis = 1_000;
const PROFILES: usize = 10_000;

pub struct Auth {
    pub db: Db,
    pub clock: Clock,
    pub policy: Policy,
    pub ended: EndedSessions,
    pub access_tokens: AccessTokens,
    pub limits: RateLimits,
    pub github: Option<Github>,
    pub metrics: Metrics,
    passwords: Passwords,
    secret: MasterSecret,
    chain_keys: ChainKeys,
    registration_open: bool,
    profiles: Cache<Box<str>, (UnixMillis, Arc<User>)>,
    roles: Roles,
    tally: Tally,
    access_uses: AccessUses,
    /// Milliseconds.
    longest_access_ttl: AtomicI64,
}

impl Auth {
    /// Opens the house on a migrated database: loads the signing keys (or makes the first) and the sessions that
    /// ended lately, so that a restart lets nobody back in.
    pub async fn new(settings: &Settings, db: Db, secret: MasterSecret, clock: Clock) -> Result<Self, Error> {
        let github = settings.github.clone().map(|github| Github::new(github, &settings.base_url)).transpose()?;
        let auth = Self {
            limits: RateLimits::new(settings.rate_limit, clock.clone()),
            policy: settings.policy.clone(),
            registration_open: settings.registration_open,
            passwords: Passwords::new(),
            ended: EndedSessions::new(u32::from_le_bytes(secret::random())),
            metrics: Metrics::default(),
            roles: Roles::default(),
            tally: Tally::default(),
            access_uses: AccessUses::default(),
            longest_access_ttl: AtomicI64::new(0),
            chain_keys: ChainKeys::default(),
            profiles: Cache::new(PROFILES),
            access_tokens: AccessTokens::new(settings, &secret),
            github,
            db,
            clock,
            secret,
        };
        auth.open_chain_keys().await?;
        auth.begin_chain().await?;
        auth.tampered_seq().await?;
        auth.load_longest_access_ttl().await?;
        auth.open_keys().await?;
        auth.follow_ends(None).await?;
        Ok(auth)
    }

    /// A user by id, at most [`PROFILE_TTL`] old; changes made through this process are seen at once.
    pub async fn user(&self, id: &str) -> Result<Option<Arc<User>>, Error> {
        let now = self.clock.now();
        if let Some((read_at, user)) = self.profiles.get(id)
            && (0..PROFILE_TTL).contains(&(now - read_at))
        {
            return Ok(Some(user));
        }
        let Some(user) = crate::db::users::find(self.db.reader(), id).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.profiles.insert(id.into(), (now, user.clone()));
        Ok(Some(user))
    }

    fn forget_profile(&self, id: &str) {
        self.profiles.remove(id);
    }
}

impl User {
    /// Role names, `user` first for everybody.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.split_ascii_whitespace()
    }
}

/// In milliseconds.
pub const HOUR: UnixMillis = 3_600_000;

/// Where a list begins: sorts behind every id.
const NEWEST: &str = "g";

/// Cuts a list that was read one item too long to a page, and says before which item the next one begins.
fn page<T>(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|item| id(item).to_owned());
    (items, next)
}

/// A duration as stored times count it.
pub fn millis(duration: Duration) -> UnixMillis {
    UnixMillis::try_from(duration.as_millis()).unwrap_or(UnixMillis::MAX / 4)
}
