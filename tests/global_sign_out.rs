//! Administrators end sessions: one, a disabled account's, everybody's.

use serde_json::json;

use crate::harness::{Client, MINUTE, PASSWORD, TestApp};

#[tokio::test]
async fn an_administrator_ends_sessions_and_everything_of_them_is_dead_with_the_reason() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    events.next().await;
    let ada = t.user_id("ada@example.com").await;

    let list = admin.get(&format!("/api/v1/admin/users/{ada}/sessions")).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    let id = tokens["session_id"].as_str().expect("an id");
    assert_eq!(admin.delete(&format!("/api/v1/admin/sessions/{id}")).await.status, 204);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = t.anonymous().post("/api/v1/tokens/refresh", refresh).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    admin.delete(&format!("/api/v1/admin/sessions/{id}")).await.problem(404, "not_found");

    let all = admin.post(&format!("/api/v1/admin/users/{ada}/revoke-sessions"), json!({})).await;
    assert_eq!(all.json(), json!({ "revoked": 1 }));
    assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_admin" }))));
    assert_eq!(browser.get("/devices").await.status, 303);
    assert!(browser.get("/login").await.text().contains("An administrator signed you out."));

    // Each end is in the person's log, with who did it in the administrator's.
    let log = admin.get(&format!("/api/v1/admin/events?person={ada}&kind=session_ended")).await.json();
    let items = log["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2);
    let root = t.user_id("root@example.com").await;
    for item in items {
        assert_eq!(
            (item["reason"].as_str(), item["actor_id"].as_str()),
            (Some("revoked_by_admin"), Some(root.as_str()))
        );
    }
}

#[tokio::test]
async fn everybody_is_signed_out_but_the_one_who_asks() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut ada, _) = t.api("ada@example.com").await;
    let mut bob = t.browser("bob@example.com").await;
    assert_eq!(admin.post("/api/v1/admin/sessions/revoke-all", json!({})).await.json(), json!({ "revoked": 2 }));
    assert_eq!(ada.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    assert_eq!(bob.get("/devices").await.status, 303);
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
    let mut page = t.sign_in_browser("root@example.com").await;
    assert_eq!(page.form("/admin/sessions/end-all", &[]).await.status, 422, "the box is to be ticked");
    let log = admin.get("/api/v1/admin/events?kind=everybody_ended").await.json();
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn everybody_is_out_before_the_database_has_written_it_all_and_after_a_crash_too() {
    let t = TestApp::new().await;
    let (mut admin, tokens) = t.admin("root@example.com").await;
    let (ada, ada_tokens) = t.api("ada@example.com").await;
    let browser = t.sign_in_browser("ada@example.com").await;
    // What is left of a process that was killed right after it recorded the act.
    let keep = tokens["session_id"].as_str().expect("an id").to_owned();
    let at = t.clock.now();
    sqlx::query("insert into sign_outs (id, at, keep) values ($1, $2, $3)")
        .bind(t.clock.new_id())
        .bind(at)
        .bind(&keep)
        .execute(t.db.writer())
        .await
        .expect("a row");
    t.clock.advance(1_000);
    let (mut later, _) = t.sign_in_api("ada@example.com").await;

    let restarted = t.second_node().await;
    t.app.core.follow(None).await.expect("a look");
    let refresh = json!({ "refresh_token": ada_tokens["refresh_token"] });
    for node in [&t, &restarted] {
        let refused = ada.at(node).get("/api/v1/me").await;
        assert_eq!(refused.problem(401, "session_revoked")["reason"], "revoked_by_admin");
        assert_eq!(browser.at(node).get("/devices").await.status, 303);
        node.anonymous().post("/api/v1/tokens/refresh", refresh.clone()).await.problem(401, "session_revoked");
    }
    let live = async |client: &mut Client| {
        let sessions = client.get("/api/v1/admin/sessions").await.json();
        sessions["items"].as_array().map(Vec::len)
    };
    assert_eq!(live(&mut admin).await, Some(4), "no row says so yet");
    restarted.app.core.run_housekeeping().await.expect("a sweep");
    assert_eq!(live(&mut admin).await, Some(2));
    assert_eq!(later.get("/api/v1/me").await.status, 200, "signed in since");
    // One that began before, and was committed after: it is looked for a while longer.
    sqlx::query("update sessions set created_at = $1 where ended_at is null and id <> $2")
        .bind(at)
        .bind(&keep)
        .execute(t.db.writer())
        .await
        .expect("an update");
    t.clock.advance(MINUTE);
    restarted.app.core.run_housekeeping().await.expect("a sweep");
    assert_eq!(live(&mut admin).await, Some(1));
    t.clock.advance(15 * MINUTE);
    restarted.app.core.run_housekeeping().await.expect("a sweep");
    let left: i64 =
        sqlx::query_scalar("select count(*) from sign_outs").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_disabled_account_is_out_everywhere_and_gets_in_by_no_way() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let path = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    let disabled = admin.json("PATCH", &path, json!({ "disabled": true })).await;
    assert!(disabled.json()["disabled_at"].is_string());

    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "account_disabled");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = t.anonymous().post("/api/v1/tokens/refresh", refresh).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "account_disabled");
    assert_eq!(browser.get("/account").await.status, 303);
    assert!(browser.get("/login").await.text().contains("Your account has been disabled"));
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(403, "account_disabled");
    t.anonymous().post("/session/sign-in", credentials.clone()).await.problem(403, "account_disabled");
    let form = t.anonymous().form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(form.status, 403);
    // Only whoever knows the password learns of it.
    let guess = json!({ "email": "ada@example.com", "password": "wrong" });
    t.anonymous().post("/api/v1/tokens", guess).await.problem(401, "invalid_credentials");

    let enabled = admin.json("PATCH", &path, json!({ "disabled": false })).await;
    assert!(enabled.json()["disabled_at"].is_null());
    assert_eq!(t.anonymous().post("/api/v1/tokens", credentials).await.status, 200);
    api.get("/api/v1/me").await.problem(401, "session_revoked");
}
