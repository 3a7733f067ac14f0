//! Tests the verifier against a fake server.

use std::{
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
    response::IntoResponse,
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, get_current_timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

use self::issuer::{AUDIENCE, Issuer, Signer, lock, sign};
use crate::{Bearer, BuildError, Builder, Claims, Pace, Rejected, Verifier};

mod introspection;
mod issuer;
mod services;
mod vectors;

/// With shortened intervals.
fn builder(issuer: &Issuer) -> Builder {
    let pace = Pace {
        silence: Duration::from_millis(500),
        reload_every: Duration::from_millis(200),
        refresh_every: Duration::from_secs(60),
        ..Pace::default()
    };
    Builder { pace, ..Verifier::builder(&issuer.url).audience(AUDIENCE).stale_after(Duration::from_millis(400)) }
}

async fn verifier(issuer: &Issuer) -> Verifier {
    let verifier = builder(issuer).build().expect("a verifier");
    verifier.ready().await;
    verifier
}

/// Polls a condition; panics after five seconds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(5), "{what}: not within 5 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

fn revoked() -> Result<Claims, Rejected> {
    Err(Rejected::SessionRevoked { reason: "revoked_by_user".into() })
}

#[tokio::test]
async fn a_valid_token_of_each_algorithm_is_accepted() {
    let signers =
        [("a", Algorithm::EdDSA), ("b", Algorithm::ES256), ("c", Algorithm::RS256)].map(|(k, a)| Signer::new(k, a));
    let issuer = Issuer::start(&signers.each_ref()).await;
    let verifier = verifier(&issuer).await;
    for signer in &signers {
        let claims = verifier.verify(&issuer.token(signer, "a-session")).await.expect("accepted");
        assert_eq!((claims.sub.as_str(), claims.sid.as_str(), claims.nbf), ("a-user", "a-session", None));
        assert_eq!(claims.roles, ["admin"]);
    }
}

#[tokio::test]
async fn a_token_with_any_wrong_header_claim_or_signature_is_rejected() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let other = Signer::new("b", Algorithm::ES256);
    let attacker = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer, &other]).await;
    let verifier = verifier(&issuer).await;
    let (header, claims, now) = (signer.header(), issuer.claims("a-session"), get_current_timestamp());
    let good = signer.sign(&header, &claims);
    assert!(verifier.verify(&good).await.is_ok());

    let with = |part: &Value, name: &str, value: Value| {
        let mut part = part.clone();
        part[name] = value;
        part
    };
    let without = |part: &Value, name: &str| {
        let mut part = part.clone();
        part.as_object_mut().expect("an object").remove(name);
        part
    };
    let mut bad: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("iss", json!("https://attacker.example")),
        ("iss", json!(format!("{}/", issuer.url))),
        ("aud", json!("https://another-service.example")),
        ("aud", json!([AUDIENCE])),
        ("aud", json!(issuer.url)),
        ("exp", json!(now - 6)),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(now as f64 + 60.5)),
        ("exp", json!(1e30)),
        ("exp", json!(-1)),
        ("exp", Value::Null),
        ("iat", json!(now + 60)),
        ("iat", json!(now.to_string())),
        ("nbf", json!(now + 60)),
        ("nbf", json!(now.to_string())),
        ("nbf", Value::Null),
        ("sid", json!(7)),
        ("roles", json!("admin")),
    ] {
        bad.push((format!("{name} {value}"), signer.sign(&header, &with(&claims, name, value))));
    }
    for name in ["iss", "aud", "sub", "sid", "iat", "exp"] {
        bad.push((format!("no {name}"), signer.sign(&header, &without(&claims, name))));
    }
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("at+JWT")),
        ("typ", json!("application/at+jwt")),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("kid", json!("../a")),
        ("kid", json!("b")),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/certificate")),
        ("x5c", json!(["AAAA"])),
        ("jwk", signer.jwk.clone()),
        ("crit", json!(["exp"])),
    ] {
        bad.push((format!("{name} {value}"), signer.sign(&with(&header, name, value), &claims)));
    }
    for name in ["typ", "alg", "kid"] {
        bad.push((format!("no {name}"), signer.sign(&without(&header, name), &claims)));
    }
    bad.push(("an attacker's signature".into(), attacker.sign(&header, &claims)));
    bad.push(("another key's signature".into(), other.sign(&with(&other.header(), "kid", json!("a")), &claims)));
    // Algorithm confusion: the public key as an HMAC secret.
    let public = BASE64_URL_SAFE_NO_PAD.decode(signer.jwk["x"].as_str().expect("x")).expect("base64");
    for (name, secret) in [("raw", public), ("JWK", signer.jwk.to_string().into_bytes())] {
        let forged =
            sign(&with(&header, "alg", json!("HS256")), &claims, &EncodingKey::from_secret(&secret), Algorithm::HS256);
        bad.push((format!("HS256 with the public key, {name}"), forged));
    }
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let (head, _) = message.split_once('.').expect("three parts");
    let swapped = BASE64_URL_SAFE_NO_PAD.encode(with(&claims, "sub", json!("somebody-else")).to_string());
    bad.push(("other claims".into(), format!("{head}.{swapped}.{signature}")));
    bad.push(("no signature".into(), format!("{message}.")));
    bad.push(("two parts".into(), message.to_owned()));
    bad.push(("four parts".into(), format!("{good}.{signature}")));
    bad.push(("nothing".into(), String::new()));
    bad.push(("dots".into(), "..".into()));

    for (name, token) in bad {
        assert_eq!(verifier.verify(&token).await, Err(Rejected::InvalidToken), "{name}");
    }
}

