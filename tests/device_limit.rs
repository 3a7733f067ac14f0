//! The device limit, where the policy denies one device too many.

use serde_json::json;

use crate::harness::{Answer, MINUTE, PASSWORD, TestApp};

/// The token of a sign-in that waits for room; every device's form has it.
fn waiting(answer: &Answer) -> Option<String> {
    let page = answer.page();
    let tokens: Vec<_> = page.select("form[action='/login/room'] [name=waiting]").iter().map(|t| t.value()).collect();
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{tokens:?}");
    tokens.first().cloned()
}

#[tokio::test]
async fn whoever_is_denied_chooses_which_device_goes() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "2"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut first = t.sign_in_browser("ada@example.com").await;
    let mut second = t.anonymous();
    let credentials = [("email", "ada@example.com"), ("password", PASSWORD), ("next", "/security")];
    let page = second.form("/login", &credentials).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("All your devices are in use"));
    let waiting = waiting(&page).expect("a token");

    // Half a sign-in opens nothing, and waits in this browser only.
    assert_eq!(second.get("/devices").await.status, 303);
    let id = tokens["session_id"].as_str().expect("an id");
    let mut thief = t.anonymous();
    assert_eq!(thief.form("/login/room", &[("waiting", &waiting), ("id", id)]).await.status, 403);
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let entered = second.form("/login/room", &[("waiting", &waiting), ("id", id)]).await;
    assert_eq!(entered.location(), "/security");
    assert_eq!(second.get("/security").await.status, 200);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
    assert_eq!(first.get("/devices").await.status, 200);
    // It is no other kind of token either.
    let link = second.get(&format!("/auth/github/confirm?link={waiting}")).await;
    assert_eq!(link.status, 403);
    t.anonymous()
        .post("/api/v1/tokens/refresh", json!({ "refresh_token": waiting }))
        .await
        .problem(401, "invalid_refresh_token");
    // Used once.
    let again = second.form("/login/room", &[("waiting", &waiting), ("id", id)]).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("Please start again"));
}

#[tokio::test]
async fn a_choice_that_makes_no_room_is_asked_again() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (_, tokens) = t.api("ada@example.com").await;
    let (_, eves) = t.api("eve@example.com").await;
    let mut browser = t.anonymous();
    let page = browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let token = waiting(&page).expect("a token");
    let foreign = eves["session_id"].as_str().expect("an id");
    let asked = browser.form("/login/room", &[("waiting", &token), ("id", foreign)]).await;
    assert_eq!(asked.status, 403);
    let mine = tokens["session_id"].as_str().expect("an id");
    let token = waiting(&asked).expect("another");
    let entered = browser.form("/login/room", &[("waiting", &token), ("id", mine)]).await;
    assert_eq!(entered.location(), "/");
    assert_eq!(t.live_sessions("eve@example.com").await, 1);
}

#[tokio::test]
async fn a_sign_in_that_waits_is_worth_nothing_after_the_password_changed_or_a_while() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let id = tokens["session_id"].as_str().expect("an id");
    let mut thief = t.anonymous();
    let page = thief.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let token = waiting(&page).expect("a token");
    let change = json!({ "current_password": PASSWORD, "new_password": "another four words here" });
    assert_eq!(ada.json("PUT", "/api/v1/me/password", change).await.status, 204);
    assert_eq!(thief.form("/login/room", &[("waiting", &token), ("id", id)]).await.status, 401);
    assert_eq!(ada.get("/api/v1/me").await.status, 200);

    // Nor can it be kept alive by choosing nothing of use.
    t.api("bob@example.com").await;
    let mut late = t.anonymous();
    let page = late.form("/login", &[("email", "bob@example.com"), ("password", PASSWORD)]).await;
    let mut token = waiting(&page).expect("a token");
    let foreign = t.clock.new_id();
    for _ in 0..2 {
        t.clock.advance(4 * MINUTE);
        let again = late.form("/login/room", &[("waiting", &token), ("id", &foreign)]).await;
        token = waiting(&again).expect("another try");
    }
    t.clock.advance(4 * MINUTE);
    let over = late.form("/login/room", &[("waiting", &token), ("id", &foreign)]).await;
    assert_eq!((over.status.as_u16(), waiting(&over)), (403, None));
}

#[tokio::test]
async fn an_api_client_is_told_its_devices_and_names_the_one_to_end() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut first, tokens) = t.api("ada@example.com").await;
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let denied = t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(403, "device_limit");
    assert_eq!(denied["devices"][0]["id"], tokens["session_id"]);
    // Whoever got so far knew the password: the person sees it.
    let log = first.get("/api/v1/events").await.json();
    assert_eq!(
        (&log["items"][0]["kind"], &log["items"][0]["reason"]),
        (&json!("sign_in_failed"), &json!("device_limit"))
    );
    let mut chosen = credentials;
    chosen["end_session"] = tokens["session_id"].clone();
    assert_eq!(t.anonymous().post("/api/v1/tokens", chosen).await.status, 200);
    assert_eq!(first.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
}

// Roles
