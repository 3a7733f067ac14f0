//! Opaque tokens: the server is asked once a token, and the feed followed from then on.

use std::sync::atomic::Ordering::SeqCst;

use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{
    builder, eventually,
    issuer::{Issuer, Signer, lock},
    revoked,
};
use crate::{Rejected, Verifier};

const SECRET: &str = "a-secret-of-this-service";

fn token(letter: &str) -> String {
    format!("sk_at_{}", letter.repeat(43))
}

async fn start() -> (Issuer, Verifier) {
    let issuer = Issuer::start(&[&Signer::new("a", Algorithm::EdDSA)]).await;
    let verifier = builder(&issuer).service_secret(SECRET).build().expect("a verifier");
    verifier.ready().await;
    (issuer, verifier)
}

fn active(issuer: &Issuer, sid: &str) -> Value {
    let mut claims = issuer.claims(sid);
    claims["active"] = true.into();
    claims["token_type"] = "Bearer".into();
    claims
}

#[tokio::test]
async fn an_active_token_is_asked_about_once_and_refused_as_soon_as_its_session_ends() {
    let (issuer, verifier) = start().await;
    issuer.introspect(&token("a"), active(&issuer, "a-session"));
    for _ in 0..3 {
        let claims = verifier.verify(&token("a")).await.expect("accepted");
        assert_eq!((claims.sub.as_str(), claims.sid.as_str()), ("a-user", "a-session"));
    }
    assert_eq!(issuer.state.introspections.load(SeqCst), 1);
    let shown = lock(&issuer.state.credentials).iter().rev().find(|(path, _)| *path == "introspect").cloned();
    let shown = shown.and_then(|(_, credentials)| credentials).expect("credentials");
    assert!(shown.starts_with("Basic ") && !shown.contains(SECRET), "{shown}");
    issuer.end("a-session");
    eventually("the end is refused", async || verifier.verify(&token("a")).await == revoked()).await;
    assert_eq!(issuer.state.introspections.load(SeqCst), 1);
}

#[tokio::test]
async fn what_is_not_active_or_for_somebody_else_is_invalid() {
    let (issuer, verifier) = start().await;
    issuer.introspect(&token("a"), json!({ "active": false }));
    for (letter, name, value) in
        [("b", "aud", "another-service"), ("c", "iss", "https://attacker.example"), ("d", "sub", ""), ("e", "sid", "")]
    {
        let mut told = active(&issuer, "a-session");
        told[name] = value.into();
        issuer.introspect(&token(letter), told);
    }
    let mut expired = active(&issuer, "a-session");
    expired["exp"] = (expired["iat"].as_i64().expect("a time") - 6).into();
    issuer.introspect(&token("f"), expired);
    for letter in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(verifier.verify(&token(letter)).await, Err(Rejected::InvalidToken), "{letter}");
    }
    let asked = issuer.state.introspections.load(SeqCst);
    for odd in ["sk_at_", "sk_at_x", &format!("{}=", &token("a")[..48]), &format!("{}&", &token("a")[..48])] {
        assert_eq!(verifier.verify(odd).await, Err(Rejected::InvalidToken), "{odd}");
    }
    assert_eq!(issuer.state.introspections.load(SeqCst), asked, "nobody is asked about these");
}

#[tokio::test]
async fn a_server_that_does_not_answer_lets_nobody_in_and_a_known_token_goes_on() {
    let (issuer, verifier) = start().await;
    issuer.introspect(&token("a"), active(&issuer, "a-session"));
    assert!(verifier.verify(&token("a")).await.is_ok());
    for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::UNAUTHORIZED, StatusCode::TEMPORARY_REDIRECT] {
        *lock(&issuer.state.introspection_status) = Some(status);
        assert_eq!(verifier.verify(&token("b")).await, Err(Rejected::Stale), "{status}");
    }
    assert!(verifier.verify(&token("a")).await.is_ok());
    *lock(&issuer.state.introspection_status) = None;
    for odd in [json!({}), json!({ "active": "true" }), json!({ "active": true }), json!([])] {
        issuer.introspect(&token("c"), odd.clone());
        assert_eq!(verifier.verify(&token("c")).await, Err(Rejected::Stale), "{odd}");
    }
}

#[tokio::test]
async fn without_a_secret_nobody_is_asked() {
    let issuer = Issuer::start(&[&Signer::new("a", Algorithm::EdDSA)]).await;
    let verifier = builder(&issuer).build().expect("a verifier");
    verifier.ready().await;
    assert_eq!(verifier.verify(&token("a")).await, Err(Rejected::InvalidToken));
    assert_eq!(issuer.state.introspections.load(SeqCst), 0);
}