#[tokio::test]
async fn clock_skew_of_a_few_seconds_is_tolerated() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let now = get_current_timestamp();
    for (name, time) in [("exp", now - 3), ("iat", now + 4), ("nbf", now + 4)] {
        let mut claims = issuer.claims("a-session");
        claims[name] = time.into();
        assert!(verifier.verify(&signer.sign(&signer.header(), &claims)).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn issuer_and_audience_are_configurable() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = builder(&issuer).issuer("https://login.example").audience("https://api.example").build();
    let verifier = verifier.expect("a verifier");
    verifier.ready().await;
    assert_eq!(verifier.verify(&issuer.token(&signer, "a-session")).await, Err(Rejected::InvalidToken));
    let mut claims = issuer.claims("a-session");
    claims["iss"] = "https://login.example".into();
    claims["aud"] = "https://api.example".into();
    assert!(verifier.verify(&signer.sign(&signer.header(), &claims)).await.is_ok());
}

#[tokio::test]
async fn an_unknown_key_is_loaded_at_once_and_an_unpublished_one_rejected() {
    let (old, new) = (Signer::new("old", Algorithm::EdDSA), Signer::new("new", Algorithm::ES256));
    let issuer = Issuer::start(&[&old]).await;
    let verifier = verifier(&issuer).await;
    tokio::time::sleep(Duration::from_millis(200)).await; // the reload interval
    issuer.publish(&[&new]);
    assert!(verifier.verify(&issuer.token(&old, "a-session")).await.is_ok(), "not reloaded yet");
    assert!(verifier.verify(&issuer.token(&new, "a-session")).await.is_ok());
    assert_eq!(verifier.verify(&issuer.token(&old, "a-session")).await, Err(Rejected::InvalidToken));
}

#[tokio::test]
async fn keys_are_refreshed_periodically() {
    let (old, new) = (Signer::new("old", Algorithm::EdDSA), Signer::new("new", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&old]).await;
    let pace = Pace { refresh_every: Duration::from_millis(200), ..builder(&issuer).pace };
    let verifier = Builder { pace, ..builder(&issuer) }.build().expect("a verifier");
    verifier.ready().await;
    issuer.publish(&[&new]);
    eventually("the old key goes", async || verifier.verify(&issuer.token(&old, "a-session")).await.is_err()).await;
}

#[tokio::test]
async fn reloads_for_forged_key_ids_are_rate_limited() {
    let (signer, attacker) = (Signer::new("a", Algorithm::EdDSA), Signer::new("b", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&signer]).await;
    let pace = Pace { reload_every: Duration::from_secs(60), ..builder(&issuer).pace };
    let verifier = Builder { pace, ..builder(&issuer) }.build().expect("a verifier");
    verifier.ready().await;
    let forge = |n: u32| {
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": format!("forged-{n}") });
        attacker.sign(&header, &issuer.claims("a-session"))
    };
    for n in 0..1_000 {
        assert_eq!(verifier.verify(&forge(n)).await, Err(Rejected::InvalidToken));
    }
    assert_eq!(issuer.state.jwks_reads.load(SeqCst), 1);
}

#[tokio::test]
async fn reloads_of_an_empty_key_set_are_rate_limited() {
    let attacker = Signer::new("b", Algorithm::EdDSA);
    let issuer = Issuer::start(&[]).await;
    let pace = Pace { reload_every: Duration::from_secs(60), ..builder(&issuer).pace };
    let verifier = Builder { pace, ..builder(&issuer) }.build().expect("a verifier");
    eventually("read", async || issuer.state.jwks_reads.load(SeqCst) == 1).await;
    for _ in 0..1_000 {
        assert_eq!(verifier.verify(&issuer.token(&attacker, "a-session")).await, Err(Rejected::Stale));
    }
    assert_eq!(issuer.state.jwks_reads.load(SeqCst), 1);
}

#[tokio::test]
async fn a_withdrawn_key_is_rejected_within_a_second_even_if_still_published() {
    let (leaked, kept) = (Signer::new("leaked", Algorithm::EdDSA), Signer::new("kept", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&leaked, &kept]).await;
    let service = verifier(&issuer).await;
    let token = issuer.token(&leaked, "a-session");
    assert!(service.verify(&token).await.is_ok());
    issuer.withdraw("leaked");
    let refused = async || service.verify(&token).await == Err(Rejected::InvalidToken);
    let took = eventually("refused", refused).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(service.verify(&issuer.token(&kept, "a-session")).await.is_ok());

    let started_later = verifier(&issuer).await;
    assert_eq!(started_later.verify(&token).await, Err(Rejected::InvalidToken), "received before it is ready");
    // A withdrawal is kept across key reloads.
    tokio::time::sleep(Duration::from_millis(200)).await; // the reload interval
    assert_eq!(service.verify(&issuer.token(&leaked, "another")).await, Err(Rejected::InvalidToken));
}

#[tokio::test]
async fn a_token_older_than_the_retained_revocations_is_rejected() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let mut claims = issuer.claims("a-session");
    for (age, accepted) in [(950, true), (970, false)] {
        claims["iat"] = (get_current_timestamp() - age).into();
        assert_eq!(verifier.verify(&signer.sign(&signer.header(), &claims)).await.is_ok(), accepted, "{age} s");
    }
}

