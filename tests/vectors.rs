//! `clients/vectors/tokens.json`: tokens, and what the server and every verifier in clients/ must answer to them.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Request, header},
};
use sekisho::api::bearer::{AnyScope, BearerUser};
use sekisho_core::secret::MasterSecret;
use serde_json::Value;

use crate::harness::{SECRET, TestApp, context};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn every_vector_is_answered_as_by_every_verifier() {
    let vectors: Value = serde_json::from_str(include_str!("../clients/vectors/tokens.json")).expect("vectors");
    let (issuer, audience) = (text(&vectors["issuer"]), text(&vectors["audience"]));
    let t = TestApp::with_jwts(&[("SEKISHO_TOKEN_ISSUER", issuer), ("SEKISHO_TOKEN_AUDIENCE", audience)]).await;
    // The vectors' keys are older than the server's own, so that they sign nothing here.
    let master = MasterSecret::new(SECRET).expect("long enough");
    for (n, jwk) in vectors["jwks"]["keys"].as_array().expect("keys").iter().enumerate() {
        let made_at = t.clock.now() - 1_000 - n as i64;
        let insert = "insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at, signs_at, \
                      longest_ttl) values ($1, $2, $3, $4, $5, $5, 0)";
        sqlx::query(insert)
            .bind(text(&jwk["kid"]))
            .bind(text(&jwk["alg"]))
            .bind(jwk.to_string())
            .bind(master.seal("signing-key", b"nobody has it"))
            .bind(made_at)
            .execute(t.db.writer())
            .await
            .expect("a key");
    }
    let t = t.restart().await;

    let now = 1_000 * vectors["now"].as_i64().expect("a time");
    let mut wrong = Vec::new();
    for vector in vectors["vectors"].as_array().expect("vectors") {
        t.clock.advance(now - t.clock.now());
        let mut request = Request::get("/");
        for value in vector["authorization"].as_array().expect("header fields") {
            let value = HeaderValue::from_bytes(text(value).as_bytes()).expect("a header field");
            request = request.header(header::AUTHORIZATION, value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        parts.extensions.insert(context(None));
        let answer = match BearerUser::<AnyScope>::from_request_parts(&mut parts, &t.app).await {
            Ok(_) => "ok",
            Err(problem) => problem.error.code(),
        };
        if vector["code"] != answer {
            wrong.push(format!("{}: {answer} instead of {}", vector["name"], vector["code"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
