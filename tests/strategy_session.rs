//! `SEKISHO_STRATEGY=session`: opaque access tokens, which are looked up; and what becomes of tokens at a switch.

use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::{Client, MINUTE, PASSWORD, TestApp};

const SESSION: (&str, &str) = ("SEKISHO_STRATEGY", "session");
const HYBRID: (&str, &str) = ("SEKISHO_STRATEGY", "hybrid");

fn with(t: &TestApp, tokens: &Value) -> Client {
    let mut client = t.anonymous();
    client.bearer = tokens["access_token"].as_str().map(Into::into);
    client
}

async fn count(t: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from access_tokens").fetch_one(t.db.reader()).await.expect("a count")
}

#[tokio::test]
async fn access_tokens_are_opaque_and_stored_as_a_hash() {
    let t = TestApp::with(&[SESSION]).await;
    let (mut client, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let page = browser.send("POST", "/session/token", None, Body::empty()).await.json();
    let refreshed = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = t.anonymous().post("/api/v1/tokens/refresh", refreshed).await.json();
    for tokens in [&tokens, &page, &refreshed] {
        let token = tokens["access_token"].as_str().expect("a token");
        assert!(token.starts_with("sk_at_") && token.len() < 64, "{token}");
        assert_eq!(tokens["expires_in"], 900);
        assert_eq!(with(&t, tokens).get("/api/v1/me").await.json()["email"], "ada@example.com");
        let plain: i64 = sqlx::query_scalar("select count(*) from access_tokens where hash = $1 or jti = $1")
            .bind(token.to_owned())
            .fetch_one(t.db.reader())
            .await
            .expect("a count");
        assert_eq!(plain, 0);
    }
    client.bearer = client.bearer.map(|token| token.replace("sk_at_", "sk_rt_"));
    client.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn an_end_counts_at_once_on_every_node_without_a_poll() {
    let t = TestApp::with(&[SESSION]).await;
    let other = t.second_node().await;
    let (client, _) = t.api("ada@example.com").await;
    let mut there = client.at(&other);
    assert_eq!(there.get("/api/v1/me").await.status, 200);
    assert_eq!(client.clone().delete("/api/v1/tokens").await.status, 204);
    assert_eq!(there.get("/api/v1/sessions").await.problem(401, "session_revoked")["reason"], "signed_out");
    // An absolute timeout, too, has its reason, and the row says so.
    let (mut client, _) = t.sign_in_api("ada@example.com").await;
    t.clock.advance(15 * MINUTE);
    client.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_token_made_under_one_strategy_lives_on_under_the_other_and_ends_with_its_session() {
    let t = TestApp::with(&[HYBRID]).await;
    let mut browser = t.browser("ada@example.com").await;
    let jwt = t.sign_in_api("ada@example.com").await.1;
    let t = t.restart_with(&[SESSION]).await;
    let opaque = t.sign_in_api("ada@example.com").await.1;
    assert!(!jwt["access_token"].as_str().expect("a token").starts_with("sk_at_"));
    assert!(opaque["access_token"].as_str().expect("a token").starts_with("sk_at_"));
    for (settings, changes) in [(SESSION, "opaque"), (HYBRID, "JWT"), (SESSION, "opaque again")] {
        let t = t.second_node_with(&[settings]).await;
        for tokens in [&jwt, &opaque] {
            assert_eq!(with(&t, tokens).get("/api/v1/me").await.status, 200, "{changes}");
        }
        assert_eq!(browser.at(&t).get("/devices").await.status, 200, "{changes}");
    }
    let hybrid = t.second_node_with(&[HYBRID]).await;
    let session = t.second_node_with(&[SESSION]).await;
    let refresh = json!({ "refresh_token": jwt["refresh_token"] });
    let refreshed = session.anonymous().post("/api/v1/tokens/refresh", refresh).await.json();
    assert!(refreshed["access_token"].as_str().expect("a token").starts_with("sk_at_"));

    // Both end at once: the opaque one wherever it is looked up; under `session` the JWT is looked up as well.
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 303);
    for tokens in [&jwt, &opaque, &refreshed] {
        let ended = with(&session, tokens).get("/api/v1/me").await;
        assert_eq!(ended.problem(401, "session_revoked")["reason"], "revoked_by_user");
    }
    let ended = with(&hybrid, &opaque).get("/api/v1/me").await;
    assert_eq!(ended.problem(401, "session_revoked")["reason"], "revoked_by_user");
}

#[tokio::test]
async fn without_the_database_everything_is_refused_with_a_time_to_retry() {
    let t = TestApp::with(&[HYBRID]).await;
    let (jwt, _) = t.api("ada@example.com").await;
    let session = t.second_node_with(&[SESSION]).await;
    let (opaque, _) = session.sign_in_api("ada@example.com").await;
    let mut browser = session.sign_in_browser("ada@example.com").await;
    assert_eq!(opaque.clone().get("/api/v1/me").await.status, 200);
    session.app.core.close().await;
    for mut client in [opaque, jwt.at(&session)] {
        let refused = client.get("/api/v1/me").await;
        refused.problem(503, "busy");
        assert_eq!(refused.header("retry-after"), "2");
    }
    let page = browser.get("/devices").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
}

#[tokio::test]
async fn expired_tokens_are_removed_and_one_session_has_no_more_than_a_hundred() {
    let t = TestApp::with(&[SESSION]).await;
    let mut browser = t.browser("ada@example.com").await;
    let token = async |browser: &mut Client| browser.send("POST", "/session/token", None, Body::empty()).await.json();
    let first = token(&mut browser).await;
    t.clock.advance(1_000);
    for _ in 0..100 {
        token(&mut browser).await;
    }
    assert_eq!(count(&t).await, 100);
    with(&t, &first).get("/api/v1/me").await.problem(401, "invalid_token");
    t.clock.advance(16 * MINUTE);
    t.app.core.run_housekeeping().await.expect("housekeeping");
    assert_eq!(count(&t).await, 0);
}

#[tokio::test]
async fn a_disabled_account_and_a_changed_role_count_at_once() {
    let t = TestApp::with(&[SESSION]).await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut ada, _) = t.api("ada@example.com").await;
    ada.get("/api/v1/admin/users").await.problem(403, "forbidden");
    let path = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    assert_eq!(root.json("PATCH", &path, json!({ "roles": ["admin"] })).await.status, 200);
    assert_eq!(ada.get("/api/v1/admin/users").await.status, 200);
    assert_eq!(root.json("PATCH", &path, json!({ "disabled": true })).await.status, 200);
    assert_eq!(ada.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "account_disabled");
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    t.anonymous().post("/api/v1/tokens", credentials).await.problem(403, "account_disabled");
}
