//! Fills an empty database with sample users, sessions and log entries, for demos and performance tests. Behind the
//! feature `fill`, not in the released binary.

use std::collections::BTreeMap;

use sekisho_model::{AuthMethod, EndReason, EventKind, RoleName, SessionKind, UserId};
use sqlx::{Any, Transaction};

use crate::{
    Core,
    account::Registration,
    administration::AccessChange,
    audit::{
        SampleEvent,
        statistics::{LIVE, REFRESHES},
    },
    clock::{HOUR, UnixMillis},
    db::{
        Nullable, counts,
        sessions::{
            self, Session,
            ending::{self, SessionSelector},
        },
        users::{self, User},
    },
    error::Error,
    network::network_of,
    request_context::RequestContext,
    secret::{random, sha256_hex},
};

/// Password of all sample users.
pub const PASSWORD: &str = "correct horse battery staple";
/// Rows per transaction.
const BATCH: u64 = 2_000;
const DAY: UnixMillis = 24 * 3_600_000;
const GIVEN: [&str; 8] = ["Aoi", "Haruto", "Yui", "Ada", "Grace", "Linus", "花子", "太郎"];
const FAMILY: [&str; 8] = ["Tanaka", "Suzuki", "Lovelace", "Hopper", "Ito", "Garcia", "山田", "佐藤"];
const DEVICES: [&str; 5] =
    ["Chrome · Windows 10", "Safari · iPhone", "Firefox · Linux", "Chrome · Android", "backup script"];

/// How much sample data to create.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Users, including the administrator.
    pub users: u64,
    /// Sessions, of which a third are live.
    pub sessions: u64,
    /// Log entries over the last 90 days.
    pub events: u64,
}

/// Receives progress reports.
pub trait Progress {
    /// `n` of `what` exist by now.
    fn made(&self, what: &'static str, n: u64);
}

impl Core {
    /// Fills the database; `admin@example.test` is an administrator, the others are `user1@example.test` and so on.
    ///
    /// # Errors
    /// [`Error::Internal`] if there are users already.
    pub async fn fill(
        &self,
        amounts: Amounts,
        progress: &impl Progress,
        context: &RequestContext,
    ) -> Result<(), Error> {
        if users::count(self.store.reader()).await?.0 > 0 {
            return Err(Error::internal("the database is not empty"));
        }
        let admin = Registration { email: "admin@example.test", password: PASSWORD, name: Some("Admin"), locale: None };
        let admin = self.accounts.create(admin, context).await?;
        let roles = [RoleName::ADMIN.to_owned()];
        let (admin, _) =
            self.administration.change_access(&admin.id, AccessChange::roles(&roles), Some(context)).await?;

        let mut dice = Dice(7);
        let now = self.store.now();
        let ids = self.fill_users(amounts.users, &admin, now, &mut dice, progress).await?;
        self.fill_sessions(amounts.sessions, &ids, now, &mut dice, progress).await?;
        self.fill_events(amounts.events, &ids, now, &mut dice, progress).await?;
        let (hour, writer) = (now.div_euclid(HOUR), self.store.writer());
        for past in 1..=30 * 24 {
            let live = amounts.sessions / 3 + dice.roll(amounts.sessions / 10);
            counts::raise(writer, hour - past, LIVE, live.cast_signed()).await?;
            counts::add(writer, hour - past, REFRESHES, dice.roll(amounts.sessions / 100).cast_signed()).await?;
        }
        self.statistics.flush().await.map(drop)
    }

    async fn begin_batch(&self, n: u64, tx: &mut Option<Transaction<'static, Any>>) -> Result<(), Error> {
        if n.is_multiple_of(BATCH) {
            if let Some(full) = tx.take() {
                full.commit().await?;
            }
            *tx = Some(self.store.db.begin().await?);
        }
        Ok(())
    }

    async fn fill_users(
        &self,
        count: u64,
        admin: &User,
        now: UnixMillis,
        dice: &mut Dice,
        progress: &impl Progress,
    ) -> Result<Vec<UserId>, Error> {
        let mut ids = vec![admin.id.clone()];
        let mut tx = None;
        for n in 1..count {
            self.begin_batch(n - 1, &mut tx).await?;
            let user = User {
                id: self.store.new_user_id(),
                email: format!("user{n}@example.test"),
                name: format!("{} {}", dice.pick(&GIVEN), dice.pick(&FAMILY)),
                roles: Default::default(),
                created_at: now - 90 * DAY + (n as i64 * 90 * DAY) / count as i64,
                ..admin.clone()
            };
            if let Some(tx) = &mut tx {
                users::insert(&mut **tx, &user, None).await?;
            }
            ids.push(user.id);
            progress.made("users", n + 1);
        }
        if let Some(tx) = tx {
            tx.commit().await?;
        }
        Ok(ids)
    }

