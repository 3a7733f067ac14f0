//! A person's copy of what is stored about them: everything, no secret, nothing of anybody else.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use http_body_util::BodyExt;
use sekisho_core::{Actor, administration::AccessChange};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use tower::ServiceExt;

use crate::{
    account_traces::columns,
    email_recovery::link_github,
    harness::{MINUTE, PASSWORD, TestApp, context},
};

const EMAIL: &str = "ada@example.com";

async fn execute(t: &TestApp, statement: &'static str, user_id: &str) {
    sqlx::query(statement).bind(user_id.to_owned()).execute(t.db.writer()).await.expect("executed");
}

#[tokio::test]
async fn a_copy_has_everything_about_the_person_and_asks_for_step_up() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified(EMAIL).await;
    let mut browser = t.sign_in_browser(EMAIL).await;
    let (mut ended, _) = t.sign_in_api(EMAIL).await;
    assert_eq!(ended.delete("/api/v1/tokens").await.status, 204);
    browser.form("/account", &[("name", "Ada \"L\""), ("about", "Analyst"), ("locale", "ja")]).await;
    link_github(&t, &t.user_id(EMAIL).await, "4711").await;
    let user_id = t.user_id(EMAIL).await;
    let roles = ["admin".to_owned()];
    let mut root = context(Some(Actor::CommandLine));
    root.ip = [198, 51, 100, 77].into();
    let change = AccessChange::roles(&roles);
    t.app.core.administration.change_access(&user_id, change, Some(&root)).await.expect("a role");
    browser.form("/account/email", &[("email", "next@example.com")]).await;

    t.clock.advance(11 * MINUTE);
    assert!(browser.get("/account/data").await.text().contains("データをダウンロード"));
    let asked = browser.form("/account/data/export", &[]).await;
    assert!(asked.status == 403 && asked.page().has("form[action='/account/data/export']"));
    let answer = browser.form("/account/data/export", &[("step_up_password", PASSWORD)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"sekisho-data.json\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let data = answer.json();
    let account = &data["account"];
    let profile = ["email", "name", "about", "locale"].map(|field| account[field].as_str().expect("text"));
    assert_eq!(profile, [EMAIL, "Ada \"L\"", "Analyst", "ja"]);
    assert!(account["created_at"].as_str().is_some_and(|at| at.ends_with('Z')) && account["delete_at"].is_null());
    assert_eq!(data["roles"], json!(["user", "admin"]));
    let methods = &data["sign_in_methods"];
    assert!(methods["password"]["password_changed_at"].is_string());
    assert_eq!(
        (&methods["identities"][0]["login"], &methods["identities"][0]["subject"]),
        (&json!("octocat"), &json!("4711"))
    );
    let has = |list: &str, member: &str, value: &str| {
        data[list].as_array().expect("a list").iter().any(|item| item[member] == value)
    };
    assert!(has("links_in_messages", "email", "next@example.com"));
    assert!(has("messages", "kind", "confirm_email"));
    let sessions = data["sessions"].as_array().expect("sessions");
    let reasons: Vec<_> = sessions.iter().map(|session| session["ended_reason"].as_str()).collect();
    assert_eq!(reasons, [Some("signed_out"), None], "live and ended");
    assert_eq!(sessions[1]["ip"], "127.0.0.1");
    let events = data["security_events"].as_array().expect("events");
    assert_eq!(events[0]["kind"], "data_exported");
    let kinds: Vec<_> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(["registered", "sign_in", "session_ended", "step_up"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let changed = events.iter().find(|event| event["kind"] == "roles_changed").expect("an entry");
    assert!(changed["by_administrator"] == true && changed["ip"].is_null());
    assert!(!answer.text().contains("198.51.100.77"), "nothing about who did it");
    assert!(browser.get("/security").await.text().contains("データのエクスポート"));
}

#[tokio::test]
async fn the_api_asks_for_step_up_and_both_scopes() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api(EMAIL).await;
    let answer = api.get("/api/v1/me/export").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["account"]["email"]), (200, &json!(EMAIL)));
    t.clock.advance(11 * MINUTE);
    api.get("/api/v1/me/export").await.problem(401, "step_up_required");
    api.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await;
    assert_eq!(api.get("/api/v1/me/export").await.status, 200);
    for scope in ["account", "sessions account:read", "admin"] {
        let body = json!({ "email": EMAIL, "password": PASSWORD, "scope": scope });
        let tokens = t.anonymous().post("/api/v1/tokens", body).await.json();
        let mut narrow = t.anonymous();
        narrow.bearer = tokens["access_token"].as_str().map(Into::into);
        narrow.get("/api/v1/me/export").await.problem(403, "insufficient_scope");
    }
    t.anonymous().get("/api/v1/me/export").await.problem(401, "unauthenticated");
    assert_eq!(t.anonymous().form("/account/data/export", &[]).await.status, 303);
}

