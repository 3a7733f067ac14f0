//! A passkey as the second factor of a sign-in by password.

use serde_json::json;

use crate::harness::{Answer, Client, MINUTE, PASSWORD, TestApp, passkey::Passkey, totp::present};

const BASE: (&str, &str) = ("SEKISHO_BASE_URL", "http://localhost:3000");
const ADA: &str = "ada@example.com";

/// Somebody with a passkey and an authenticator app.
async fn enrolled(t: &TestApp) -> (Client, Passkey) {
    let mut browser = t.browser(ADA).await;
    let mut passkey = Passkey::new();
    browser.add_passkey(&mut passkey).await.location();
    t.enroll(&mut browser).await;
    (browser, passkey)
}

/// Signs in by the password, up to the page that asks for a second factor; returns the token of the pending sign-in.
async fn challenge(browser: &mut Client) -> String {
    waiting(&browser.form("/login", &[("email", ADA), ("password", PASSWORD)]).await)
}

fn waiting(asked: &Answer) -> String {
    assert_eq!(asked.status, 200, "{}", asked.text());
    asked.page().form("/login/verify-passkey").field("waiting")
}

async fn latest_session(t: &TestApp) -> (String, String, Option<String>) {
    sqlx::query_as("select method, second_factor, passkey_id from sessions order by id desc limit 1")
        .fetch_one(t.db.reader())
        .await
        .expect("a session")
}

#[tokio::test]
async fn a_passkey_is_a_second_factor() {
    let t = TestApp::with(&[BASE]).await;
    let (_, mut passkey) = enrolled(&t).await;
    let mut browser = t.anonymous();
    let pending = challenge(&mut browser).await;
    assert_eq!(browser.get("/account").await.status, 303);
    assert_eq!(browser.present_passkey(&pending, &mut passkey).await.location(), "/");
    assert_eq!(browser.get("/account").await.status, 200);
    let (method, second_factor, passkey_id) = latest_session(&t).await;
    assert_eq!((method.as_str(), second_factor.as_str(), passkey_id), ("password", "passkey", Some(passkey.id())));
    assert_eq!(browser.present_passkey_status(&pending).await, 403, "used up");
}

#[tokio::test]
async fn a_passkey_alone_asks_for_nothing_beside_a_password() {
    let t = TestApp::with(&[BASE]).await;
    t.browser(ADA).await.add_passkey(&mut Passkey::new()).await.location();
    assert_eq!(t.anonymous().form("/login", &[("email", ADA), ("password", PASSWORD)]).await.location(), "/");
}

#[tokio::test]
async fn where_a_second_factor_is_required_a_passkey_is_one_and_the_last_one_stays() {
    let t = TestApp::with(&[BASE]).await;
    let mut passkey = Passkey::new();
    t.browser(ADA).await.add_passkey(&mut passkey).await.location();
    let t = t.restart_with(&[BASE, ("SEKISHO_MFA", "required")]).await;
    let mut browser = t.anonymous();
    let pending = challenge(&mut browser).await;
    // Nor is another enrolled beside it by whoever knows the password alone.
    let enrol = [("waiting", pending.as_str()), ("enrollment", "x"), ("code", "000000")];
    assert_eq!(browser.form("/login/enroll", &enrol).await.status, 403);
    let body = json!({ "email": ADA, "password": PASSWORD });
    let refused = t.anonymous().post("/api/v1/tokens", body).await;
    assert_eq!(refused.problem(401, "second_factor_required")["methods"], json!([]));

    assert_eq!(browser.present_passkey(&pending, &mut passkey).await.location(), "/");
    let id = passkey.id();
    let refused = browser.form("/account/passkeys/remove", &[("id", &id)]).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    // With recovery codes of its own, as a device can be lost.
    assert!(browser.get("/account/security").await.text().contains("Recovery codes"));
    let codes = browser.form("/account/security/recovery-codes", &[]).await;
    let code = crate::harness::totp::recovery_codes_of(&codes).remove(0);
    let mut other = t.anonymous();
    let pending = challenge(&mut other).await;
    assert_eq!(present(&mut other, &pending, "recovery_code", &code).await.location(), "/");
}

#[tokio::test]
async fn somebody_elses_passkey_or_a_weak_one_is_no_second_factor() {
    let t = TestApp::with(&[BASE]).await;
    let (_, mut passkey) = enrolled(&t).await;
    let mut eves = Passkey::new();
    t.browser("eve@example.com").await.add_passkey(&mut eves).await.location();
    let mut browser = t.anonymous();
    let pending = challenge(&mut browser).await;
    for handle in [eves.user_handle.clone(), passkey.user_handle.clone(), Vec::new()] {
        eves.user_handle = handle;
        assert_eq!(browser.present_passkey(&pending, &mut eves).await.status, 401);
    }
    passkey.verifies_user = false;
    assert_eq!(browser.present_passkey(&pending, &mut passkey).await.status, 401);
    passkey.verifies_user = true;
    assert_eq!(browser.present_passkey(&pending, &mut passkey).await.location(), "/", "the sign-in was not used up");
}

