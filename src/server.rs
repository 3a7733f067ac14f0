//! Opens the database, listens, answers, and stops cleanly.

use std::{
    io::{self, Write},
    net::SocketAddr,
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    routing::get,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{
    config::Config,
    mail::{self, MailerError},
    middleware::request_context,
    router::router,
    secret_file::SecretFile,
    state::AppState,
};
use secrecy::{ExposeSecret, SecretString};
use sekisho_core::{Db, OpenError, clock::Clock, secret::MasterSecret, sqlite_path};

mod connection;
mod limiter;
mod phase;
mod socket;

use limiter::{ConnectionLimiter, Limits};

/// How long open requests may take once the server was told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Why the server could not start; the message is for the person who runs it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database can't be opened, or can't be brought up to date.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// PostgreSQL has no file for a secret beside it.
    #[error("SEKISHO_SECRET must be set when the database is PostgreSQL")]
    NoSecret,
    /// The path of the secret's file, and why.
    #[error("the secret in {0} can't be read or made: {1}")]
    SecretFile(String, io::Error),
    /// The address that the server can't listen on, and why.
    #[error("{0} is not usable: {1}. Is another server running there? SEKISHO_LISTEN sets the address")]
    Listen(SocketAddr, io::Error),
    /// The mailer can't be made.
    #[error(transparent)]
    Mail(#[from] MailerError),
    /// Anything else, as the person is told it.
    #[error("{0}")]
    Other(String),
}

/// Opens and migrates the database.
pub async fn open(config: &Config) -> Result<Db, StartError> {
    let db = Db::open(&config.database_url).await?;
    db.migrate().await?;
    Ok(db)
}

/// Serves until SIGINT or SIGTERM.
pub async fn serve(config: Config) -> Result<(), StartError> {
    // From here on a signal is answered by a clean stop: whoever reads "ready" below may send one at once.
    let stop = stop_signal().map_err(|error| StartError::Other(format!("signals can't be received: {error}")))?;
    let limits = Limits::of(raise_descriptor_limit());
    let mailer = config.mail.as_ref().map(mail::mailer).transpose()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|e| StartError::Listen(config.listen, e))?;
    let db = open(&config).await?;
    let secret = secret(&config)?;
    let base_url = config.core.base_url.clone();
    let app = AppState::new(config, db, secret, Clock::default()).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        StartError::Other(format!("{error}{cause}"))
    })?;
    if let Err(error) = app.core.check_writable().await {
        error.log();
        tracing::error!("the database can't be written to: nobody can sign in until it can");
    }
    let (core, stopping) = (app.core.clone(), app.stopping.clone());
    let jobs = tokio::spawn(async move { core.run_background_jobs(mailer, stopping.cancelled_owned()).await });
    if let Some(address) = app.config.metrics_listen {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Other(format!("SEKISHO_METRICS_LISTEN: {address} is not usable: {error}")))?;
        tokio::spawn(serve_metrics(listener, app.clone()));
    }

    let file = sqlite_path(&app.config.database_url).and_then(|path| std::path::absolute(path).ok());
    let database = file.map(|file| format!("Its database: {}\n", file.display())).unwrap_or_default();
    // Whoever started it may listen no more.
    let _ = io::stdout().write_all(format!("Sekisho is ready: {base_url}\n{database}").as_bytes());
    accept(listener, router(app.clone()), &app, limits, stop).await;
    app.stopping.cancel();
    let _ = jobs.await;
    app.core.flush().await;
    app.core.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// `/metrics` on an address of its own: what it says is for the monitoring system, not for the public.
async fn serve_metrics(listener: TcpListener, app: AppState) {
    let show = |State(app): State<AppState>| async move {
        let text = app.core.metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Ok::<_, StatusCode>(([(header::CONTENT_TYPE, content_type)], text))
    };
    let stopping = app.stopping.clone();
    let router = Router::new().route("/metrics", get(show)).with_state(app);
    let served = axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics can't be served");
    }
}

/// Serves HTTP/1.1 until `stop`. Not by `axum::serve`, which has no deadlines and no limit on connections.
async fn accept(listener: TcpListener, router: Router, app: &AppState, limits: Limits, stop: impl Future<Output = ()>) {
    let http = connection::http();
    let limiter = ConnectionLimiter::new(limits);
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: some will be given back.
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let Some(permit) =
            limiter.admit(peer.ip(), request_context::is_trusted(peer.ip(), &app.config.trusted_proxies))
        else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let serving = connection::serve(http.clone(), stream, peer, permit, router.clone(), app.clone());
        let open = open.clone();
        tokio::spawn(async move {
            serving.await;
            drop(open);
        });
    }
    drop((listener, open));
    app.stopping.cancel();
    if tokio::time::timeout(FINISH_WITHIN, all_closed.recv()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// Raises the number of files and connections that may be open from the usual soft limit of 1,024 to the hard one, and
/// returns it.
fn raise_descriptor_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files can't be raised");
        1_024
    })
}

/// Ends at the first SIGINT or SIGTERM; both are caught as soon as this returns, not when it is first polled.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// The configured secret; on SQLite, the one in the file beside the database, which is made at the first start.
pub fn secret(config: &Config) -> Result<MasterSecret, StartError> {
    let given = |secret: &SecretString| MasterSecret::new(secret.expose_secret()).ok_or(StartError::NoSecret);
    if let Some(secret) = &config.secret {
        let previous = config.secret_previous.as_ref().map(given).transpose()?;
        return given(secret).map(|secret| previous.iter().fold(secret, MasterSecret::with_previous));
    }
    let file = SecretFile::of(config).ok_or(StartError::NoSecret)?;
    file.load().map_err(|error| StartError::SecretFile(file.path.display().to_string(), error))
}
