//! Step-up, in place and over the API, and the notices of what a person should know.

use serde_json::json;

use crate::harness::{MINUTE, PASSWORD, TestApp};

#[tokio::test]
async fn something_sensitive_asks_for_the_password_in_place_and_then_happens() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    browser.headers.push(("referer", "http://127.0.0.1:3000/devices".into()));
    let asked = browser.form("/devices/end-others", &[("anything", "<&\"é")]).await;
    assert_eq!(asked.status, 403);
    let page = asked.page();
    assert_eq!(page.one("h1").text(), "Confirm it's you");
    let kept = page.form("/devices/end-others").field("anything");
    assert_eq!(kept, "<&\"é", "what was asked for waits in the page");
    assert!(page.has("main a[href='/devices']"), "and one can go back");
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let wrong = browser.form("/devices/end-others", &[("step_up_password", "wrong")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("This is not your current password."));
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let before = browser.clone();
    let done = browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(done.location(), "/devices?done=others");
    api.get("/api/v1/me").await.problem(401, "session_revoked");
    assert_eq!(before.clone().get("/account").await.status, 303, "the session has a new secret");
    assert_eq!(browser.get("/devices").await.status, 200);
    // Proved for a while.
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 303);
    let log = browser.get("/security").await.text();
    assert!(log.contains("Identity confirmed") && log.contains("Failed attempt to confirm identity"));
}

#[tokio::test]
async fn an_api_client_proves_itself_as_rfc_9470_says() {
    let t = TestApp::new().await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    let asked = api.post("/api/v1/sessions/revoke-others", json!({})).await;
    asked.problem(401, "step_up_required");
    assert_eq!(asked.header("www-authenticate"), "Bearer error=\"insufficient_user_authentication\", max_age=\"600\"");
    let wrong = api.post("/api/v1/me/step-up", json!({ "password": "wrong" })).await;
    assert_eq!(wrong.problem(422, "invalid_input")["errors"][0]["field"], "password");
    assert_eq!(api.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await.status, 204);
    assert_eq!(api.post("/api/v1/sessions/revoke-others", json!({})).await.status, 200);
    assert_eq!(api.get("/api/v1/sessions").await.json()["items"][0]["id"], tokens["session_id"]);
}

#[tokio::test]
async fn administrators_prove_themselves_before_they_act_but_may_look() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    t.clock.advance(11 * MINUTE);
    assert_eq!(root.get("/api/v1/admin/users").await.status, 200);
    root.post("/api/v1/admin/sessions/revoke-all", json!({})).await.problem(401, "step_up_required");
}

// Notices

#[tokio::test]
async fn people_are_told_of_what_they_should_know_until_they_have_seen_it() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let news = "New security notice";
    assert!(!browser.get("/").await.text().contains(news), "the first device is no news");
    t.sign_in_browser("ada@example.com").await;
    assert!(!browser.get("/").await.text().contains(news), "nor is a known one");

    let mut elsewhere = t.anonymous();
    elsewhere.ip = [203, 0, 113, 9].into();
    elsewhere.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert!(browser.get("/").await.text().contains(news));
    let page = browser.get("/security").await.page();
    let notices = page.one("section.notices");
    assert!(notices.text().contains("Please review") && notices.text().contains("203.0.113.9"));
    let until = page.form("/security/seen").field("until");
    assert_eq!(browser.form("/security/seen", &[("until", "0")]).await.location(), "/security");
    assert!(browser.get("/").await.text().contains(news), "what came after what was shown is still news");
    assert_eq!(browser.form("/security/seen", &[("until", &until)]).await.location(), "/security");
    let page = browser.get("/security").await;
    assert!(!page.text().contains(news) && !page.text().contains("Please review"));
    assert!(page.page().one(".log").text().contains("203.0.113.9"), "it stays in the log");

    let change = [("current_password", PASSWORD), ("new_password", "another four words here")];
    t.clock.advance(1_000);
    browser.form("/account/password", &change).await;
    assert!(browser.get("/security").await.text().contains("Please review"));
}
