//! The database: connects, migrates, and runs statements; it knows no rules.
//!
//! One SQL text serves SQLite and PostgreSQL through sqlx's `Any` driver. SQLite has one writer by nature, so
//! writes go through a pool of one connection and wait in order there, instead of colliding as "database is locked".

use std::{
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Transaction, any::AnyPoolOptions, sqlite::SqliteError};

pub mod access_ttls;
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

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

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
    Folder(String, io::Error),
    #[error("the file {0} can't be made: {1}")]
    File(String, io::Error),
    #[error("the database can't be opened: {0}")]
    Connect(sqlx::Error),
    #[error("the database can't be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Whether a statement failed because the database is out of reach, full, locked or read-only: the same statement may
/// succeed a moment later, and nothing is wrong with it.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
        E::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error.try_downcast_ref::<SqliteError>().is_some() {
                // The primary code is the low byte: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
                return code.parse::<u32>().is_ok_and(|code| [5, 6, 8, 10, 13, 14].contains(&(code & 0xff)));
            }
            // SQLSTATE classes: connection, transaction rolled back, resources (disk full), shutdown, system;
            // then read-only, a lock waited for too long, an idle transaction that was cut off.
            ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || ["25006", "25P03", "55P03"].contains(&&*code)
        }
        _ => false,
    }
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
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|e| OpenError::Folder(folder.display().to_string(), e))?;
        }
        make_private(path).map_err(|e| OpenError::File(path.display().to_string(), e))?;
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

    /// Whether transactions that write come one after the other: SQLite.
    pub fn has_one_writer(&self) -> bool {
        self.sqlite
    }

    /// What makes a subselect lock its rows in its order. PostgreSQL: two transactions that lock several rows must do
    /// so in one order, or they wait for each other. SQLite has one writer.
    pub fn for_update(&self) -> &'static str {
        if self.sqlite { "" } else { "for update" }
    }

    /// Reads, as a request does.
    pub async fn check_readable(&self) -> sqlx::Result<()> {
        sqlx::query("select 1").execute(&self.readers).await.map(drop)
    }

    /// Writes and commits, as a sign-in does.
    pub async fn check_writable(&self, now: UnixMillis) -> sqlx::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("update readiness set at = $1 where id = 1").bind(now).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Closes every connection, after open statements are done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the database file before SQLite would, for this user alone: SQLite gives its other files the same mode.
fn make_private(file: &Path) -> io::Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { file.set_permissions(std::fs::Permissions::from_mode(0o600)) }
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
                // A transaction that could not be rolled back, since SQLite had done so by itself (disk full), leaves
                // sqlx counting it for ever, and every later `begin` fails: such a connection is closed.
                Ok(!conn.is_in_transaction())
            })
        })
}

/// The file behind a `sqlite://` URL, without its parameters.
pub fn sqlite_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    Some(rest.split('?').next().unwrap_or(rest))
}
