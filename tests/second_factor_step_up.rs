//! Step-up of an account with a second factor: a session with one factor changes nothing sensitive (CVE-2026-3429).

use sekisho_core::Actor;
use serde_json::json;

use crate::harness::{
    MINUTE, PASSWORD, TestApp, context,
    github::{app, come_back_as},
    totp::{challenge, present},
};

const FACTOR_CHANGES: [&str; 3] =
    ["/account/security/totp", "/account/security/totp/remove", "/account/security/recovery-codes"];

#[tokio::test]
async fn a_session_from_before_the_enrolment_presents_password_and_code_first() {
    let t = TestApp::new().await;
    let mut earlier = t.browser("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let (authenticator, _) = t.enroll(&mut owner).await;
    for path in FACTOR_CHANGES.into_iter().chain(["/devices/end-others"]) {
        let asked = earlier.form(path, &[]).await;
        assert_eq!(asked.status, 403, "{path}");
        let page = asked.page();
        let form = page.form(path);
        assert!(form.has("[name=step_up_password]") && form.has("[name=step_up_code]"), "{path}");
        // The password alone, a wrong code, and a code alone do nothing.
        let wrong = [("step_up_password", PASSWORD), ("step_up_code", "000000")];
        for fields in [&wrong[..1], &wrong[..], &wrong[1..]] {
            assert!(!earlier.form(path, fields).await.status.is_redirection(), "{path}");
        }
        let code = t.next_code(&authenticator);
        let alone = earlier.form(path, &[("step_up_code", &code)]).await;
        assert_eq!(alone.status, 401, "{path}");
    }
    let rows: i64 = sqlx::query_scalar("select count(*) from totp").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!((rows, t.live_sessions("ada@example.com").await), (1, 2));
    let code = t.next_code(&authenticator);
    let both = [("step_up_password", PASSWORD), ("step_up_code", code.as_str())];
    let done = earlier.form("/account/security/totp/remove", &both).await;
    assert_eq!(done.location(), "/account/security?done=totp-removed");
    assert!(earlier.get("/account/security").await.text().contains("Not set up."));
}

#[tokio::test]
async fn a_session_with_two_factors_is_asked_for_the_password_only() {
    let t = TestApp::new().await;
    let (mut browser, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 303, "the enrolment presented both");
    t.clock.advance(11 * MINUTE);
    let page = browser.form("/devices/end-others", &[]).await.page();
    assert!(page.has("[name=step_up_password]") && !page.has("[name=step_up_code]"));
    assert_eq!(browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await.status, 303);
    // An enrolment whose step-up has to be repeated in between.
    let page = browser.form("/account/security/totp", &[]).await.page();
    let enrollment = page.field("enrollment");
    let another = crate::harness::totp::secret_of(&page);
    t.clock.advance(9 * MINUTE + 59_000);
    let code = another.code(t.clock.now());
    let fields = [("enrollment", enrollment.as_str()), ("code", code.as_str())];
    assert_eq!(browser.form("/account/security/totp/confirm", &fields).await.status, 200);
    assert_eq!(browser.get("/account/security").await.status, 200);
    drop(authenticator);
}

#[tokio::test]
async fn a_recovery_code_completes_a_step_up_once() {
    let t = TestApp::new().await;
    let mut earlier = t.browser("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let (_, codes) = t.enroll(&mut owner).await;
    let both = [("step_up_password", PASSWORD), ("step_up_code", codes[0].as_str())];
    assert_eq!(earlier.form("/devices/end-others", &both).await.status, 303);
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, "ada@example.com").await;
    assert_eq!(present(&mut browser, &waiting, "recovery_code", &codes[0]).await.status, 401);
}

#[tokio::test]
async fn an_api_session_with_one_factor_is_told_what_is_missing() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    let (authenticator, _) = t.enroll(&mut browser).await;
    let asked = api.post("/api/v1/sessions/revoke-others", json!({})).await;
    asked.problem(401, "step_up_required");
    assert_eq!(
        asked.header("www-authenticate"),
        "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:sekisho:aal2\", max_age=\"600\""
    );
    let step_up = "/api/v1/me/step-up";
    let missing = api.post(step_up, json!({ "password": PASSWORD })).await.problem(422, "invalid_input");
    assert_eq!(missing["errors"][0]["field"], "code");
    let wrong = json!({ "password": PASSWORD, "code": "000000" });
    let wrong = api.post(step_up, wrong).await.problem(422, "invalid_input");
    assert_eq!((&wrong["errors"][0]["field"], &wrong["errors"][0]["code"]), (&json!("code"), &json!("code-wrong")));
    let code = t.next_code(&authenticator);
    assert_eq!(api.post(step_up, json!({ "password": PASSWORD, "code": code })).await.status, 204);
    assert_eq!(api.post("/api/v1/sessions/revoke-others", json!({})).await.status, 200);
    let again = json!({ "password": PASSWORD, "code": code });
    assert_eq!(api.post(step_up, again).await.status, 204, "the session has presented it");
}