#[tokio::test]
async fn loaded_keys_are_kept_while_the_key_set_is_unavailable() {
    let (signer, attacker) = (Signer::new("a", Algorithm::EdDSA), Signer::new("b", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    issuer.state.jwks_fails.store(true, SeqCst);
    tokio::time::sleep(Duration::from_millis(200)).await; // the reload interval
    // The key may be the server's: no 401.
    assert_eq!(verifier.verify(&issuer.token(&attacker, "a-session")).await, Err(Rejected::Stale));
    assert!(verifier.verify(&issuer.token(&signer, "a-session")).await.is_ok());
}

#[tokio::test]
async fn only_signature_keys_of_allowed_algorithms_are_used() {
    let (signer, wrong) = (Signer::new("a", Algorithm::EdDSA), Signer::new("b", Algorithm::EdDSA));
    let issuer = Issuer::start(&[]).await;
    let mut for_encryption = wrong.jwk.clone();
    for_encryption["use"] = "enc".into();
    let mut without_algorithm = wrong.jwk.clone();
    without_algorithm.as_object_mut().expect("an object").remove("alg");
    let odd = [
        for_encryption,
        without_algorithm,
        json!({ "kty": "oct", "kid": "b", "alg": "HS256", "k": "c2VjcmV0" }),
        json!({ "kty": "new", "kid": "b" }),
        json!(7),
    ];
    issuer.publish_jwks([&odd[..], std::slice::from_ref(&signer.jwk)].concat());
    let verifier = verifier(&issuer).await;
    assert!(verifier.verify(&issuer.token(&signer, "a-session")).await.is_ok());
    assert_eq!(verifier.verify(&issuer.token(&wrong, "a-session")).await, Err(Rejected::InvalidToken));
    let forged = json!({ "typ": "at+jwt", "alg": "HS256", "kid": "b" });
    let forged = sign(&forged, &issuer.claims("a-session"), &EncodingKey::from_secret(b"secret"), Algorithm::HS256);
    assert_eq!(verifier.verify(&forged).await, Err(Rejected::InvalidToken));
}

#[tokio::test]
async fn the_key_set_is_not_followed_through_a_redirect() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.state.jwks_moved.store(true, SeqCst);
    let verifier = builder(&issuer).build().expect("a verifier");
    assert_eq!(verifier.verify(&issuer.token(&signer, "a-session")).await, Err(Rejected::Stale));
}

#[tokio::test]
async fn a_revoked_session_is_rejected_within_a_second_with_its_reason() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.end("ended-before");
    let verifier = verifier(&issuer).await;
    assert_eq!(verifier.verify(&issuer.token(&signer, "ended-before")).await, revoked());

    let token = issuer.token(&signer, "a-session");
    assert!(verifier.verify(&token).await.is_ok());
    issuer.end("a-session");
    let took = eventually("refused", async || verifier.verify(&token).await == revoked()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(verifier.verify(&issuer.token(&signer, "another")).await.is_ok());
}

#[tokio::test]
async fn a_reconnected_feed_resumes_at_its_cursor() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.end("first");
    let verifier = verifier(&issuer).await;
    issuer.end("second");
    let token = issuer.token(&signer, "second");
    eventually("refused", async || verifier.verify(&token).await == revoked()).await;
    issuer.cut();
    issuer.end("third");
    let token = issuer.token(&signer, "third");
    eventually("refused", async || verifier.verify(&token).await == revoked()).await;
    assert_eq!(verifier.verify(&issuer.token(&signer, "first")).await, revoked());
    assert!(verifier.verify(&issuer.token(&signer, "another")).await.is_ok());
    assert_eq!(*lock(&issuer.state.last_event_ids), [None, Some("2".into())]);
}

