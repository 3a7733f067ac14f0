//! Database access: connections, migrations, one function per statement. Contains no business rules.
//!
//! One SQL text serves SQLite and PostgreSQL through sqlx's `Any` driver. SQLite allows one writer, so its writes queue on
//! a pool of one connection instead of failing with "database is locked".

use std::{
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Transaction, any::AnyPoolOptions, sqlite::SqliteError};

pub mod access_tokens;
pub mod access_ttls;
pub mod chain_keys;
pub mod counts;
pub mod device_names;
pub mod email_tokens;
pub mod events;
pub mod identities;
pub mod mails;
pub mod passkeys;
pub mod pending_flows;
pub mod personal_data;
pub mod recovery_codes;
pub mod refresh_tokens;
pub mod roles;
pub mod sessions;
pub mod sign_outs;
pub mod signing_keys;
mod text;
pub mod totp;
pub mod trusted_browsers;
pub mod users;

pub use crate::clock::UnixMillis;
pub use text::Nullable;

/// A connection idle for longer is pinged before use.
const PING_AFTER: Duration = Duration::from_secs(1);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// A pool, or a connection inside a transaction.
pub trait Executor<'c>: sqlx::Executor<'c, Database = Any> {}
impl<'c, T: sqlx::Executor<'c, Database = Any>> Executor<'c> for T {}

/// Connection pools to one database.
#[derive(Clone, Debug)]
pub struct Db {
    readers: AnyPool,
    writer: AnyPool,
    sqlite: bool,
}

/// Why a database could not be opened; the message is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Unsupported URL scheme.
    #[error("SEKISHO_DATABASE_URL must start with sqlite:// or postgres://")]
    Scheme,
    /// The SQLite file's folder can't be created.
    #[error("the folder {0} can't be made: {1}")]
    Folder(String, io::Error),
    /// The SQLite file can't be created.
    #[error("the file {0} can't be made: {1}")]
    File(String, io::Error),
    /// Connecting failed.
    #[error("the database can't be opened: {0}")]
    Connect(sqlx::Error),
    /// A migration failed.
    #[error("the database can't be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Whether a statement failed because the database is unreachable, full, locked or read-only: a retry may succeed.
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
            // SQLSTATE classes: connection, transaction rollback, resources (disk full), operator intervention,
            // system; then read-only transaction, idle transaction timeout, lock timeout.
            ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || ["25006", "25P03", "55P03"].contains(&&*code)
        }
        _ => false,
    }
}

impl Db {
    /// Opens `url` (`sqlite://path` or `postgres://…`); creates a missing SQLite file and its folder.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        match sqlite_path(url) {
            Some(path) => Self::open_sqlite(Path::new(path)).await,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = pool(16)
                    .after_connect(|conn, _| {
                        Box::pin(async move {
                            // Lock wait as on SQLite; and a stalled process must not hold locks.
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

    /// Runs pending migrations; safe for concurrent processes.
    ///
    /// # Errors
    /// [`OpenError::Migrate`].
    pub async fn migrate(&self) -> Result<(), OpenError> {
        Ok(MIGRATIONS.run(&self.writer).await?)
    }

    /// The pool for reads.
    pub fn reader(&self) -> &AnyPool {
        &self.readers
    }

    /// The pool for single write statements.
    pub fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// Begins a write transaction. On SQLite it takes the write lock immediately, so it can't fail later on that.
    ///
    /// # Errors
    /// Any database error.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.writer.begin_with(if self.sqlite { "begin immediate" } else { "begin" }).await
    }

    /// Whether write transactions are serialised (SQLite).
    pub fn has_one_writer(&self) -> bool {
        self.sqlite
    }

    /// The clause that locks a subselect's rows in its order. PostgreSQL needs one lock order against deadlocks; SQLite has
    /// one writer.
    pub fn for_update(&self) -> &'static str {
        if self.sqlite { "" } else { "for update" }
    }

    /// Runs a trivial read.
    ///
    /// # Errors
    /// Any database error.
    pub async fn check_readable(&self) -> sqlx::Result<()> {
        sqlx::query("select 1").execute(&self.readers).await.map(drop)
    }

    /// Commits a trivial write.
    ///
    /// # Errors
    /// Any database error.
    pub async fn check_writable(&self, now: UnixMillis) -> sqlx::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("update readiness set at = $1 where id = 1").bind(now).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Closes the pools after running statements have finished.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Creates the database file with mode 0600; SQLite gives its other files the same mode.
fn make_private(file: &Path) -> io::Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { file.set_permissions(std::fs::Permissions::from_mode(0o600)) }
}

/// Pool options: connections are checked on return, and pinged before use only after being idle.
fn pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > PING_AFTER {
                    conn.ping().await?;
                }
                // After SQLite rolled back by itself (disk full), sqlx still counts the transaction as open and every
                // later `begin` fails: close such a connection.
                Ok(!conn.is_in_transaction())
            })
        })
}

/// The file path of a `sqlite://` URL, without parameters.
pub fn sqlite_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    Some(rest.split('?').next().unwrap_or(rest))
}
