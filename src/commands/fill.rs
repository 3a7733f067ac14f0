//! `sekisho dev fill`: a house full of people, to see how pages look and how fast they are. Refuses a database that
//! has people in it.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{Any, Transaction};

use super::{failed, open};
use crate::{config::Config, server::StartError};
use sekisho_core::{
    Auth, HOUR,
    admin::{AccessChange, LIVE, REFRESHES},
    audit::Chained,
    db::{
        UnixMillis, counts,
        sessions::{self, Session},
        users::{self, User},
    },
    error::Error,
    event::{Kind, network_of},
    reason::Reason,
    secret::{random, sha256_hex},
    sign_in::Registration,
};

const PASSWORD: &str = "correct horse battery staple";
/// Rows per transaction.
const BATCH: u64 = 2_000;
const DAY: UnixMillis = 24 * 3_600_000;
const GIVEN: [&str; 8] = ["Aoi", "Haruto", "Yui", "Ada", "Grace", "Linus", "花子", "太郎"];
const FAMILY: [&str; 8] = ["Tanaka", "Suzuki", "Lovelace", "Hopper", "Ito", "Garcia", "山田", "佐藤"];
const DEVICES: [&str; 5] =
    ["Chrome · Windows 10", "Safari · iPhone", "Firefox · Linux", "Chrome · Android", "backup script"];

#[derive(Args)]
pub struct Amounts {
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// A third of them live
    #[arg(long, default_value_t = 300_000)]
    sessions: u64,
    /// Over the last 90 days
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
}

pub async fn fill(config: &Config, amounts: &Amounts) -> Result<(), StartError> {
    let auth = open(config, true).await?;
    let done = fill_empty(&auth, amounts).await;
    auth.db.close().await;
    done.map_err(failed)
}

async fn fill_empty(auth: &Auth, amounts: &Amounts) -> Result<(), Error> {
    if users::count(auth.db.reader()).await?.0 > 0 {
        return Err(Error::internal("the database has people in it: this is for an empty one"));
    }
    let context = super::command_line();
    let admin = Registration { email: "admin@example.test", password: PASSWORD, name: Some("Admin"), locale: None };
    let admin = auth.create_user(admin, &context).await?;
    let (admin, _) = auth.change_access(&admin.id, AccessChange::roles(&["admin".to_owned()]), Some(&context)).await?;

    let mut dice = Dice(7);
    let now = auth.clock.now();
    let ids = fill_users(auth, amounts.users, &admin, now, &mut dice).await?;
    fill_sessions(auth, amounts.sessions, &ids, now, &mut dice).await?;
    fill_events(auth, amounts.events, &ids, now, &mut dice).await?;
    let hour = now.div_euclid(HOUR);
    for past in 1..=30 * 24 {
        let live = amounts.sessions / 3 + dice.roll(amounts.sessions / 10);
        counts::raise(auth.db.writer(), hour - past, LIVE, live.cast_signed()).await?;
        counts::add(auth.db.writer(), hour - past, REFRESHES, dice.roll(amounts.sessions / 100).cast_signed()).await?;
    }
    auth.take_stock().await?;
    println!("Everybody's password is \"{PASSWORD}\": admin@example.test, user1@example.test, …");
    Ok(())
}

/// Numbers that look random and are the same each time.
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

fn bar(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {bar:40} {pos:>9}/{len} {per_sec:>12}, {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or(ProgressStyle::default_bar())).with_message(what)
}

async fn begin_batch(auth: &Auth, n: u64, tx: &mut Option<Transaction<'static, Any>>) -> Result<(), Error> {
    if n.is_multiple_of(BATCH) {
        if let Some(full) = tx.take() {
            full.commit().await?;
        }
        *tx = Some(auth.db.begin().await?);
    }
    Ok(())
}

