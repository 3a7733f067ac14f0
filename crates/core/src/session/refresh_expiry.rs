//! Expiry of refresh tokens, and the first one of a session.

use sekisho_model::SessionKind;

use crate::{
    clock::{HOUR, UnixMillis, millis},
    db::{Executor, refresh_tokens, sessions::Session},
    error::Error,
    policy::Policy,
    secret::OpaqueToken,
};

/// Prefix of refresh tokens, by which secret scanners find leaks.
pub const PREFIX: &str = "sk_rt_";
/// Prefix of those in a browser's refresh cookie: the API accepts none of them, nor pages the API's.
pub const COOKIE_PREFIX: &str = "sk_rc_";
/// Stored expiry if the policy sets none, in milliseconds.
const FOREVER: UnixMillis = 400 * 24 * HOUR;

/// How long a refresh cookie is kept after its session's absolute timeout, in milliseconds: it still tells why it ended.
const REMEMBER_ENDED: UnixMillis = 7 * 24 * HOUR;

/// The expiry of a refresh token issued at `now`: sliding, up to the session's absolute timeout (ASVS 10.4.8). That of a
/// browser is valid for as long as its session, whose own deadlines apply.
pub fn refresh_expiry(policy: &Policy, session: &Session, now: UnixMillis) -> UnixMillis {
    if session.kind == SessionKind::Browser {
        return session.expires_at.map_or(now + FOREVER, |absolute| absolute + REMEMBER_ENDED);
    }
    let sliding = now + policy.refresh_ttl.map_or(FOREVER, millis);
    session.expires_at.map_or(sliding, |absolute| sliding.min(absolute))
}

/// Inserts a session's first refresh token, in the transaction that begins the session.
pub async fn insert_first(
    db: impl Executor<'_>,
    policy: &Policy,
    session: &Session,
    token: &OpaqueToken,
) -> Result<(), Error> {
    let (begun_at, expires_at) = (session.created_at, refresh_expiry(policy, session, session.created_at));
    Ok(refresh_tokens::insert(db, &token.hash(), &session.id, begun_at, expires_at).await?)
}
