use axum::body::Body;
use serde_json::json;

use crate::harness::{PASSWORD, TestApp};

#[tokio::test]
async fn bad_bodies_are_told_by_field() {
    let t = TestApp::new().await;
    for (body, status, code, field) in [
        ("{", 400, "invalid_json", None),
        ("", 400, "invalid_json", None),
        ("{} {}", 422, "invalid_input", Some("email")),
        ("[]", 422, "invalid_input", Some(".")),
        ("null", 422, "invalid_input", Some(".")),
        ("{}", 422, "invalid_input", Some("email")),
        (r#"{"email":"a@b.co"}"#, 422, "invalid_input", Some("password")),
        (r#"{"email":1,"password":"x"}"#, 422, "invalid_input", Some("email")),
        (r#"{"email":"a@b.co","password":"x","admin":true}"#, 422, "invalid_input", Some("admin")),
        (r#"{"email":"a@b.co","email":"c@d.ef","password":"x"}"#, 422, "invalid_input", Some("email")),
        (r#"{"email":"a@b.co","password":"x","device":"a\nb"}"#, 422, "invalid_input", Some("device")),
    ] {
        let answer = t.anonymous().send("POST", "/api/v1/tokens", Some("application/json"), Body::from(body)).await;
        let problem = answer.problem(status, code);
        assert_eq!(problem["errors"][0]["field"].as_str(), field, "{body}");
    }
}

#[tokio::test]
async fn other_content_types_and_large_bodies_are_refused() {
    let t = TestApp::new().await;
    let body = json!({ "email": "a@b.co", "password": PASSWORD }).to_string();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")] {
        let answer = t.anonymous().send("POST", "/api/v1/tokens", content_type, Body::from(body.clone())).await;
        answer.problem(415, "unsupported_media_type");
    }
    let spelled =
        t.anonymous().send("POST", "/api/v1/tokens", Some("Application/JSON; charset=utf-8"), body.into()).await;
    spelled.problem(401, "invalid_credentials");
    let large = json!({ "email": "a@b.co", "password": "x".repeat(10_000_000) });
    t.anonymous().post("/api/v1/tokens", large).await.problem(413, "too_large");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let t = TestApp::new().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/me", "/session/nothing"] {
        t.anonymous().get(path).await.problem(404, "not_found");
    }
    for (method, path, allowed) in [
        ("GET", "/api/v1/tokens", "POST"),
        ("PUT", "/api/v1/me", "PATCH"),
        ("POST", "/api/v1/sessions", "GET"),
        ("TRACE", "/api/v1/me", "GET"),
        ("GET", "/session/token", "POST"),
    ] {
        let answer = t.anonymous().send(method, path, None, Body::empty()).await;
        answer.problem(405, "method_not_allowed");
        assert!(answer.header("allow").contains(allowed), "{path}: {}", answer.header("allow"));
    }
}

#[tokio::test]
async fn a_bad_path_or_query_is_refused_as_everything_else_is() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    admin.delete("/api/v1/sessions/%FF").await.problem(422, "invalid_input");
    for (path, field, code) in [
        ("/api/v1/admin/users?disabled=yes", "disabled", "wrong-type"),
        ("/api/v1/admin/users?q=a&q=b", "q", "wrong-type"),
        ("/api/v1/sessions?limit=0", "limit", "limit-invalid"),
    ] {
        let fault = &admin.get(path).await.problem(422, "invalid_input")["errors"][0];
        assert_eq!((fault["field"].as_str(), fault["code"].as_str()), (Some(field), Some(code)), "{path}");
    }
    for (body, field, code) in [
        (json!({}), "format", "missing"),
        (json!({ "format": "xml" }), "format", "wrong-type"),
        (json!({ "format": "csv", "user": "x" }), "user", "unknown"),
    ] {
        let fault = &admin.post("/api/v1/admin/events/export", body).await.problem(422, "invalid_input")["errors"][0];
        assert_eq!((fault["field"].as_str(), fault["code"].as_str()), (Some(field), Some(code)));
    }
    let page = t.anonymous().get("/login?next=a&next=b").await;
    assert_eq!(page.status, 422);
    assert!(page.header("content-type").starts_with("text/html"));
    let end = json!({ "email": "root@example.com", "password": PASSWORD, "end_session": "x" });
    let fault = t.anonymous().post("/api/v1/tokens", end).await.problem(422, "invalid_input");
    assert_eq!(fault["errors"][0]["field"], "end_session");
}

#[tokio::test]
async fn the_api_never_takes_the_cookie_and_pages_never_the_header() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    for path in ["/api/v1/me", "/api/v1/sessions", "/api/v1/events"] {
        browser.get(path).await.problem(401, "unauthenticated");
    }
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    for path in ["/account", "/devices", "/security", "/account/password"] {
        assert_eq!(api.get(path).await.status, 303, "{path}");
    }
    api.send("POST", "/session/token", None, Body::empty()).await.problem(401, "unauthenticated");
    // A bad token beside a good cookie is 401, never anonymous and never the cookie's.
    browser.bearer = Some("junk".into());
    browser.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn every_protected_route_needs_its_credential() {
    let t = TestApp::new().await;
    for (method, path) in [
        ("GET", "/api/v1/me"),
        ("PATCH", "/api/v1/me"),
        ("PUT", "/api/v1/me/password"),
        ("GET", "/api/v1/sessions"),
        ("DELETE", "/api/v1/sessions/x"),
        ("POST", "/api/v1/sessions/revoke-others"),
        ("GET", "/api/v1/events"),
        ("DELETE", "/api/v1/tokens"),
        ("POST", "/session/token"),
        ("POST", "/session/activity"),
        ("GET", "/session/events"),
    ] {
        let mut stranger = t.anonymous();
        for name in ["x-forwarded-user", "x-auth-request-user", "x-forwarded-email", "remote_user", "x_forwarded_user"]
        {
            stranger.headers.push((name, "ada@example.com".into()));
        }
        stranger.send(method, path, Some("application/json"), Body::from("{}")).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_health_of_the_server_is_told() {
    let t = TestApp::new().await;
    assert_eq!(t.anonymous().get("/health/live").await.status, 200);
    assert_eq!(t.anonymous().get("/health/ready").await.status, 200);
    t.app.core.close().await;
    assert_eq!(t.anonymous().get("/health/live").await.status, 200);
    assert_eq!(t.anonymous().get("/health/ready").await.status, 503);
    // Fails closed, and says nothing of the inside.
    let mut browser = t.anonymous();
    browser.cookies.insert("sekisho".into(), "AAAAAAAAAAAAAAAAAAAAAA".into());
    let page = browser.get("/devices").await;
    assert!(page.status.is_server_error(), "{}", page.status);
    let problem = t.anonymous().post("/api/v1/tokens", json!({ "email": "a@b.co", "password": "x" })).await;
    let detail = problem.problem(503, "busy").to_string();
    assert!(!detail.contains("sql") && !detail.contains("pool"), "{detail}");
}
