//! Changes by sessions that have ended: in flight, on another node, after a clock was set back.

use axum::body::Body;
use serde_json::json;

use crate::harness::{HOUR, MINUTE, PASSWORD, TestApp};

/// The attack: within the half second in which the other node has not heard of the end, whoever holds the token writes.
#[tokio::test]
async fn a_session_that_ended_on_another_node_changes_nothing() {
    let t = TestApp::new().await;
    let (thief, tokens) = t.api("ada@example.com").await;
    let (mut owner, other) = t.sign_in_api("ada@example.com").await;
    let here = t.second_node().await;
    let mut thief = thief.at(&here);
    assert_eq!(thief.get("/api/v1/me").await.status, 200);
    let id = tokens["session_id"].as_str().expect("an id");
    assert_eq!(owner.delete(&format!("/api/v1/sessions/{id}")).await.status, 204);

    let others = format!("/api/v1/sessions/{}", other["session_id"].as_str().expect("an id"));
    let password = json!({ "current_password": PASSWORD, "new_password": "another four words here" });
    for (method, path, body) in [
        ("PATCH", "/api/v1/me", json!({ "name": "Mallory" })),
        ("PUT", "/api/v1/me/password", password),
        ("POST", "/api/v1/sessions/revoke-others", json!({})),
        ("POST", "/api/v1/me/step-up", json!({ "password": PASSWORD })),
        ("DELETE", others.as_str(), json!({})),
    ] {
        let answer = thief.json(method, path, body).await;
        assert_eq!(answer.problem(401, "session_revoked")["reason"], "revoked_by_user", "{method} {path}");
    }
    assert_eq!(owner.get("/api/v1/me").await.json()["name"], "ada");
    // Signing out what is signed out is done.
    assert_eq!(thief.delete("/api/v1/tokens").await.status, 204);
    t.sign_in_api("ada@example.com").await;
}

#[tokio::test]
async fn an_administrator_who_was_signed_out_on_another_node_changes_nothing() {
    let t = TestApp::new().await;
    let (root, tokens) = t.admin("root@example.com").await;
    let (mut owner, _) = t.sign_in_api("root@example.com").await;
    t.register("ada@example.com").await;
    let here = t.second_node().await;
    let mut thief = root.at(&here);
    let id = tokens["session_id"].as_str().expect("an id");
    assert_eq!(owner.delete(&format!("/api/v1/sessions/{id}")).await.status, 204);
    let ada = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    for (method, path, body) in [
        ("PATCH", ada.as_str(), json!({ "roles": ["admin"] })),
        ("PUT", "/api/v1/admin/roles/packer", json!({ "permissions": ["*"] })),
        ("POST", "/api/v1/admin/sessions/revoke-all", json!({})),
    ] {
        thief.json(method, path, body).await.problem(401, "session_revoked");
    }
    assert_eq!(owner.get(&ada).await.json()["roles"], json!(["user"]));
}

/// What was proved before everybody was signed out, but became a session later, as behind a long queue of hashes.
#[tokio::test]
async fn a_sign_in_in_flight_does_not_survive_the_sign_out_of_everybody() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut root, _) = t.admin("root@example.com").await;
    t.browser("ada@example.com").await;
    let mut waiting = t.anonymous();
    let page = waiting.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 403);
    let page = page.page();
    let form = page.form("/login/room");
    let (token, id) = (form.field("waiting"), form.field("id"));
    t.clock.advance(MINUTE);
    assert_eq!(root.post("/api/v1/admin/sessions/revoke-all", json!({})).await.status, 200);
    t.clock.advance(MINUTE);
    let refused = waiting.form("/login/room", &[("waiting", &token), ("id", &id)]).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(t.live_sessions("ada@example.com").await, 0);
    t.sign_in_browser("ada@example.com").await; // whoever proves it anew is in
}

