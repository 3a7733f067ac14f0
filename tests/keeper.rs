use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::{HOUR, PASSWORD, TestApp};

#[tokio::test]
async fn an_open_page_hears_at_once_that_its_session_ended_and_why() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    let mut other = t.sign_in_browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    let mut others_events = other.events("/session/events").await;
    let (name, hello) = events.next().await.expect("a greeting");
    assert_eq!(name, "hello");
    for field in ["now", "idle_expires_at", "absolute_expires_at"] {
        assert!(hello[field].is_string(), "{field} in {hello}");
    }
    others_events.next().await;

    let id = browser.session_id().await;
    api.delete(&format!("/api/v1/sessions/{id}")).await;
    assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_user" }))));
    assert_eq!(events.next().await, None, "the stream closes");

    other.form("/logout", &[]).await;
    assert_eq!(others_events.next().await, Some(("ended".into(), json!({ "reason": "signed_out" }))));
}

#[tokio::test]
async fn a_thousand_open_streams_each_hear_of_their_own_end_within_a_second() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "0")]).await;
    let mut keeper = t.browser("ada@example.com").await;
    t.register("bob@example.com").await;
    let mut streams = Vec::new();
    for who in ["ada@example.com", "bob@example.com"] {
        for _ in 0..20 {
            let mut browser = t.sign_in_browser(who).await;
            for _ in 0..25 {
                let mut events = browser.events("/session/events").await;
                assert_eq!(events.next().await.map(|(name, _)| name).as_deref(), Some("hello"));
                streams.push(events);
            }
        }
    }
    let start = std::time::Instant::now();
    keeper.form("/devices/end-others", &[]).await;
    for events in &mut streams[..500] {
        assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_user" }))));
    }
    assert!(start.elapsed().as_millis() < 1_000, "{:?}", start.elapsed());
    assert_eq!(keeper.get("/devices").await.status, 200);
}

#[tokio::test]
async fn a_stream_opened_after_the_end_is_refused_with_the_reason() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    t.clock.advance(2 * HOUR);
    let refused = browser.get("/session/events").await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "idle_timeout");
    browser.send("POST", "/session/token", None, Body::empty()).await.problem(401, "session_revoked");
    browser.send("POST", "/session/activity", None, Body::empty()).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn streams_close_when_the_server_stops() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    events.next().await;
    t.app.stopping.cancel();
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_pages_token_works_on_the_api_and_dies_with_the_session() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let answer = browser.send("POST", "/session/token", None, Body::empty()).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.json();
    assert_eq!(token["expires_in"], 900);
    let mut api = t.anonymous();
    api.bearer = token["access_token"].as_str().map(Into::into);
    assert_eq!(api.get("/api/v1/me").await.json()["email"], "ada@example.com");
    // What would need a new cookie is the pages' business; a new password ends the others only.
    api.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await.problem(403, "forbidden");
    let new = json!({ "current_password": PASSWORD, "new_password": "another good passphrase" });
    assert_eq!(api.json("PUT", "/api/v1/me/password", new).await.status, 204);
    assert_eq!(browser.get("/devices").await.status, 200);
    browser.form("/logout", &[]).await;
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
}

#[tokio::test]
async fn somebody_signs_in_again_without_leaving_the_page() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let old = browser.session_cookie();
    t.clock.advance(2 * HOUR);
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    browser.post("/session/sign-in", wrong).await.problem(401, "invalid_credentials");
    let right = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = browser.post("/session/sign-in", right).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["user_id"].is_string());
    assert_ne!(browser.session_cookie(), old);
    assert_eq!(browser.get("/devices").await.status, 200);
    let log = browser.get("/security").await.text();
    assert!(log.contains("no activity"), "the end it came from keeps its true reason");
}

#[tokio::test]
async fn the_password_meter_scores_and_is_limited() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    let mut client = t.anonymous();
    let ask = |password: &str| json!({ "password": password, "context": ["ada@example.com"] });
    let score = async |client: &mut crate::harness::Client, password: &str| -> Value {
        client.post("/fn/password-strength", ask(password)).await.json()["score"].clone()
    };
    assert_eq!(score(&mut client, "password1").await, 0);
    assert_eq!(score(&mut client, PASSWORD).await, 4);
    // About ten at once, and then one a second, by network.
    for _ in 2..10 {
        assert_eq!(client.post("/fn/password-strength", ask("x")).await.status, 200);
    }
    for _ in 0..3 {
        let refused = client.post("/fn/password-strength", ask("x")).await;
        refused.problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1");
        client.post("/fn/password-strength", ask("x")).await.problem(429, "rate_limited");
        t.clock.advance(1_000);
        assert_eq!(client.post("/fn/password-strength", ask("x")).await.status, 200);
    }
}