#[tokio::test]
async fn an_incomplete_replay_is_requested_again() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.end("first");
    issuer.state.feed_breaks_off.store(true, SeqCst);
    let verifier = builder(&issuer).build().expect("a verifier");
    eventually("tried again", async || lock(&issuer.state.last_event_ids).len() > 1).await;
    assert_eq!(lock(&issuer.state.last_event_ids)[1], None);
    assert_eq!(verifier.verify(&issuer.token(&signer, "first")).await, revoked());
    assert_eq!(verifier.verify(&issuer.token(&signer, "another")).await, Err(Rejected::Stale));
    issuer.state.feed_breaks_off.store(false, SeqCst);
    verifier.ready().await;
    assert!(verifier.verify(&issuer.token(&signer, "another")).await.is_ok());
}

#[tokio::test]
async fn revocations_are_kept_when_the_server_loses_its_list() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.end("first");
    let verifier = verifier(&issuer).await;
    issuer.clear_revocations();
    issuer.cut();
    eventually("reconnected", async || lock(&issuer.state.last_event_ids).len() == 2).await;
    issuer.end("second");
    let token = issuer.token(&signer, "second");
    eventually("refused", async || verifier.verify(&token).await == revoked()).await;
    assert_eq!(verifier.verify(&issuer.token(&signer, "first")).await, revoked());
}

#[tokio::test]
async fn a_feed_outage_fails_closed() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let (token, ended) = (issuer.token(&signer, "a-session"), issuer.token(&signer, "ended"));
    issuer.state.feed_fails.store(true, SeqCst);
    issuer.cut();
    issuer.end("ended");
    assert!(verifier.verify(&token).await.is_ok(), "a short cut is no outage");
    eventually("stale", async || verifier.verify(&token).await == Err(Rejected::Stale)).await;
    assert_eq!(verifier.verify("rubbish").await, Err(Rejected::InvalidToken));
    issuer.state.feed_fails.store(false, SeqCst);
    eventually("back", async || verifier.verify(&token).await.is_ok()).await;
    assert_eq!(verifier.verify(&ended).await, revoked());
}

