//! A service that lets in whoever is signed in to Sekisho: `GET /whoami` with an access token.
//!
//! `ISSUER_URL` is where Sekisho is (http://127.0.0.1:3000); `ISSUER` and `AUDIENCE` what its tokens say, if that
//! differs; `STALE_AFTER` for how many seconds it may be out of reach (30); `LISTEN` the own address (127.0.0.1:4001).

use std::{env, error::Error, time::Duration};

use axum::{Json, Router, routing::get};
use sekisho_verifier::{Bearer, Verifier};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();

    let mut builder = Verifier::builder(env::var("ISSUER_URL").unwrap_or("http://127.0.0.1:3000".into()));
    if let Ok(issuer) = env::var("ISSUER") {
        builder = builder.issuer(issuer);
    }
    if let Ok(audience) = env::var("AUDIENCE") {
        builder = builder.audience(audience);
    }
    if let Ok(seconds) = env::var("STALE_AFTER") {
        builder = builder.stale_after(Duration::from_secs(seconds.parse()?));
    }
    let verifier = builder.build()?;
    verifier.ready().await; // until then, everybody would be answered 503

    let app = Router::new().route("/whoami", get(whoami)).with_state(verifier);
    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:4001".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn whoami(Bearer(claims): Bearer) -> Json<Value> {
    Json(json!({ "sub": claims.sub, "sid": claims.sid, "roles": claims.roles }))
}
