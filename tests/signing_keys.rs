//! Signing keys: rotated without a refusal, withdrawn at once, on every node.

mod rotation;
mod verification;
mod withdrawal;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sekisho_core::token::signing_keys::KeyState;
use serde_json::Value;

use crate::harness::TestApp;

fn header(token: &str) -> Value {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64");
    serde_json::from_slice(&header).expect("JSON")
}

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().expect("a kid").to_owned()
}

async fn published(t: &TestApp) -> Vec<String> {
    let jwks = t.anonymous().get("/.well-known/jwks.json").await.json();
    let keys = jwks["keys"].as_array().expect("keys").clone();
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

async fn token(t: &TestApp, email: &str) -> String {
    t.sign_in_api(email).await.0.bearer.expect("a token")
}

async fn get_me(t: &TestApp, token: &str) -> u16 {
    let mut client = t.anonymous();
    client.bearer = Some(token.to_owned());
    client.get("/api/v1/me").await.status.as_u16()
}

/// What a running server does each half second.
async fn follow(t: &TestApp) {
    t.app.core.follow(None).await.expect("a look");
}

async fn sweep(t: &TestApp) {
    t.app.core.run_housekeeping().await.expect("a sweep");
}

async fn state(t: &TestApp, kid: &str) -> Option<KeyState> {
    let keys = t.app.core.signing_keys.list().await.expect("a list");
    keys.into_iter().find(|key| key.kid == kid).map(|key| key.state)
}