#[tokio::test]
async fn an_account_without_a_password_presents_a_code_after_github() {
    let t = app(&[]).await;
    let mut earlier = t.anonymous();
    come_back_as(&mut earlier, "/auth/github", "octocat").await;
    let mut owner = t.anonymous();
    come_back_as(&mut owner, "/auth/github", "octocat").await;
    let (authenticator, _) = t.enroll(&mut owner).await;
    let page = earlier.form("/account/security/totp/remove", &[]).await.page();
    assert!(page.has("[name=step_up_code]") && !page.has("[name=step_up_password]"));
    // Not while the sign-in is too old.
    t.clock.advance(11 * MINUTE);
    let code = t.next_code(&authenticator);
    let late = earlier.form("/account/security/totp/remove", &[("step_up_code", &code)]).await;
    assert_eq!(late.status, 401);
    assert!(late.page().has("form[action='/auth/github/step-up']"));
    come_back_as(&mut earlier, "/auth/github/step-up?next=/account/security", "octocat").await;
    let code = t.next_code(&authenticator);
    let done = earlier.form("/account/security/totp/remove", &[("step_up_code", &code)]).await;
    assert_eq!(done.location(), "/account/security?done=totp-removed");
}

#[tokio::test]
async fn a_session_that_was_raised_stays_so_and_others_do_not_follow() {
    let t = TestApp::new().await;
    let (mut browser, ..) = t.enrolled_browser("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await;
    let raised: Vec<Option<String>> = sqlx::query_scalar("select second_factor from sessions where ended_at is null")
        .fetch_all(t.db.reader())
        .await
        .expect("sessions");
    assert_eq!(raised, [Some("totp".to_owned())]);
}

/// Whoever lost the app and the codes is helped by the operator, and signed out; so is whoever has them.
#[tokio::test]
async fn the_operator_removes_the_factors_of_somebody_who_lost_them() {
    let t = TestApp::new().await;
    let (mut owner, authenticator, codes) = t.enrolled_browser("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    let operator = context(Some(Actor::CommandLine));
    assert_eq!(t.app.core.second_factors.reset(&user_id, &operator).await.expect("removed"), 1);
    assert_eq!(owner.get("/account").await.status, 303);
    let mut again = t.sign_in_browser("ada@example.com").await;
    assert!(again.get("/account/security").await.text().contains("Not set up."));
    drop((authenticator, codes));
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from totp) + (select count(*) from recovery_codes) + (select count(*) from trusted_browsers)",
    )
    .fetch_one(t.db.reader())
    .await
    .expect("a count");
    assert_eq!(left, 0);
}

/// The app is as old as the notice of it, also where a clock was set back: "This wasn't me" removes it.
#[tokio::test]
async fn an_app_that_is_enrolled_by_a_slow_clock_is_removed_all_the_same() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let change = [("current_password", PASSWORD), ("new_password", "the intruder's passphrase")];
    assert_eq!(intruder.form("/account/password", &change).await.status, 303);
    let (_, not_me) = t.mail_token().await;
    t.clock.advance(-5_000);
    t.enroll(&mut intruder).await;
    assert_eq!(t.anonymous().form("/not-me", &[("token", &not_me)]).await.status, 200);
    let left: i64 = sqlx::query_scalar("select count(*) from totp").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(left, 0);
}
