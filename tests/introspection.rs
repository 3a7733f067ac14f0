//! Token introspection (RFC 7662): active for a live access token made for the service that asks, else nothing.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{Answer, MINUTE, PASSWORD, TestApp};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SHOP: &str = "https://shop.example/api";

async fn start(strategy: &str) -> TestApp {
    let audiences = ("SEKISHO_AUDIENCES", "orders,https://shop.example/api");
    TestApp::with(&[audiences, ("SEKISHO_SERVICE_SECRET", SECRET), ("SEKISHO_STRATEGY", strategy)]).await
}

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

async fn ask(t: &TestApp, credentials: &str, token: &Value) -> Answer {
    let mut service = t.anonymous();
    service.headers.push(("authorization", credentials.to_owned()));
    service.form("/oauth/introspect", &[("token", token.as_str().expect("a token"))]).await
}

/// The answer to a service that shows the secret as a bearer token.
async fn introspect(t: &TestApp, token: &Value) -> Value {
    let answer = ask(t, &format!("Bearer {SECRET}"), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

async fn sign_in(t: &TestApp, email: &str, audience: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD, "audience": audience, "scope": "account:read" });
    t.anonymous().post("/api/v1/tokens", body).await.json()
}

#[tokio::test]
async fn a_live_token_is_active_with_its_claims_whichever_kind_it_is() {
    for strategy in ["hybrid", "session"] {
        let t = start(strategy).await;
        t.register("ada@example.com").await;
        let tokens = sign_in(&t, "ada@example.com", "orders").await;
        let told = introspect(&t, &tokens["access_token"]).await;
        assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("Bearer")), "{strategy}");
        assert_eq!(told["sub"].as_str(), Some(t.user_id("ada@example.com").await.as_str()));
        assert_eq!((&told["sid"], &told["aud"]), (&tokens["session_id"], &json!("orders")));
        assert_eq!((&told["scope"], &told["client_id"]), (&json!("account:read"), &json!("api")));
        assert_eq!(told["iss"], "http://127.0.0.1:3000");
        assert_eq!(told["exp"].as_i64().zip(told["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(15 * 60));
        assert_eq!(told["roles"], json!(["user"]));
        // A role counts at once, whatever the token says.
        let (id, roles) = (t.user_id("ada@example.com").await, ["admin".to_owned()]);
        let change = sekisho_core::administration::AccessChange::roles(&roles);
        t.app.core.administration.change_access(&id, change, None).await.expect("a role");
        assert_eq!(introspect(&t, &tokens["access_token"]).await["roles"], json!(["user", "admin"]));
    }
}

#[tokio::test]
async fn nothing_is_told_of_any_other_token() {
    for strategy in ["hybrid", "session"] {
        let t = start(strategy).await;
        let mut browser = t.browser("ada@example.com").await;
        let own = t.sign_in_api("ada@example.com").await.1;
        let orders = sign_in(&t, "ada@example.com", "orders").await;
        let page = browser.send("POST", "/session/token", None, Body::empty()).await.json();
        let good = orders["access_token"].as_str().expect("a token").to_owned();
        for token in [
            own["access_token"].clone(), // for Sekisho's own API
            page["access_token"].clone(),
            own["refresh_token"].clone(),
            orders["refresh_token"].clone(),
            json!(browser.cookies.values().next()),
            json!(""),
            json!("junk"),
            json!("sk_at_"),
            json!(format!("sk_at_{}", "A".repeat(43))),
            json!(format!("sk_at_{}", "A".repeat(50_000))),
            json!(good[..good.len() - 1]),
            json!(format!(" {good}")),
        ] {
            assert_eq!(introspect(&t, &token).await, json!({ "active": false }), "{strategy}: {token}");
        }
        for name in ["orders", "https%3A%2F%2Fshop.example%2Fapi"] {
            let told = ask(&t, &basic(name, SECRET), &orders["access_token"]).await.json();
            assert_eq!(told["active"], name == "orders", "{strategy}: {name}");
        }
        let shop = sign_in(&t, "ada@example.com", SHOP).await;
        assert_eq!(ask(&t, &basic("orders", SECRET), &shop["access_token"]).await.json(), json!({ "active": false }));
        // An audience that is configured no more.
        let t = t.restart_with(&[("SEKISHO_AUDIENCES", SHOP)]).await;
        assert_eq!(introspect(&t, &orders["access_token"]).await, json!({ "active": false }));
        assert_eq!(introspect(&t, &shop["access_token"]).await["active"], true);
    }
}

#[tokio::test]
async fn no_token_is_active_after_an_end_on_any_node() {
    for strategy in ["hybrid", "session"] {
        let t = start(strategy).await;
        let other = t.second_node().await;
        t.register("ada@example.com").await;
        let active = async |tokens: &Value| {
            let mut told = Vec::new();
            for node in [&t, &other] {
                told.push(introspect(node, &tokens["access_token"]).await["active"] == true);
            }
            assert_eq!(told[0], told[1], "nodes agree without a poll");
            told[0]
        };
        let own = async || t.sign_in_api("ada@example.com").await.0;

        let tokens = sign_in(&t, "ada@example.com", "orders").await;
        assert!(active(&tokens).await);
        own().await.delete(&format!("/api/v1/sessions/{}", tokens["session_id"].as_str().expect("an id"))).await;
        assert!(!active(&tokens).await, "revoked");

        let tokens = sign_in(&t, "ada@example.com", "orders").await;
        t.clock.advance(15 * MINUTE - 1_000);
        assert!(active(&tokens).await);
        t.clock.advance(1_000);
        assert!(!active(&tokens).await, "expired, without a leeway");

        let tokens = sign_in(&t, "ada@example.com", "orders").await;
        let change = json!({ "current_password": PASSWORD, "new_password": "another good passphrase" });
        assert_eq!(own().await.json("PUT", "/api/v1/me/password", change).await.status, 204);
        assert!(!active(&tokens).await, "password changed");

        let body = json!({ "email": "ada@example.com", "password": "another good passphrase", "audience": "orders" });
        let tokens = t.anonymous().post("/api/v1/tokens", body).await.json();
        assert!(active(&tokens).await);
        let (mut root, _) = t.admin("root@example.com").await;
        let path = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
        assert_eq!(root.json("PATCH", &path, json!({ "disabled": true })).await.status, 200);
        assert!(!active(&tokens).await, "disabled");
    }
}

#[tokio::test]
async fn only_a_service_that_shows_a_secret_is_answered() {
    let t = start("hybrid").await;
    t.register("ada@example.com").await;
    let token = sign_in(&t, "ada@example.com", "orders").await["access_token"].clone();
    let absent = t.anonymous().form("/oauth/introspect", &[("token", "x")]).await;
    absent.problem(401, "unauthenticated");
    for credentials in [
        "Bearer wrong-wrong-wrong-wrong-wrong-wrong-wrong".to_owned(),
        format!("Bearer {}", token.as_str().expect("a token")),
        format!("Digest {SECRET}"),
        SECRET.to_owned(),
        basic("orders", "wrong"),
        basic("orders", ""),
        basic("unknown", SECRET),
        basic("", SECRET),
        basic("http%3A%2F%2F127.0.0.1%3A3000%2Fapi", SECRET), // Sekisho's own
        basic(SHOP, SECRET),                                  // a colon that is not encoded
        "Basic !!!".into(),
    ] {
        let refused = ask(&t, &credentials, &token).await;
        refused.problem(401, "invalid_client");
        assert!(refused.header("www-authenticate").starts_with("Basic "), "{credentials}");
    }
    let mut twice = t.anonymous();
    twice.headers.extend([("authorization", basic("orders", SECRET)), ("authorization", basic("orders", SECRET))]);
    twice.form("/oauth/introspect", &[("token", "x")]).await.problem(401, "invalid_client");
    // Where no secret is configured nobody is answered, not even with an empty one.
    let open = TestApp::with(&[("SEKISHO_AUDIENCES", "orders")]).await;
    for credentials in [basic("orders", ""), format!("Bearer {SECRET}")] {
        ask(&open, &credentials, &token).await.problem(401, "invalid_client");
    }

    let mut service = t.anonymous();
    service.headers.push(("authorization", basic("orders", SECRET)));
    for fields in [vec![], vec![("token_type_hint", "access_token")], vec![("token", "a"), ("token", "b")]] {
        service.form("/oauth/introspect", &fields).await.problem(422, "invalid_input");
    }
    let hinted = [("token", token.as_str().expect("a token")), ("token_type_hint", "refresh_token")];
    assert_eq!(service.form("/oauth/introspect", &hinted).await.json()["active"], true, "a hint is only that");
    service.get("/oauth/introspect").await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn guesses_are_limited_and_use_up_no_service_s_budget() {
    let t = start("session").await.restart_with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    let token = sign_in(&t, "ada@example.com", "orders").await["access_token"].clone();
    for _ in 0..30 {
        ask(&t, &basic("orders", "wrong"), &token).await.problem(401, "invalid_client");
    }
    let refused = ask(&t, &basic("orders", "wrong"), &token).await;
    refused.problem(429, "rate_limited");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(ask(&t, &basic("orders", SECRET), &token).await.json()["active"], true);
    for _ in 0..3_000 {
        let answer = ask(&t, &basic("orders", SECRET), &json!("junk")).await;
        if answer.status == 429 {
            return;
        }
    }
    panic!("a service is not limited");
}

#[tokio::test]
async fn without_the_database_or_the_list_of_ends_nothing_is_active() {
    for strategy in ["hybrid", "session"] {
        let t = start(strategy).await;
        t.register("ada@example.com").await;
        let token = sign_in(&t, "ada@example.com", "orders").await["access_token"].clone();
        t.app.core.revocations.list.set_stale();
        ask(&t, &basic("orders", SECRET), &token).await.problem(503, "busy");
        t.app.core.revocations.list.set_fresh();
        assert_eq!(ask(&t, &basic("orders", SECRET), &token).await.json()["active"], true);
        t.app.core.close().await;
        let refused = ask(&t, &basic("orders", SECRET), &token).await;
        refused.problem(503, "busy");
        assert_eq!(refused.header("retry-after"), "2");
    }
}
