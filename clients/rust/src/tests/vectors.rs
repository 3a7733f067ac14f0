//! `clients/vectors/tokens.json`: tokens, and the result every verifier must give.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Request, header},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::{builder, issuer::Issuer, subject};
use crate::{Builder, Pace};

#[derive(Deserialize)]
pub struct Vectors {
    pub now: u64,
    pub issuer: String,
    pub audience: String,
    pub jwks: JwkSet,
    pub vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub struct JwkSet {
    pub keys: Vec<Value>,
}

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    /// `ok`, or the `code` of the problem.
    pub code: String,
    /// The `Authorization` header fields.
    pub authorization: Vec<String>,
}

impl Vectors {
    pub fn read() -> Self {
        let read: Self = serde_json::from_str(include_str!("../../../vectors/tokens.json")).expect("vectors");
        assert!(read.vectors.iter().any(|vector| vector.code == "ok"), "some tokens are good");
        assert_eq!(read.now, NOW);
        read
    }
}

impl Vector {
    pub fn headers(&self) -> impl Iterator<Item = HeaderValue> {
        self.authorization.iter().map(|value| HeaderValue::from_bytes(value.as_bytes()).expect("a header field"))
    }
}

/// The time of the vectors.
pub const NOW: u64 = 1_800_000_000;

/// Asserts that `answers` are the vectors' codes; lists all that are not.
pub fn check(vectors: &Vectors, answers: &[String]) {
    let wrong: Vec<_> = vectors
        .vectors
        .iter()
        .zip(answers)
        .filter(|(vector, answer)| vector.code != **answer)
        .map(|(vector, answer)| format!("{}: {answer} instead of {}", vector.name, vector.code))
        .collect();
    assert!(wrong.is_empty() && answers.len() == vectors.vectors.len(), "{wrong:#?}");
}

#[tokio::test]
async fn every_vector_passes() {
    let vectors = Vectors::read();
    let issuer = Issuer::start(&[]).await;
    issuer.publish_jwks(vectors.jwks.keys.clone());
    let pace = Pace { now: || NOW, ..Pace::default() };
    let builder = builder(&issuer).issuer(&vectors.issuer).audience(&vectors.audience);
    let verifier = Builder { pace, ..builder }.build().expect("a verifier");
    verifier.ready().await;

    let app = Router::new().route("/", get(subject)).with_state(verifier);
    let mut answers = Vec::new();
    for vector in &vectors.vectors {
        let mut request = Request::get("/");
        for value in vector.headers() {
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
        answers.push(if response.status() == 200 {
            "ok".to_owned()
        } else {
            let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
            let problem: Value = serde_json::from_slice(&body).expect("JSON");
            problem["code"].as_str().expect("a code").to_owned()
        });
    }
    check(&vectors, &answers);
}
