//! `/health/live`: the process answers. `/health/ready`: the database can be read and written too.

use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use sekisho_core::Error;

use crate::state::{AppState, WriteCheck};

/// However often it is asked, a write is tried at most once in this time.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// A database that is slower than this is not ready.
const WITHIN: Duration = Duration::from_secs(2);

pub async fn live() -> &'static str {
    "ok\n"
}

pub async fn ready(State(app): State<AppState>) -> Response {
    if succeeds("reading", app.core.check_readable()).await && is_writable(&app).await {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the database can't be read and written\n").into_response()
}

async fn is_writable(app: &AppState) -> bool {
    let mut last = app.write_check.lock().await;
    match *last {
        Some(WriteCheck { at, succeeded }) if at.elapsed() < WRITE_EVERY => succeeded,
        _ => {
            let succeeded = succeeds("writing", app.core.check_writable()).await;
            *last = Some(WriteCheck { at: Instant::now(), succeeded });
            succeeded
        }
    }
}

async fn succeeds(what: &str, check: impl Future<Output = Result<(), Error>>) -> bool {
    let error = match timeout(WITHIN, check).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::error!(error, "not ready: {what} the database fails");
    false
}
