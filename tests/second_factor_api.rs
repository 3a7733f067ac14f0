//! The second factor over the API.

use serde_json::{Value, json};

use crate::harness::{MINUTE, PASSWORD, TestApp};

fn credentials() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD })
}

/// The id of a sign-in under way.
async fn begin(t: &TestApp, body: Value) -> Value {
    let problem = t.anonymous().post("/api/v1/tokens", body).await.problem(401, "second_factor_required");
    assert_eq!(problem["methods"], json!(["totp", "recovery_code"]));
    assert!(problem.get("access_token").is_none());
    problem["flow_id"].clone()
}

#[tokio::test]
async fn a_sign_in_goes_on_with_a_code_as_it_was_begun() {
    let t = TestApp::with(&[("SEKISHO_AUDIENCES", "orders")]).await;
    let (mut owner, authenticator, codes) = t.enrolled_browser("ada@example.com").await;
    let ended = owner.session_id().await;
    let mut body = credentials();
    body["device"] = json!("the lathe");
    body["audience"] = json!("orders");
    body["scope"] = json!("account:read sessions");
    body["end_session"] = json!(ended);
    let flow = begin(&t, body).await;
    assert_eq!(owner.get("/account").await.status, 200, "nothing ends before the code");

    let wrong = json!({ "flow_id": flow, "code": "000000" });
    t.anonymous().post("/api/v1/tokens/verify", wrong).await.problem(401, "invalid_code");
    let code = t.next_code(&authenticator);
    let right = json!({ "flow_id": flow, "code": code });
    let answer = t.anonymous().post("/api/v1/tokens/verify", right.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{}", answer.text());
    let tokens = answer.json();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    t.anonymous().post("/api/v1/tokens/verify", right).await.problem(403, "ceremony_gone");
    let mut client = t.anonymous();
    client.bearer = tokens["access_token"].as_str().map(Into::into);
    client.get("/api/v1/me").await.problem(401, "invalid_token"); // it is for `orders`
    let refreshed = json!({ "refresh_token": tokens["refresh_token"] });
    let own = t.anonymous().post("/api/v1/tokens/refresh", refreshed).await.json();
    client.bearer = own["access_token"].as_str().map(Into::into);
    client.json("PATCH", "/api/v1/me", json!({})).await.problem(403, "insufficient_scope");
    let listed = client.get("/api/v1/sessions").await.json();
    assert_eq!(listed["items"][0]["device"], "the lathe");
    assert_eq!(owner.get("/account").await.status, 303, "the session that was named has ended");

    // A recovery code works as well, where it is not said to be something else.
    let flow = begin(&t, credentials()).await;
    let verify = |method: &str| json!({ "flow_id": flow, "code": codes[0], "method": method });
    t.anonymous().post("/api/v1/tokens/verify", verify("totp")).await.problem(401, "invalid_code");
    t.anonymous().post("/api/v1/tokens/verify", verify("sms")).await.problem(422, "invalid_input");
    assert_eq!(t.anonymous().post("/api/v1/tokens/verify", verify("recovery_code")).await.status, 200);
}

#[tokio::test]
async fn a_sign_in_waits_for_ten_minutes() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let flow = begin(&t, credentials()).await;
    t.clock.advance(10 * MINUTE);
    let code = t.next_code(&authenticator);
    let late = json!({ "flow_id": flow, "code": code });
    t.anonymous().post("/api/v1/tokens/verify", late).await.problem(403, "ceremony_gone");
}

#[tokio::test]
async fn who_must_enrol_is_sent_to_the_sign_in_page() {
    let t = TestApp::with(&[("SEKISHO_MFA", "required")]).await;
    t.register("ada@example.com").await;
    let refused = t.anonymous().post("/api/v1/tokens", credentials()).await;
    let problem = refused.problem(403, "second_factor_enrollment_required");
    assert!(problem.get("flow_id").is_none());
    assert_eq!(t.live_sessions("ada@example.com").await, 0);
}

#[tokio::test]
async fn half_a_sign_in_opens_nothing_anywhere() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let api_flow = begin(&t, credentials()).await.as_str().expect("an id").to_owned();
    let mut browser = t.anonymous();
    let in_place = browser.post("/session/sign-in", credentials()).await.problem(401, "second_factor_required");
    let page_flow = in_place["flow_id"].as_str().expect("an id").to_owned();
    let browser_secret = browser.cookies["sekisho_ceremony"].clone();
    for token in [&api_flow, &page_flow, &browser_secret] {
        for path in ["/api/v1/me", "/api/v1/sessions", "/api/v1/revocations"] {
            let mut bearer = t.anonymous();
            bearer.bearer = Some(token.clone());
            let status = bearer.get(path).await.status;
            assert!(status == 401 || path.ends_with("revocations"), "{path}: {status}");
        }
        for cookie in ["sekisho", "sekisho_device", "sekisho_trusted"] {
            let mut with_cookie = browser.clone();
            with_cookie.cookies.insert(cookie.into(), token.clone());
            for path in ["/account", "/devices", "/account/security"] {
                assert_eq!(with_cookie.get(path).await.status, 303, "{path} {cookie}");
            }
            with_cookie.get("/session/events").await.problem(401, "unauthenticated");
            for path in ["/session/token", "/session/activity"] {
                with_cookie.post(path, json!({})).await.problem(401, "unauthenticated");
            }
        }
        let refresh = json!({ "refresh_token": token });
        t.anonymous().post("/api/v1/tokens/refresh", refresh).await.problem(401, "invalid_refresh_token");
        let code = t.next_code(&authenticator);
        // Each kind of flow goes on at its own path only.
        if *token != api_flow {
            let verify = json!({ "flow_id": token, "code": code });
            t.anonymous().post("/api/v1/tokens/verify", verify).await.problem(403, "ceremony_gone");
        }
        if *token != page_flow {
            let fields = [("waiting", token.as_str()), ("code", code.as_str())];
            assert_eq!(browser.form("/login/verify", &fields).await.status, 403);
            let mut bound = browser.clone();
            bound.cookies.insert("sekisho_ceremony".into(), token.clone());
            assert_eq!(bound.form("/login/verify", &fields).await.status, 403);
            let verify = json!({ "flow_id": token, "code": code });
            bound.post("/session/sign-in", verify).await.problem(403, "ceremony_gone");
        }
        for path in ["/reset-password", "/not-me", "/verify-email", "/confirm-email"] {
            assert!(!t.anonymous().get(&format!("{path}?token={token}")).await.status.is_success(), "{path}");
        }
    }
    assert_eq!(t.live_sessions("ada@example.com").await, 1);
}

#[tokio::test]
async fn signing_in_in_place_goes_on_with_a_code_in_the_same_browser() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let asked = browser.post("/session/sign-in", credentials()).await.problem(401, "second_factor_required");
    let code = t.next_code(&authenticator);
    let body = json!({ "flow_id": asked["flow_id"], "code": code });
    t.anonymous().post("/session/sign-in", body.clone()).await.problem(403, "ceremony_gone");
    let wrong = json!({ "flow_id": asked["flow_id"], "code": "000000" });
    browser.post("/session/sign-in", wrong).await.problem(401, "invalid_code");
    let done = browser.post("/session/sign-in", body).await;
    assert_eq!((done.status.as_u16(), &done.json()["user_id"]), (200, &json!(t.user_id("ada@example.com").await)));
    assert_eq!(browser.get("/account").await.status, 200);
    for body in [json!({}), json!({ "email": "ada@example.com" }), json!({ "flow_id": "x" })] {
        browser.post("/session/sign-in", body).await.problem(422, "invalid_input");
    }
}