    async fn fill_sessions(
        &self,
        count: u64,
        ids: &[UserId],
        now: UnixMillis,
        dice: &mut Dice,
        progress: &impl Progress,
    ) -> Result<(), Error> {
        let mut tx = None;
        for n in 0..count {
            self.begin_batch(n, &mut tx).await?;
            let live = n * 3 >= count * 2;
            let age = if live { dice.roll(12 * 3_600_000) as i64 } else { (dice.roll(28) as i64 + 1) * DAY };
            let device = dice.pick(&DEVICES);
            let kind = if device == "backup script" { SessionKind::Api } else { SessionKind::Browser };
            let session = Session {
                id: self.store.new_session_id(),
                user_id: ids[dice.roll(ids.len() as u64) as usize].clone(),
                kind,
                token_hash: (kind == SessionKind::Browser).then(|| sha256_hex(&random::<16>())),
                device: device.into(),
                ip: dice.ip(),
                user_agent: device.into(),
                method: AuthMethod::Password,
                second_factor: Nullable(None),
                created_at: now - age,
                authenticated_at: now - age,
                last_active_at: now - age,
                idle_expires_at: Some(now + DAY),
                expires_at: Some(now + 2 * DAY),
                ended_at: None,
                ended_reason: Nullable(None),
                new_device_at: None,
                renewed_at: None,
                scope: None,
            };
            if let Some(tx) = &mut tx {
                sessions::insert(&mut **tx, &session).await?;
                if !live {
                    let reason = EndReason::ALL[dice.roll(EndReason::ALL.len() as u64) as usize];
                    let ended_at = now - age + DAY / 2;
                    ending::end(&mut **tx, SessionSelector::of(&session), reason, ended_at, "").await?;
                }
            }
            progress.made("sessions", n + 1);
        }
        if let Some(tx) = tx {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn fill_events(
        &self,
        count: u64,
        ids: &[UserId],
        now: UnixMillis,
        dice: &mut Dice,
        progress: &impl Progress,
    ) -> Result<(), Error> {
        let span = 90 * DAY;
        let mut n = 0;
        while n < count {
            let mut batch = Vec::new();
            for n in n..count.min(n + BATCH) {
                let kind = match dice.roll(1_000) {
                    0 => EventKind::RefreshReuse,
                    1..=4 => EventKind::PasswordChanged,
                    5..=20 => EventKind::NewDevice,
                    21..=150 => EventKind::SignInFailed,
                    151..=550 => EventKind::SignedIn,
                    _ => EventKind::SessionEnded,
                };
                let ip = dice.ip();
                batch.push(SampleEvent {
                    at: now - span + (n as i64 * span) / count as i64,
                    kind,
                    user_id: ids[dice.roll(ids.len() as u64) as usize].clone(),
                    network: ip.parse().map(network_of).unwrap_or_default(),
                    ip,
                    user_agent: dice.pick(&DEVICES).into(),
                });
            }
            let filled = batch.len() as u64;
            self.append_events(batch).await?;
            n += filled;
            progress.made("events", n);
        }
        Ok(())
    }

    /// Appends sample entries with past times to the log.
    async fn append_events(&self, samples: Vec<SampleEvent>) -> Result<(), Error> {
        let mut tx = self.store.db.begin().await?;
        let mut per_hour = BTreeMap::new();
        for SampleEvent { at, kind, .. } in &samples {
            *per_hour.entry((at.div_euclid(HOUR), kind.as_str())).or_insert(0) += 1;
        }
        self.store.audit.append_samples(&mut tx, samples).await?;
        for ((hour, kind), n) in per_hour {
            counts::add(&mut *tx, hour, kind, n).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A deterministic pseudorandom generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }

    fn ip(&mut self) -> String {
        format!("203.0.{}.{}", self.roll(256), self.roll(256))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Db,
        clock::Clock,
        policy::{Policy, Profile},
        secret::MasterSecret,
        settings::{BreachedPasswordsConfig, Settings, Url},
    };

    impl Progress for () {
        fn made(&self, _: &'static str, _: u64) {}
    }

    #[tokio::test]
    async fn an_empty_database_is_filled_once_and_its_chain_verifies() {
        let folder = std::env::temp_dir().join(format!("sekisho_fill_{}", Clock::default().new_id()));
        let db = Db::open(&format!("sqlite://{}", folder.join("fill.db").display())).await.expect("opens");
        db.migrate().await.expect("migrates");
        let base_url = Url::parse("http://127.0.0.1:3000").expect("a URL");
        let settings = Settings {
            token_issuer: base_url.to_string(),
            token_audience: base_url.join("/api"),
            base_url,
            strategy: crate::strategy::Strategy::Hybrid,
            policy: Policy::preset(Profile::Medium),
            token_algorithm: jsonwebtoken::Algorithm::EdDSA,
            key_rotation: None,
            audiences: Vec::new(),
            registration_open: true,
            rate_limit: false,
            mail: false,
            breached_passwords: BreachedPasswordsConfig::Off,
            webauthn_origins: Vec::new(),
            github: None,
        };
        let secret = MasterSecret::new(vec![7; 32]).expect("long enough");
        let core = Core::open(&settings, db, secret, Clock::default()).await.expect("opens");
        let context = RequestContext {
            ip: [127, 0, 0, 1].into(),
            user_agent: String::new(),
            request_id: None,
            actor: None,
            session_id: None,
            received_at: core.clock.now(),
            device_cookie: None,
            trusted_browser: None,
        };
        let few = Amounts { users: 20, sessions: 30, events: 40 };
        core.fill(few, &(), &context).await.expect("filled");
        assert!(core.fill(few, &(), &context).await.is_err());
        let overview = core.administration.overview().await.expect("an overview");
        assert_eq!((overview.users, overview.live_browsers + overview.live_api), (20, 10));
        assert!(core.audit.verify(None, |_| ()).await.expect("read").is_ok());
        core.close().await;
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