/// Every secret in the schema, by the names of its columns: a column that is added later is looked at as well.
#[tokio::test]
async fn no_secret_and_nothing_of_anybody_else_is_in_it() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified(EMAIL).await;
    t.create_verified("eve@example.com").await;
    let mut browser = t.sign_in_browser(EMAIL).await;
    let (_, tokens) = t.sign_in_api(EMAIL).await;
    let mut eve = t.anonymous();
    eve.ip = [203, 0, 113, 66].into();
    eve.headers.push(("user-agent", "eves-browser/1".into()));
    eve.form("/login", &[("email", "eve@example.com"), ("password", PASSWORD)]).await.location();
    eve.form("/account", &[("name", "Eve Other"), ("about", ""), ("locale", "")]).await.location();
    browser.form("/account/email", &[("email", "next@example.com")]).await;
    let user_id = t.user_id(EMAIL).await;
    for statement in [
        "update sessions set second_factor = 'totp' where user_id = $1",
        "update sessions set data = '{\"x\":\"canary-data\"}' where user_id = $1",
        "insert into totp (user_id, secret, created_at, last_step) values ($1, 'canary-totp', 1, 7777777)",
        "insert into recovery_codes (user_id, hash, created_at) values ($1, 'canary-recovery', 1)",
        "insert into trusted_browsers (hash, user_id, device, ip, created_at, expires_at) \
         values ('canary-trusted', $1, 'Firefox', '192.0.2.1', 1, 9999999999999)",
        "insert into passkeys (id, user_id, name, credential, backed_up, created_at) \
         values ('canary-passkey', $1, 'my key', 'canary-credential', 0, 1)",
        "update mails set dedup_key = 'canary-dedup' || id, error = null where user_id = $1",
        "update email_tokens set detail = 'canary-detail' where user_id = $1",
    ] {
        execute(&t, statement, user_id.as_str()).await;
    }
    let text = browser.form("/account/data/export", &[]).await.text();
    let data: Value = serde_json::from_str(&text).expect("JSON");
    let methods = &data["sign_in_methods"];
    for (kind, n) in [("authenticator_apps", 1), ("recovery_codes", 1), ("trusted_browsers", 1), ("passkeys", 1)] {
        assert_eq!(methods[kind].as_array().map(Vec::len), Some(n), "{kind}");
    }
    assert_eq!(
        (&methods["passkeys"][0]["name"], &methods["trusted_browsers"][0]["ip"]),
        (&json!("my key"), &json!("192.0.2.1"))
    );

    assert!(!text.contains("canary") && !text.contains("7777777"), "{text}");
    let secret = ["hash", "secret", "sealed", "salt", "credential", "private", "payload", "seal", "dedup"];
    let mut looked_at = 0;
    for (table, column) in columns(&t).await {
        if secret.iter().any(|word| column.contains(word)) {
            let query = format!("select distinct cast({column} as text) as v from {table} where {column} is not null");
            for row in sqlx::query(AssertSqlSafe(query)).fetch_all(t.db.reader()).await.expect("read") {
                let value: String = row.get("v");
                looked_at += usize::from(value.len() > 8);
                assert!(value.is_empty() || !text.contains(&value), "{table}.{column}: {value}");
            }
        }
    }
    assert!(looked_at > 15, "{looked_at}");
    for token in ["access_token", "refresh_token"] {
        assert!(!text.contains(tokens[token].as_str().expect("a token")));
    }
    let eves_id = t.user_id("eve@example.com").await;
    for other in ["eve@", "Eve Other", "203.0.113.66", "eves-browser", eves_id.as_str()] {
        assert!(!text.contains(other), "{other} in {text}");
    }
    // Eve's is hers, though she asks with Ada's id.
    let theirs = eve.form("/account/data/export", &[("id", user_id.as_str()), ("user_id", user_id.as_str())]).await;
    assert!(theirs.text().contains("eve@example.com") && !theirs.text().contains(EMAIL));
}

#[tokio::test]
async fn a_hundred_thousand_events_are_streamed_a_page_at_a_time() {
    let t = TestApp::new().await;
    let (api, _) = t.api(EMAIL).await;
    let many = "insert into events (seq, id, at, user_id, kind, outcome, ip, network, user_agent, hash) \
                with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) \
                select 1000000 + i, 'event-' || i, i, $1, 'sign_in', 'success', '192.0.2.1', '192.0.2.0/24', 'x', '' from n";
    execute(&t, many, t.user_id(EMAIL).await.as_str()).await;
    let token = format!("Bearer {}", api.bearer.expect("a token"));
    let request =
        Request::get("/api/v1/me/export").header(header::AUTHORIZATION, token).header(header::HOST, "127.0.0.1:3000");
    let mut request = request.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
    let answer = sekisho::router::router(t.app.clone()).oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let (mut body, mut whole, mut largest) = (answer.into_body(), Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.expect("a frame").into_data().expect("data");
        largest = largest.max(data.len());
        whole.extend_from_slice(&data);
    }
    assert!(largest < 1_000_000 && whole.len() > 20_000_000, "{largest} of {}", whole.len());
    let data: Value = serde_json::from_slice(&whole).expect("JSON");
    let events = data["security_events"].as_array().expect("events");
    let ids: std::collections::HashSet<_> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!((ids.len(), ids.iter().filter(|id| id.starts_with("event-")).count()), (events.len(), 100_000));
}
