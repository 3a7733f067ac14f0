//! A service that lets in whoever is signed in to Sekisho: `GET /whoami` with an access token.
//!
//! `AUDIENCE` is this service's name in Sekisho's `SEKISHO_AUDIENCES` (orders); `ISSUER_URL` where Sekisho is
//! (http://127.0.0.1:3000); `ISSUER` what its tokens say, if that differs; `SCOPE` what a token must allow, if
//! anything; `SERVICE_SECRET` one of `SEKISHO_SERVICE_SECRET`, where that is set; `STALE_AFTER` for how many seconds
//! Sekisho may be out of reach (30); `LISTEN` the own address (127.0.0.1:4001).

use std::{env, error::Error, sync::LazyLock, time::Duration};

use axum::{Json, Router, routing::get};
use sekisho_verifier::{Bearer, Rejected, Verifier};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();

    let mut builder = Verifier::builder(env::var("ISSUER_URL").unwrap_or("http://127.0.0.1:3000".into()))
        .audience(env::var("AUDIENCE").unwrap_or("orders".into()));
    if let Ok(issuer) = env::var("ISSUER") {
        builder = builder.issuer(issuer);
    }
    if let Ok(secret) = env::var("SERVICE_SECRET") {
        builder = builder.service_secret(secret);
    }
    if let Ok(seconds) = env::var("STALE_AFTER") {
        builder = builder.stale_after(Duration::from_secs(seconds.parse()?));
    }
    let verifier = builder.build()?;
    verifier.ready().await; // until then, every request would get a 503

    let app = Router::new().route("/whoami", get(whoami)).with_state(verifier);
    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:4001".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

static SCOPE: LazyLock<Option<String>> = LazyLock::new(|| env::var("SCOPE").ok());

async fn whoami(Bearer(claims): Bearer) -> Result<Json<Value>, Rejected> {
    if let Some(scope) = SCOPE.as_deref() {
        claims.require_scope(scope)?;
    }
    Ok(Json(json!({ "sub": claims.sub, "sid": claims.sid, "roles": claims.roles, "scope": claims.scope })))
}