async fn fill_users(
    auth: &Auth,
    count: u64,
    admin: &User,
    now: UnixMillis,
    dice: &mut Dice,
) -> Result<Vec<String>, Error> {
    let bar = bar("users", count);
    let mut ids = vec![admin.id.clone()];
    let mut tx = None;
    for n in 1..count {
        begin_batch(auth, n - 1, &mut tx).await?;
        let user = User {
            id: auth.clock.new_id(),
            email: format!("user{n}@example.test"),
            name: format!("{} {}", dice.pick(&GIVEN), dice.pick(&FAMILY)),
            roles: "user".into(),
            created_at: now - 90 * DAY + (n as i64 * 90 * DAY) / count as i64,
            ..admin.clone()
        };
        if let Some(tx) = &mut tx {
            users::insert(&mut **tx, &user).await?;
        }
        ids.push(user.id);
        bar.inc(1);
    }
    if let Some(tx) = tx {
        tx.commit().await?;
    }
    bar.finish();
    Ok(ids)
}

async fn fill_sessions(auth: &Auth, count: u64, ids: &[String], now: UnixMillis, dice: &mut Dice) -> Result<(), Error> {
    let bar = bar("sessions", count);
    let mut tx = None;
    for n in 0..count {
        begin_batch(auth, n, &mut tx).await?;
        let live = n * 3 >= count * 2;
        let age = if live { dice.roll(12 * 3_600_000) as i64 } else { (dice.roll(28) as i64 + 1) * DAY };
        let device = dice.pick(&DEVICES);
        let kind = if device == "backup script" { "api" } else { "browser" };
        let session = Session {
            id: auth.clock.new_id(),
            user_id: ids[dice.roll(ids.len() as u64) as usize].clone(),
            kind: kind.into(),
            token_hash: (kind == "browser").then(|| sha256_hex(&random::<16>())),
            device: device.into(),
            ip: dice.ip(),
            user_agent: device.into(),
            method: "password".into(),
            created_at: now - age,
            authenticated_at: now - age,
            last_active_at: now - age,
            idle_expires_at: Some(now + DAY),
            expires_at: Some(now + 2 * DAY),
            ended_at: None,
            ended_reason: None,
            new_device_at: None,
            scope: None,
        };
        if let Some(tx) = &mut tx {
            sessions::insert(&mut **tx, &session).await?;
            if !live {
                let reason = Reason::ALL[dice.roll(Reason::ALL.len() as u64) as usize];
                let ended_at = now - age + DAY / 2;
                sessions::end(&mut **tx, &session.id, &session.user_id, reason.as_str(), ended_at).await?;
            }
        }
        bar.inc(1);
    }
    if let Some(tx) = tx {
        tx.commit().await?;
    }
    bar.finish();
    Ok(())
}

async fn fill_events(auth: &Auth, count: u64, ids: &[String], now: UnixMillis, dice: &mut Dice) -> Result<(), Error> {
    let bar = bar("events", count);
    let span = 90 * DAY;
    let mut n = 0;
    while n < count {
        let mut batch = Vec::new();
        for n in n..count.min(n + BATCH) {
            let kind = match dice.roll(1_000) {
                0 => Kind::RefreshReuse,
                1..=4 => Kind::PasswordChanged,
                5..=20 => Kind::NewDevice,
                21..=150 => Kind::SignInFailed,
                151..=550 => Kind::SignedIn,
                _ => Kind::SessionEnded,
            };
            let ip = dice.ip();
            batch.push(Chained {
                at: now - span + (n as i64 * span) / count as i64,
                kind,
                user_id: ids[dice.roll(ids.len() as u64) as usize].clone(),
                network: ip.parse().map(network_of).unwrap_or_default(),
                ip,
                user_agent: dice.pick(&DEVICES).into(),
            });
        }
        let filled = batch.len() as u64;
        auth.chain_up(batch).await?;
        n += filled;
        bar.inc(filled);
    }
    bar.finish();
    Ok(())
}
