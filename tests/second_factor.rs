//! The page between a right password and the session.

use serde_json::json;

use crate::harness::{
    MINUTE, PASSWORD, TestApp,
    totp::{challenge, present, waiting},
};

#[tokio::test]
async fn a_code_is_asked_for_and_leads_to_where_one_wanted_to_go() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let credentials = [("email", "ada@example.com"), ("password", PASSWORD), ("next", "/devices")];
    let asked = browser.form("/login", &credentials).await;
    let page = asked.page();
    let field = page.one("[name=code]");
    assert_eq!((field.attr("autocomplete"), field.attr("inputmode")), (Some("one-time-code"), Some("numeric")));
    assert!(page.has("details [name=recovery_code]") && page.has("[name=trust]"));
    assert!(!asked.text().contains(PASSWORD));
    assert_eq!(browser.get("/devices").await.status, 303, "half a sign-in opens nothing");

    let waiting = waiting(&asked);
    let wrong = present(&mut browser, &waiting, "code", "000000").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("This code is not right"));
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut browser, &waiting, "code", &code).await.location(), "/devices");
    let log = browser.get("/security").await.text();
    assert!(log.contains("Wrong code after a right password"));
    let again = present(&mut browser, &waiting, "code", &t.next_code(&authenticator)).await;
    assert_eq!(again.status, 403, "used once");
}

#[tokio::test]
async fn a_pending_sign_in_belongs_to_its_browser_for_ten_minutes() {
    let t = TestApp::new().await;
    let (mut other, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, "ada@example.com").await;
    let code = t.next_code(&authenticator);
    for thief in [&mut t.anonymous(), &mut other] {
        assert_eq!(present(thief, &waiting, "code", &code).await.status, 403);
    }
    // Wrong codes do not make it longer, nor does a reload skip what is asked for (CVE-2025-47790).
    for _ in 0..3 {
        t.clock.advance(3 * MINUTE);
        assert_eq!(present(&mut browser, &waiting, "code", "000000").await.status, 401);
    }
    t.clock.advance(MINUTE);
    let code = t.next_code(&authenticator);
    let late = present(&mut browser, &waiting, "code", &code).await;
    assert_eq!(late.status, 403);
    assert!(late.text().contains("Please start again"));
    assert_eq!(browser.form("/login/continue", &[("waiting", &waiting)]).await.status, 403);
    assert_eq!(browser.get("/account").await.status, 303);
    assert_eq!(browser.get("/login/verify").await.location(), "/login");
}

#[tokio::test]
async fn going_on_without_a_code_is_asked_for_one_again() {
    let t = TestApp::new().await;
    t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let first = challenge(&mut browser, "ada@example.com").await;
    let id = t.clock.new_id();
    let again = browser.form("/login/room", &[("waiting", &first), ("id", &id)]).await;
    let second = waiting(&again);
    waiting(&browser.form("/login/continue", &[("waiting", &second)]).await);
    assert_eq!(browser.get("/account").await.status, 303);
}

#[tokio::test]
async fn a_pending_sign_in_is_worth_nothing_once_the_password_changed() {
    let t = TestApp::new().await;
    let (mut owner, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut thief = t.anonymous();
    let waiting = challenge(&mut thief, "ada@example.com").await;
    let change = [("current_password", PASSWORD), ("new_password", "another four words here")];
    assert_eq!(owner.form("/account/password", &change).await.status, 303);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut thief, &waiting, "code", &code).await.status, 401);
    assert_eq!(thief.get("/account").await.status, 303);
}

#[tokio::test]
async fn somebody_elses_session_in_this_browser_asks_for_a_code_all_the_same() {
    let t = TestApp::new().await;
    t.enrolled_browser("ada@example.com").await;
    let mut browser = t.browser("eve@example.com").await;
    challenge(&mut browser, "ada@example.com").await;
    assert!(browser.get("/account").await.text().contains("eve@example.com"), "and stays until then");
    let (mut enrolled, ..) = t.enrolled_browser("bob@example.com").await;
    challenge(&mut enrolled, "ada@example.com").await;
}

#[tokio::test]
async fn guesses_count_against_the_account_over_all_flows_and_ways() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    let (_, authenticator, codes) = t.enrolled_browser("ada@example.com").await;
    let mut first = t.anonymous();
    let mut elsewhere = t.anonymous();
    elsewhere.ip = [203, 0, 113, 9].into();
    for browser in [&mut first, &mut elsewhere] {
        let waiting = challenge(browser, "ada@example.com").await;
        assert_eq!(present(browser, &waiting, "code", "000000").await.status, 401);
        assert_eq!(present(browser, &waiting, "recovery_code", "aaaa-aaaa-aaaa-aaaa").await.status, 401);
    }
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let flow = t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(401, "second_factor_required");
    let guess = json!({ "flow_id": flow["flow_id"], "code": "000000" });
    t.anonymous().post("/api/v1/tokens/verify", guess.clone()).await.problem(401, "invalid_code");
    // Five: from here on the right code helps neither.
    let waiting = challenge(&mut first, "ada@example.com").await;
    let code = t.next_code(&authenticator);
    let limited = present(&mut first, &waiting, "code", &code).await;
    assert_eq!(limited.status, 429);
    assert!(limited.text().contains("Try again in") && limited.page().has("[name=code]"));
    assert_eq!(present(&mut first, &waiting, "recovery_code", &codes[0]).await.status, 429);
    t.anonymous().post("/api/v1/tokens/verify", guess).await.problem(429, "rate_limited");
    let kinds: i64 = sqlx::query_scalar("select count(*) from events where kind = 'second_factor_failed'")
        .fetch_one(t.db.reader())
        .await
        .expect("a count");
    assert_eq!(kinds, 5);
    t.clock.advance(5 * MINUTE);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut first, &waiting, "code", &code).await.status, 303, "one try every five minutes");
}

#[tokio::test]
async fn a_code_counts_after_the_device_choice_too_and_then_no_more() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut owner, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let session_id = owner.session_id().await;
    let mut browser = t.anonymous();
    let pending = challenge(&mut browser, "ada@example.com").await;
    let code = t.next_code(&authenticator);
    let choice = present(&mut browser, &pending, "code", &code).await;
    assert_eq!(choice.status, 403);
    let pending = choice.page().select("form[action='/login/room'] [name=waiting]")[0].value();
    t.clock.advance(5 * MINUTE);
    let entered = browser.form("/login/room", &[("waiting", &pending), ("id", &session_id)]).await;
    assert_eq!(entered.location(), "/");
    assert_eq!(browser.get("/account").await.status, 200);
    let stored: i64 = sqlx::query_scalar("select count(*) from totp where last_used_at is not null")
        .fetch_one(t.db.reader())
        .await
        .expect("a count");
    assert_eq!(stored, 1);
}
