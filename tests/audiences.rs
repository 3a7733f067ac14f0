//! Whom a token is for, and what it may do (RFC 9068; RFC 6749, sections 3.3 and 6; RFC 6750, section 3.1).

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, TestApp};

const OWN: &str = "http://127.0.0.1:3000/api";
const AUDIENCES: [(&str, &str); 1] = [("SEKISHO_AUDIENCES", "orders,https://shop.example/api")];

fn claims(token: &Value) -> Value {
    let token = token.as_str().expect("a token");
    assert!(token.len() < 1_024, "{} bytes", token.len());
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base64");
    serde_json::from_slice(&payload).expect("JSON")
}

async fn sign_in(t: &TestApp, email: &str, wanted: Value) -> Value {
    let mut body = json!({ "email": email, "password": PASSWORD });
    body.as_object_mut().expect("an object").extend(wanted.as_object().expect("an object").clone());
    t.anonymous().post("/api/v1/tokens", body).await.json()
}

fn with(t: &TestApp, tokens: &Value) -> Client {
    let mut client = t.anonymous();
    client.bearer = tokens["access_token"].as_str().map(Into::into);
    client
}

#[tokio::test]
async fn a_token_for_a_service_opens_nothing_here() {
    let t = TestApp::with_jwts(&AUDIENCES).await;
    let (_, own) = t.admin("root@example.com").await;
    assert_eq!(claims(&own["access_token"])["aud"], OWN);
    for audience in ["orders", "https://shop.example/api"] {
        let tokens = sign_in(&t, "root@example.com", json!({ "audience": audience })).await;
        assert_eq!(claims(&tokens["access_token"])["aud"], audience);
        let mut client = with(&t, &tokens);
        for path in ["/api/v1/me", "/api/v1/events", "/api/v1/sessions", "/api/v1/admin/users"] {
            let answer = client.get(path).await;
            answer.problem(401, "invalid_token");
            assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        }
        client.delete("/api/v1/tokens").await.problem(401, "invalid_token");
        // Each request says for whom; the default is Sekisho itself.
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let refreshed = t.anonymous().post("/api/v1/tokens/refresh", refresh).await.json();
        assert_eq!(claims(&refreshed["access_token"])["aud"], OWN);
        let refresh = json!({ "refresh_token": refreshed["refresh_token"], "audience": audience });
        let refreshed = t.anonymous().post("/api/v1/tokens/refresh", refresh).await.json();
        assert_eq!(claims(&refreshed["access_token"])["aud"], audience);
    }
}

#[tokio::test]
async fn the_own_audience_can_be_named_and_chosen() {
    let t = TestApp::with_jwts(&[("SEKISHO_TOKEN_AUDIENCE", "sekisho")]).await;
    t.register("ada@example.com").await;
    let tokens = sign_in(&t, "ada@example.com", json!({ "audience": "sekisho" })).await;
    assert_eq!(claims(&tokens["access_token"])["aud"], "sekisho");
    assert_eq!(with(&t, &tokens).get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn an_unknown_audience_or_scope_is_a_fault_of_its_field_and_uses_nothing_up() {
    let t = TestApp::with_jwts(&AUDIENCES).await;
    let (mut browser, tokens) = (t.browser("ada@example.com").await, sign_in(&t, "ada@example.com", json!({})).await);
    for (field, value) in [
        ("audience", json!("unknown")),
        ("audience", json!("")),
        ("audience", json!("orders,https://shop.example/api")),
        ("audience", json!("ORDERS")),
        ("scope", json!("api")),
        ("scope", json!("")),
        ("scope", json!("account  admin")),
        ("scope", json!("account:write")),
        ("scope", json!(["account"])),
    ] {
        let mut body = json!({ "email": "ada@example.com", "password": PASSWORD });
        body[field] = value.clone();
        let problem = t.anonymous().post("/api/v1/tokens", body).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        let mut body = json!({ "refresh_token": tokens["refresh_token"] });
        body[field] = value.clone();
        let problem = t.anonymous().post("/api/v1/tokens/refresh", body).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        let problem = browser.post("/session/token", json!({ field: value })).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!(t.live_sessions("ada@example.com").await, 2, "no session was begun");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(t.anonymous().post("/api/v1/tokens/refresh", refresh).await.status, 200, "the first use");
    t.anonymous()
        .post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD, "aud": "orders" }))
        .await
        .problem(422, "invalid_input");
}