#[tokio::test]
async fn a_silent_connection_times_out() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.state.feed_is_silent.store(true, SeqCst);
    let verifier = verifier(&issuer).await;
    issuer.state.feed_fails.store(true, SeqCst);
    let token = issuer.token(&signer, "a-session");
    assert!(verifier.verify(&token).await.is_ok());
    eventually("stale", async || verifier.verify(&token).await == Err(Rejected::Stale)).await;
    eventually("hung up", async || issuer.state.connections.load(SeqCst) == 0).await;
    issuer.state.feed_is_silent.store(false, SeqCst);
    issuer.state.feed_fails.store(false, SeqCst);
    eventually("back", async || verifier.verify(&token).await.is_ok()).await;
}

#[tokio::test]
async fn comments_keep_a_connection_alive() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    tokio::time::sleep(Duration::from_millis(800)).await; // longer than it may be silent
    assert!(verifier.verify(&issuer.token(&signer, "a-session")).await.is_ok());
    assert_eq!(lock(&issuer.state.last_event_ids).len(), 1);
}

#[tokio::test]
async fn an_unreadable_revocation_fails_closed_and_requests_everything_again() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let token = issuer.token(&signer, "a-session");
    issuer.send_ended("rubbish");
    eventually("stale", async || verifier.verify(&token).await == Err(Rejected::Stale)).await;
    assert!(lock(&issuer.state.last_event_ids)[1..].iter().all(Option::is_none), "everything is requested again");
    issuer.clear_revocations();
    eventually("back", async || verifier.verify(&token).await.is_ok()).await;
}

#[tokio::test]
async fn every_token_is_rejected_before_the_first_connection() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.state.feed_fails.store(true, SeqCst);
    let verifier = builder(&issuer).build().expect("a verifier");
    let token = issuer.token(&signer, "a-session");
    assert_eq!(verifier.verify(&token).await, Err(Rejected::Stale));
    assert!(tokio::time::timeout(Duration::from_millis(50), verifier.ready()).await.is_err(), "not ready");
    issuer.state.feed_fails.store(false, SeqCst);
    verifier.ready().await;
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn dropping_the_last_clone_closes_the_connection() {
    let issuer = Issuer::start(&[&Signer::new("a", Algorithm::EdDSA)]).await;
    let verifier = verifier(&issuer).await;
    let clone = verifier.clone();
    drop(verifier);
    assert_eq!(issuer.state.connections.load(SeqCst), 1);
    drop(clone);
    eventually("hung up", async || issuer.state.connections.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn responses_equal_the_servers() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    issuer.end("ended");
    let verifier = verifier(&issuer).await;
    let app = Router::new().route("/", get(subject)).with_state(verifier);
    let ask = async |values: &[&str]| {
        let mut request = Request::get("/");
        for value in values {
            request = request.header(header::AUTHORIZATION, *value);
        }
        app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
    };
    let good = format!("Bearer {}", issuer.token(&signer, "a-session"));
    assert_eq!(ask(&[&good]).await.status(), 200);
    assert_eq!(ask(&[&good.replace("Bearer ", "bearer  ")]).await.status(), 200);

    let none = problem(ask(&[]).await, 401, Some("Bearer")).await;
    assert_eq!(none["code"], "unauthenticated");
    assert!(none.get("reason").is_none());
    for values in [&["Bearer rubbish"][..], &["Basic YTpi"], &["Bearer"], &["Bearer "], &[""], &[&good, &good]] {
        let invalid = problem(ask(values).await, 401, Some("Bearer error=\"invalid_token\"")).await;
        assert_eq!(invalid["code"], "invalid_token", "{values:?}");
    }
    let ended = ask(&[&format!("Bearer {}", issuer.token(&signer, "ended"))]).await;
    let ended = problem(ended, 401, Some("Bearer error=\"invalid_token\"")).await;
    assert_eq!((&ended["code"], &ended["reason"]), (&json!("session_revoked"), &json!("revoked_by_user")));

    issuer.state.feed_fails.store(true, SeqCst);
    issuer.cut();
    eventually("stale", async || ask(&[&good]).await.status() == 503).await;
    let stale = ask(&[&good]).await;
    assert_eq!(stale.headers()[header::RETRY_AFTER], "5");
    assert_eq!(problem(stale, 503, None).await["code"], "verifier_stale");
}

async fn subject(Bearer(claims): Bearer) -> String {
    claims.sub
}

async fn problem(response: Response<Body>, status: u16, challenge: Option<&str>) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let said = response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().expect("text"));
    assert_eq!(said, challenge);
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["status"], status);
    problem
}

