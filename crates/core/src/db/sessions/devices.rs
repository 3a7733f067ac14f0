//! Statements on the devices and addresses of a user's sessions.

use sekisho_model::{SessionKind, UserId};
use sqlx::{FromRow, Result};

use crate::db::{Executor, UnixMillis};

/// The device of an earlier session.
#[derive(Clone, Debug, FromRow)]
pub struct KnownDevice {
    pub ip: String,
    pub new_device_at: Option<UnixMillis>,
}

/// A user's session, live or ended, on a device with this name from this address.
pub async fn find_device(
    db: impl Executor<'_>,
    user_id: &UserId,
    kind: SessionKind,
    device: &str,
    ip: &str,
) -> Result<Option<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 and ip = $4 limit 1",
    )
    .bind(user_id.as_str())
    .bind(kind.as_str())
    .bind(device)
    .bind(ip)
    .fetch_optional(db)
    .await
}

/// A user's sessions, live or ended, on a device with this name, newest first.
pub async fn list_devices(
    db: impl Executor<'_>,
    user_id: &UserId,
    kind: SessionKind,
    device: &str,
) -> Result<Vec<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 \
         order by id desc limit 100",
    )
    .bind(user_id.as_str())
    .bind(kind.as_str())
    .bind(device)
    .fetch_all(db)
    .await
}

/// The client addresses of a user's sessions; none for an unknown user, by the same query.
pub async fn list_addresses(db: impl Executor<'_>, user_id: Option<&UserId>) -> Result<Vec<String>> {
    sqlx::query_scalar("select distinct ip from sessions where user_id = $1 limit 100")
        .bind(user_id.map_or("", UserId::as_str))
        .fetch_all(db)
        .await
}
