//! Revocation: an ended session is dead on every node, whatever the clock and the database do.

use serde_json::json;

use crate::harness::{HOUR, MINUTE, TestApp};

#[tokio::test]
async fn an_end_made_by_another_process_counts_here_as_soon_as_it_is_looked_for() {
    let t = TestApp::new().await;
    let other = t.second_node().await;
    let (mut here, tokens) = t.api("ada@example.com").await;
    let mut there = other.anonymous();
    there.bearer = tokens["access_token"].as_str().map(Into::into);
    let mut browser = other.sign_in_browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    events.next().await;
    assert_eq!(there.get("/api/v1/me").await.status, 200);

    let since = other.app.core.follow(None).await.expect("a look");
    here.post("/api/v1/sessions/revoke-others", json!({})).await;
    here.delete("/api/v1/tokens").await;
    other.app.core.follow(Some(since)).await.expect("a look");
    assert_eq!(there.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
    assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_user" }))));
    let feed = there.get("/api/v1/revocations").await.json();
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn ends_are_kept_in_memory_only_while_a_token_could_contradict_them() {
    let t = TestApp::new().await;
    for _ in 0..3 {
        t.register_once("ada@example.com").await;
        let (mut api, _) = t.sign_in_api("ada@example.com").await;
        api.delete("/api/v1/tokens").await;
    }
    assert_eq!(t.app.core.revocations.list.len(), 3);
    t.clock.advance(15 * MINUTE);
    t.app.core.run_housekeeping().await.expect("a sweep");
    assert_eq!(t.app.core.revocations.list.len(), 3, "the leeway has not passed yet");
    t.clock.advance(2 * MINUTE);
    t.app.core.run_housekeeping().await.expect("a sweep");
    assert!(t.app.core.revocations.list.is_empty());
}

#[tokio::test]
async fn nobody_ended_is_let_in_when_the_database_is_gone() {
    let t = TestApp::with_jwts(&[]).await;
    let (mut ended, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    ended.delete("/api/v1/tokens").await;
    t.app.core.close().await;
    ended.get("/api/v1/me").await.problem(401, "session_revoked");
    let page = browser.get("/devices").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert!(page.text().contains("The server is busy at the moment") && !page.text().contains("sqlx"));
    browser.get("/session/events").await.problem(503, "busy");
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 503);
    assert_eq!(browser.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn an_end_that_the_database_refuses_is_said_to_have_failed_and_can_be_done_again() {
    let t = TestApp::new().await;
    let (mut ada, _) = t.api("ada@example.com").await;
    let (mut other, _) = t.sign_in_api("ada@example.com").await;
    let mut tx = t.db.begin().await.expect("a transaction");
    sqlx::query("update chain set seal = seal").execute(&mut *tx).await.expect("a lock");
    let refused = ada.post("/api/v1/sessions/revoke-others", json!({})).await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(other.get("/api/v1/me").await.status, 200, "nothing has ended");
    tx.rollback().await.expect("unlocked");
    assert_eq!(ada.post("/api/v1/sessions/revoke-others", json!({})).await.json(), json!({ "revoked": 1 }));
    other.get("/api/v1/me").await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_clock_that_jumps_lets_nobody_back_in() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    api.post("/api/v1/sessions/revoke-others", json!({})).await;
    for jump in [-24 * HOUR, 24 * HOUR, 25 * HOUR] {
        t.clock.advance(jump);
        t.app.core.run_housekeeping().await.expect("a sweep");
        assert_eq!(browser.get("/devices").await.status, 303);
    }
    api.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn an_end_that_was_forgotten_counts_again_when_the_clock_is_set_back() {
    let t = TestApp::with_jwts(&[]).await;
    let (mut api, _) = t.api("ada@example.com").await;
    let since = t.app.core.follow(None).await.expect("a look");
    api.delete("/api/v1/tokens").await;
    t.clock.advance(HOUR);
    let later = t.app.core.follow(Some(since)).await.expect("a look");
    t.app.core.run_housekeeping().await.expect("a sweep");
    assert!(t.app.core.revocations.list.is_empty());
    t.clock.advance(-HOUR);
    t.app.core.follow(Some(later)).await.expect("a look");
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
}

// The revocation feed

#[tokio::test]
async fn other_services_can_follow_what_ends() {
    let t = TestApp::new().await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let (mut bob, _) = t.api("bob@example.com").await;
    let mut service = t.anonymous();
    let empty = service.get("/api/v1/revocations").await;
    assert_eq!(empty.header("cache-control"), "no-cache");
    let tag = empty.header("etag").to_owned();
    let empty = empty.json();
    assert_eq!((empty["items"].as_array().map(Vec::len), empty["retain_for"].as_i64()), (Some(0), Some(960)));
    service.headers.push(("if-none-match", tag));
    assert_eq!(service.get("/api/v1/revocations").await.status, 304);

    ada.delete("/api/v1/tokens").await;
    let first = service.get("/api/v1/revocations").await.json();
    assert_eq!(first["items"][0]["sid"], tokens["session_id"]);
    assert_eq!(first["items"][0]["reason"], "signed_out");
    assert!(first["items"][0]["ended_at"].as_str().is_some_and(|at| at.ends_with('Z')));

    bob.delete("/api/v1/tokens").await;
    let since = first["next_cursor"].as_str().expect("a cursor");
    let second = service.get(&format!("/api/v1/revocations?since={since}")).await.json();
    assert_eq!(second["items"].as_array().map(Vec::len), Some(1), "only what is new");
    let unknown = service.get("/api/v1/revocations?since=junk").await.json();
    assert_eq!(unknown["items"].as_array().map(Vec::len), Some(2), "everything");

    // Right after a restart the list is the same, and an old cursor gets all of it.
    let t = t.restart().await;
    let after = t.anonymous().get(&format!("/api/v1/revocations?since={since}")).await.json();
    assert_eq!(after["items"].as_array().map(Vec::len), Some(2));
}

/// A process of a newer version may end a session for a reason that this one does not know.
#[tokio::test]
async fn a_revocation_with_an_unknown_reason_counts_and_hides_no_other() {
    let t = TestApp::with_jwts(&[]).await;
    let (mut ada, _) = t.api("ada@example.com").await;
    let (mut bob, _) = t.api("bob@example.com").await;
    let ended = "update sessions set ended_at = $1, ended_reason = $2 where user_id = $3";
    for (email, reason) in [("ada@example.com", "quantum_entanglement"), ("bob@example.com", "password_changed")] {
        let end = sqlx::query(ended).bind(t.clock.now()).bind(reason).bind(t.user_id(email).await.to_string());
        end.execute(t.db.writer()).await.expect("an update");
    }
    t.app.core.follow(None).await.expect("a look");
    ada.get("/api/v1/me").await.problem(401, "session_revoked");
    assert_eq!(bob.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "password_changed");
    t.restart().await;
}