#[tokio::test]
async fn what_was_forgotten_in_a_wrong_future_stays_ended_when_the_clock_is_set_back() {
    let t = TestApp::with_jwts(&[]).await;
    let (mut api, _) = t.api("ada@example.com").await;
    api.clone().delete("/api/v1/tokens").await;
    t.clock.advance(2 * HOUR);
    t.app.core.run_housekeeping().await.expect("a sweep");
    t.clock.advance(-2 * HOUR);
    // At once, before anything is polled.
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
}

#[tokio::test]
async fn ends_are_remembered_for_tokens_that_were_made_before_the_setting_was_shortened() {
    let t = TestApp::with(&[("SEKISHO_ACCESS_TTL", "6h")]).await;
    t.app.core.run_housekeeping().await.expect("a sweep");
    let (mut api, _) = t.api("ada@example.com").await;
    api.delete("/api/v1/tokens").await;
    let t = t.restart_without("SEKISHO_ACCESS_TTL").await;
    t.clock.advance(5 * HOUR);
    t.app.core.run_housekeeping().await.expect("a sweep");
    let feed = t.anonymous().get("/api/v1/revocations").await.json();
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(1), "other services go by the token's own end");
    assert!(feed["retain_for"].as_i64().is_some_and(|seconds| seconds >= 6 * 3_600), "{feed}");
    t.clock.advance(2 * HOUR);
    t.app.core.run_housekeeping().await.expect("a sweep");
    let feed = t.anonymous().get("/api/v1/revocations").await.json();
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(0));
}

/// A deadline that was read before the last activity moved it.
#[tokio::test]
async fn a_session_is_expired_only_by_the_deadline_in_its_row() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let id = browser.session_id().await.parse().expect("an id");
    let stale = t.app.core.sessions.find(&id).await.expect("a look").expect("a row");
    t.clock.advance(59 * MINUTE);
    assert_eq!(browser.send("POST", "/session/activity", None, Body::empty()).await.status, 200);
    t.clock.advance(2 * MINUTE);
    assert!(stale.end_reason(t.clock.now()).is_some(), "by what was read");
    t.app.core.run_housekeeping().await.expect("a pass");
    let row = t.app.core.sessions.find(&id).await.expect("a look").expect("a row");
    assert!(row.ended_at.is_none(), "by the row it lives");
    assert_eq!(browser.get("/devices").await.status, 200);
}

/// The attack: the intruder's own session, or another on the same new device, says that it has seen the warning.
#[tokio::test]
async fn an_intruder_does_not_dismiss_the_notice_about_himself() {
    let t = TestApp::new().await;
    let mut owner = t.browser("ada@example.com").await;
    let sign_in = async || {
        let mut intruder = t.anonymous();
        intruder.ip = [203, 0, 113, 9].into();
        let credentials = [("email", "ada@example.com"), ("password", PASSWORD)];
        assert_eq!(intruder.form("/login", &credentials).await.status, 303);
        intruder
    };
    let until = i64::MAX.to_string();
    for mut intruder in [sign_in().await, sign_in().await] {
        assert!(intruder.get("/security").await.text().contains("This device is too new"));
        assert_eq!(intruder.form("/security/seen", &[("until", &until)]).await.status, 403);
        t.clock.advance(MINUTE);
    }
    assert!(owner.get("/security").await.text().contains("203.0.113.9"));
    assert!(owner.get("/").await.text().contains("New security notice"));
    // A changed password: its own session can't hide it either.
    let mut elsewhere = t.sign_in_browser("ada@example.com").await;
    let change = [("current_password", PASSWORD), ("new_password", "another four words here")];
    assert_eq!(elsewhere.form("/account/password", &change).await.status, 303);
    assert_eq!(elsewhere.form("/security/seen", &[("until", &until)]).await.status, 303);
    let page = elsewhere.get("/security").await.text();
    assert!(page.contains("Please review") && page.contains("dismissed from another device"), "{page}");
}
