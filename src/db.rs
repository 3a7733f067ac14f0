//! The database: connects, migrates, and runs statements; it knows no rules.
//!
//! One SQL text serves SQLite and PostgreSQL through sqlx's `Any` driver. SQLite has one writer by nature, so
//! writes go through a pool of one connection and wait in order there, instead of colliding as "database is locked".

use std::{path::Path, time::Duration};

use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Transaction, any::AnyPoolOptions};

pub mod ceremonies;
pub mod chain_keys;
pub mod counts;
pub mod events;
pub mod identities;
pub mod refresh_tokens;
pub mod roles;
pub mod sessions;
pub mod sign_outs;
pub mod signing_keys;
pub mod users;

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMillis = i64;

const RESTED: Duration = Duration::from_secs(1);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What a statement runs on: a pool, or a connection inside a transaction.
pub trait Executor<'c>: sqlx::Executor<'c, Database = Any> {}
impl<'c, T: sqlx::Executor<'c, Database = Any>> Executor<'c> for T {}

#[derive(Clone, Debug)]
pub struct Db {
    readers: AnyPool,
    writer: AnyPool,
    sqlite: bool,
}

/// Why a database could not be opened; the message is for the person who runs the server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("SEKISHO_DATABASE_URL must start with sqlite:// or postgres://")]
    Scheme,
    #[error("the folder {0} can't be made: {1}")]
    Folder(String, std::io::Error),
    #[error("the database can't be opened: {0}")]
    Connect(sqlx::Error),
    #[error("the database can't be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Db {
    /// Opens `url` (`sqlite://path` or `postgres://…`). A missing SQLite file, and its folder, are created.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        match sqlite_path(url) {
            Some(path) => Self::open_sqlite(Path::new(path)).await,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = pool(16)
                    .after_connect(|conn, _| {
                        Box::pin(async move {
                            // As on SQLite: who waits for a lock longer than this is told so; and who holds one and
                            // does nothing, as a process that was frozen, loses it.
                            for setting in ["lock_timeout = '5s'", "idle_in_transaction_session_timeout = '10s'"] {
                                sqlx::query(AssertSqlSafe(format!("set {setting}"))).execute(&mut *conn).await?;
                            }
                            Ok(())
                        })
                    })
                    .connect(url)
                    .await
                    .map_err(OpenError::Connect)?;
                Ok(Self { readers: pool.clone(), writer: pool, sqlite: false })
            }
            None => Err(OpenError::Scheme),
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Self, OpenError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| OpenError::Folder(folder.display().to_string(), e))?;
        }
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let options = |connections| {
            pool(connections).after_connect(|conn, _| {
                Box::pin(async move {
                    // FULL: a sign-out or a used refresh token must survive a power cut.
                    for pragma in [
                        "pragma busy_timeout = 5000",
                        "pragma journal_mode = wal",
                        "pragma synchronous = full",
                        "pragma foreign_keys = on",
                    ] {
                        sqlx::query(pragma).execute(&mut *conn).await?;
                    }
                    Ok(())
                })
            })
        };
        let writer = options(1).connect(&url).await.map_err(OpenError::Connect)?;
        let readers = options(4).connect(&url).await.map_err(OpenError::Connect)?;
        Ok(Self { readers, writer, sqlite: true })
    }

    /// Brings the schema up to date; safe to run by several processes at once.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        Ok(MIGRATIONS.run(&self.writer).await?)
    }

    /// For a statement that only reads.
    pub fn reader(&self) -> &AnyPool {
        &self.readers
    }

    /// For a single statement that writes.
    pub fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// A transaction that writes. On SQLite it takes the write lock at once, so that it never fails halfway.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.writer.begin_with(if self.sqlite { "begin immediate" } else { "begin" }).await
    }

    /// Whether the database answers: what readiness means.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("select 1").execute(&self.readers).await.map(drop)
    }

    /// Closes every connection, after open statements are done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Connections, of which only one that has rested is tried before it is used again: each is tried when it comes back.
fn pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > RESTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
}

/// The file behind a `sqlite://` URL, without its parameters.
pub fn sqlite_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    Some(rest.split('?').next().unwrap_or(rest))
}