#[tokio::test]
async fn what_was_granted_at_the_sign_in_bounds_every_refresh() {
    let t = TestApp::with_jwts(&[]).await;
    t.register("ada@example.com").await;
    let mut tokens = sign_in(&t, "ada@example.com", json!({ "scope": "sessions account" })).await;
    assert_eq!(claims(&tokens["access_token"])["scope"], "account sessions");
    let refresh = async |tokens: &Value, scope: Option<&str>| {
        let mut body = json!({ "refresh_token": tokens["refresh_token"] });
        if let Some(scope) = scope {
            body["scope"] = json!(scope);
        }
        t.anonymous().post("/api/v1/tokens/refresh", body).await
    };
    for (asked, granted) in [
        (None, "account sessions"),
        (Some("sessions"), "sessions"),
        (Some("account:read"), "account:read"), // implied by what was granted
        (None, "account sessions"),             // a narrower one narrows nothing but itself
    ] {
        for more in ["admin", "account sessions admin"] {
            let problem = refresh(&tokens, Some(more)).await.problem(422, "invalid_input");
            assert_eq!(
                (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
                (&json!("scope"), &json!("scope-exceeded"))
            );
        }
        tokens = refresh(&tokens, asked).await.json();
        assert_eq!(claims(&tokens["access_token"])["scope"], granted);
    }
    // Whoever asked for nothing has everything.
    let tokens = sign_in(&t, "ada@example.com", json!({})).await;
    assert_eq!(claims(&tokens["access_token"])["scope"], "account:read account sessions admin");
}

#[tokio::test]
async fn each_route_takes_only_a_token_with_its_scope() {
    let t = TestApp::with_jwts(&[]).await;
    t.admin("root@example.com").await;
    let (id, nobody) = (t.user_id("root@example.com").await, t.clock.new_id());
    let routes = [
        ("GET", "/api/v1/me".to_owned(), "account:read"),
        ("GET", "/api/v1/events".to_owned(), "account:read"),
        ("PATCH", "/api/v1/me".to_owned(), "account"),
        ("PUT", "/api/v1/me/password".to_owned(), "account"),
        ("POST", "/api/v1/me/step-up".to_owned(), "account"),
        ("GET", "/api/v1/sessions".to_owned(), "sessions"),
        ("DELETE", format!("/api/v1/sessions/{nobody}"), "sessions"),
        ("POST", "/api/v1/sessions/revoke-others".to_owned(), "sessions"),
        ("GET", "/api/v1/admin/overview".to_owned(), "admin"),
        ("GET", "/api/v1/admin/users".to_owned(), "admin"),
        ("GET", format!("/api/v1/admin/users/{id}"), "admin"),
        ("PATCH", format!("/api/v1/admin/users/{id}"), "admin"),
        ("GET", format!("/api/v1/admin/users/{id}/sessions"), "admin"),
        ("POST", format!("/api/v1/admin/users/{nobody}/revoke-sessions"), "admin"),
        ("GET", "/api/v1/admin/sessions".to_owned(), "admin"),
        ("DELETE", format!("/api/v1/admin/sessions/{nobody}"), "admin"),
        ("POST", "/api/v1/admin/sessions/revoke-all".to_owned(), "admin"),
        ("GET", "/api/v1/admin/events".to_owned(), "admin"),
        ("POST", "/api/v1/admin/events/export".to_owned(), "admin"),
        ("DELETE", format!("/api/v1/admin/users/{nobody}/identities/github"), "admin"),
        ("GET", "/api/v1/admin/roles".to_owned(), "admin"),
        ("PUT", "/api/v1/admin/roles/x".to_owned(), "admin"),
        ("DELETE", "/api/v1/admin/roles/x".to_owned(), "admin"),
    ];
    for (without, tokens) in [
        ("account:read", "sessions admin"),
        ("account", "account:read sessions admin"),
        ("sessions", "account admin"),
        ("admin", "account sessions"),
    ] {
        let tokens = sign_in(&t, "root@example.com", json!({ "scope": tokens })).await;
        let mut client = with(&t, &tokens);
        for (method, path, scope) in &routes {
            let answer = client.send(method, path, None, Body::empty()).await;
            let challenge = answer.header("www-authenticate").to_owned();
            if *scope == without || (without == "account:read" && *scope == "account") {
                answer.problem(403, "insufficient_scope");
                assert_eq!(challenge, format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""));
            } else if *method == "GET" {
                assert_eq!(answer.status, 200, "{method} {path} without {without}");
            } else {
                assert!(!answer.text().contains("insufficient_scope"), "{method} {path} without {without}");
            }
        }
        assert_eq!(client.delete("/api/v1/tokens").await.status, 204, "signing out needs no scope");
    }
}

#[tokio::test]
async fn a_scope_gives_nobody_a_role() {
    let t = TestApp::with_jwts(&[]).await;
    t.register("ada@example.com").await;
    let tokens = sign_in(&t, "ada@example.com", json!({ "scope": "admin" })).await;
    with(&t, &tokens).get("/api/v1/admin/users").await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_browser_asks_for_another_service_or_for_less_and_by_default_for_neither() {
    let t = TestApp::with_jwts(&AUDIENCES).await;
    let mut browser = t.browser("ada@example.com").await;
    let plain = browser.send("POST", "/session/token", None, Body::empty()).await.json();
    let empty = browser.post("/session/token", json!({})).await.json();
    for token in [plain, empty] {
        let claims = claims(&token["access_token"]);
        assert_eq!((&claims["aud"], &claims["scope"]), (&json!(OWN), &json!("account:read account sessions admin")));
    }
    let wanted = json!({ "audience": "orders", "scope": "account:read" });
    let claims = claims(&browser.post("/session/token", wanted).await.json()["access_token"]);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!("orders"), &json!("account:read")));
    browser.post("/session/token", json!({ "aud": "orders" })).await.problem(422, "invalid_input");
    browser.send("POST", "/session/token", None, Body::from("{}")).await.problem(415, "unsupported_media_type");
}