#[tokio::test]
async fn debug_contains_no_token() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let token = issuer.token(&signer, "a-session");
    let bearer = Bearer(verifier.verify(&token).await.expect("accepted"));
    let invalid = verifier.verify(&format!("{token}x")).await;
    let shown = format!("{verifier:?} {bearer:?} {invalid:?} {:?}", builder(&issuer));
    for part in token.split('.') {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[tokio::test]
async fn an_invalid_url_is_rejected() {
    for url in ["", "login.example", "ftp://login.example", "/relative"] {
        assert!(matches!(Verifier::builder(url).audience(AUDIENCE).build(), Err(BuildError::Url(_))), "{url}");
    }
    assert!(Verifier::builder("http://127.0.0.1:9/").audience(AUDIENCE).build().is_ok());
}

#[tokio::test]
async fn an_audience_is_required() {
    assert!(matches!(Verifier::builder("http://127.0.0.1:9/").build(), Err(BuildError::NoAudience)));
}

#[tokio::test]
async fn the_service_secret_is_sent_to_the_feed_only() {
    let issuer = Issuer::start(&[&Signer::new("a", Algorithm::EdDSA)]).await;
    let builder = builder(&issuer).service_secret("a-secret-of-this-service");
    assert!(!format!("{builder:?}").contains("a-secret"));
    builder.build().expect("a verifier").ready().await;
    let shown = lock(&issuer.state.credentials).clone();
    assert!(shown.contains(&("feed", Some("Bearer a-secret-of-this-service".into()))), "{shown:?}");
    assert!(shown.iter().all(|(path, shown)| *path == "feed" || shown.is_none()), "{shown:?}");
    for secret in ["two words", "two\r\nlines", "秘密"] {
        let built = Verifier::builder(&issuer.url).audience(AUDIENCE).service_secret(secret).build();
        let Err(error @ BuildError::ServiceSecret) = built else { panic!("{secret}") };
        assert!(!format!("{error} {error:?}").contains(secret));
    }
}

#[tokio::test]
async fn the_service_secret_is_not_sent_through_a_redirect() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let (issuer, elsewhere) = (Issuer::start(&[&signer]).await, Issuer::start(&[&signer]).await);
    *lock(&issuer.state.feed_moved) = Some(format!("{}/api/v1/revocations", elsewhere.url));
    let verifier = builder(&issuer).service_secret("a-secret-of-this-service").build().expect("a verifier");
    let tried_twice = async || lock(&issuer.state.credentials).iter().filter(|(path, _)| *path == "feed").count() > 1;
    eventually("tried again", tried_twice).await;
    assert_eq!(verifier.verify(&issuer.token(&signer, "a-session")).await, Err(Rejected::Stale));
    assert!(lock(&elsewhere.state.credentials).is_empty());
}

#[tokio::test]
async fn insufficient_scope_names_the_required_scope() {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let issuer = Issuer::start(&[&signer]).await;
    let verifier = verifier(&issuer).await;
    let claims = verifier.verify(&issuer.token(&signer, "a-session")).await.expect("accepted");
    assert_eq!(claims.scope, "orders:read orders:cancel");
    assert_eq!(claims.require_scope("orders:cancel"), Ok(()));
    for scope in ["orders", "orders:", "read", "orders:write", ""] {
        assert!(!claims.has_scope(scope), "{scope:?}");
    }
    let refused = Rejected::from(claims.require_scope("orders:write").expect_err("not allowed")).into_response();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"orders:write\"";
    assert_eq!(problem(refused, 403, Some(challenge)).await["code"], "insufficient_scope");
}

#[test]
fn building_outside_of_a_runtime_is_an_error() {
    let built = Verifier::builder("http://127.0.0.1:9").audience(AUDIENCE).build();
    assert!(matches!(built, Err(BuildError::NoRuntime)));
}