#[tokio::test]
async fn a_second_factor_is_bound_to_its_browser_its_ceremony_and_its_sign_in() {
    let t = TestApp::with(&[BASE]).await;
    let (_, mut passkey) = enrolled(&t).await;
    let (mut browser, mut other) = (t.anonymous(), t.anonymous());
    let pending = challenge(&mut browser).await;
    let others = challenge(&mut other).await;
    // Another browser's pending sign-in.
    other.post("/session/passkeys/second-factor", json!({ "waiting": pending })).await.problem(403, "ceremony_gone");
    let ceremony = browser.begin_ceremony_with("second-factor", json!({ "waiting": pending })).await;
    let answer = passkey.assert(&ceremony.options).to_string();
    assert_eq!(other.send_second_factor(&others, &ceremony.flow, &answer).await.status, 403);
    // The ceremony of a sign-in by passkey, and of a step-up.
    let begun = browser.begin_ceremony("sign-in").await;
    let answer = passkey.assert(&begun.options).to_string();
    assert_eq!(browser.send_second_factor(&pending, &begun.flow, &answer).await.status, 403);
    // A second factor's ceremony is no sign-in.
    let ceremony = browser.begin_ceremony_with("second-factor", json!({ "waiting": pending })).await;
    let answer = passkey.assert(&ceremony.options);
    assert_eq!(browser.send_assertion(&ceremony, &answer).await.status, 403);
    // It expires in mid-challenge.
    t.clock.advance(10 * MINUTE);
    assert_eq!(browser.present_passkey_status(&pending).await, 403);
    assert_eq!(browser.get("/account").await.status, 303);
}

#[tokio::test]
async fn a_session_by_one_factor_removes_no_passkey_of_an_account_with_two() {
    let t = TestApp::with(&[BASE]).await;
    let mut before = t.browser(ADA).await;
    let mut second = t.sign_in_browser(ADA).await;
    let mut passkey = Passkey::new();
    second.add_passkey(&mut passkey).await.location();
    t.enroll(&mut second).await;
    // CVE-2026-3429
    assert_eq!(before.form("/account/passkeys/remove", &[("id", &passkey.id())]).await.status, 403);
    before.post("/session/passkeys/enrol", json!({})).await.problem(401, "step_up_required");
    let removed = second.form("/account/passkeys/remove", &[("id", &passkey.id())]).await;
    assert_eq!(removed.location(), "/account/security?done=passkey-removed");
}

#[tokio::test]
async fn a_passkey_signs_in_in_place_alone_and_beside_a_password() {
    let t = TestApp::with(&[BASE]).await;
    let (_, mut passkey) = enrolled(&t).await;
    let mut browser = t.anonymous();
    let ceremony = browser.begin_ceremony("sign-in").await;
    let answer = passkey.assert(&ceremony.options).to_string();
    let body = json!({ "passkey_flow": ceremony.flow, "passkey": answer });
    let signed_in = browser.post("/session/sign-in", body.clone()).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    assert_eq!(signed_in.json()["user_id"], t.user_id(ADA).await.as_str());
    browser.post("/session/sign-in", body).await.problem(403, "ceremony_gone");

    let mut browser = t.anonymous();
    let credentials = json!({ "email": ADA, "password": PASSWORD });
    let asked = browser.post("/session/sign-in", credentials).await.problem(401, "second_factor_required");
    assert_eq!(asked["methods"], json!(["totp", "recovery_code", "passkey"]));
    let ceremony = browser.begin_ceremony_with("second-factor", json!({ "waiting": asked["flow_id"] })).await;
    passkey.verifies_user = false;
    let answer = passkey.assert(&ceremony.options).to_string();
    let body =
        |flow: &str, answer: &str| json!({ "flow_id": asked["flow_id"], "passkey_flow": flow, "passkey": answer });
    browser.post("/session/sign-in", body(&ceremony.flow, &answer)).await.problem(401, "passkey_refused");
    passkey.verifies_user = true;
    let ceremony = browser.begin_ceremony_with("second-factor", json!({ "waiting": asked["flow_id"] })).await;
    let answer = passkey.assert(&ceremony.options).to_string();
    assert_eq!(browser.post("/session/sign-in", body(&ceremony.flow, &answer)).await.status, 200);
    assert_eq!(browser.get("/account").await.status, 200);
}
