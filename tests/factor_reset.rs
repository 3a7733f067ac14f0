//! Removal of second factors by an administrator, for somebody who lost them.

use sekisho_core::mail::MailContent;
use sekisho_model::EventKind;
use serde_json::json;

use crate::harness::{
    Client, DAY, MINUTE, PASSWORD, TestApp,
    totp::{challenge, present, waiting},
};

const ADA: &str = "ada@example.com";

/// An administrator's API client, an owner with an app, and a browser of theirs.
async fn app() -> (TestApp, Client, Client, crate::harness::totp::Authenticator) {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified(ADA).await;
    let mut browser = t.sign_in_browser(ADA).await;
    let (authenticator, _) = t.enroll(&mut browser).await;
    let (admin, _) = t.admin("root@example.com").await;
    t.mail().await;
    (t, admin, browser, authenticator)
}

async fn path(t: &TestApp) -> String {
    format!("/api/v1/admin/users/{}/factor-reset", t.user_id(ADA).await)
}

async fn housekeeping(t: &TestApp) {
    t.app.core.run_housekeeping().await.expect("housekeeping");
}

#[tokio::test]
async fn a_reset_by_an_administrator_takes_a_day_and_can_be_stopped() {
    let (t, mut admin, mut browser, _) = app().await;
    let path = path(&t).await;
    let requested = admin.post(&path, json!({})).await;
    assert_eq!(requested.status, 202);
    let at = requested.json()["reset_at"].clone();
    assert_eq!(admin.post(&path, json!({})).await.json()["reset_at"], at, "the second request changes nothing");

    // The owner is told, by mail and on the pages; the mail has no link that would take the password away.
    let mails = t.mail().await;
    assert_eq!(mails.len(), 1);
    let MailContent::Notice { event, token, .. } = &mails[0].content else { panic!("a notice") };
    assert_eq!((*event, token.is_none()), (EventKind::SecondFactorResetRequested, true));
    let page = browser.get("/account/security").await.page();
    assert!(page.has("form[action='/account/security/keep']"));

    t.clock.advance(30 * MINUTE);
    housekeeping(&t).await;
    challenge(&mut t.anonymous(), ADA).await;
    let kept = browser.form("/account/security/keep", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(kept.location(), "/account/security?done=kept");
    t.clock.advance(2 * DAY);
    housekeeping(&t).await;
    challenge(&mut t.anonymous(), ADA).await;
}

#[tokio::test]
async fn after_a_day_the_factors_are_gone_and_the_sessions_end() {
    let (t, mut admin, mut browser, _) = app().await;
    assert_eq!(admin.post(&path(&t).await, json!({})).await.status, 202);
    t.clock.advance(DAY - MINUTE);
    housekeeping(&t).await;
    challenge(&mut t.anonymous(), ADA).await;
    t.clock.advance(2 * MINUTE);
    housekeeping(&t).await;
    assert_eq!(browser.get("/account").await.status, 303);
    let signed_in = t.anonymous().form("/login", &[("email", ADA), ("password", PASSWORD)]).await;
    assert_eq!(signed_in.location(), "/");
    let codes: i64 =
        sqlx::query_scalar("select count(*) from recovery_codes").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(codes, 0);
}

#[tokio::test]
async fn a_sign_in_with_a_second_factor_stops_it_and_one_without_does_not() {
    let (t, mut admin, _, authenticator) = app().await;
    let path = path(&t).await;
    assert_eq!(admin.post(&path, json!({})).await.status, 202);
    let mut browser = t.anonymous();
    let pending = challenge(&mut browser, ADA).await;
    assert_eq!(pending_resets(&t).await, 1);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut browser, &pending, "code", &code).await.status, 303);
    assert_eq!(pending_resets(&t).await, 0);
    t.clock.advance(2 * DAY);
    housekeeping(&t).await;
    waiting(&t.anonymous().form("/login", &[("email", ADA), ("password", PASSWORD)]).await);
}

async fn pending_resets(t: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from users where factor_reset_at is not null")
        .fetch_one(t.db.reader())
        .await
        .expect("a count")
}

#[tokio::test]
async fn only_a_recent_administrator_with_the_permissions_requests_or_cancels_it() {
    let (t, mut admin, mut owner, _) = app().await;
    let path = path(&t).await;
    let (mut nobody, _) = {
        t.create_verified("eve@example.com").await;
        t.sign_in_api("eve@example.com").await
    };
    nobody.post(&path, json!({})).await.problem(403, "forbidden");
    assert_eq!(
        owner.form(&path.replace("/api/v1", "").replace("factor-reset", "reset-factors"), &[]).await.status,
        403
    );
    // Whoever has no second factor has none to lose.
    let eves = path.replace(t.user_id(ADA).await.as_str(), t.user_id("eve@example.com").await.as_str());
    admin.post(&eves, json!({})).await.problem(404, "not_found");
    assert_eq!(admin.post(&path, json!({})).await.status, 202);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(pending_resets(&t).await, 0);
    t.clock.advance(11 * MINUTE);
    admin.post(&path, json!({})).await.problem(401, "step_up_required");
}

#[tokio::test]
async fn the_pages_ask_for_it_and_say_when() {
    let (t, _, _, _) = app().await;
    let mut admin = t.sign_in_browser("root@example.com").await;
    let page = format!("/admin/users/{}", t.user_id(ADA).await);
    assert!(admin.get(&page).await.page().has(&format!("form[action='{page}/reset-factors']")));
    let answer = admin.form(&format!("{page}/reset-factors"), &[]).await;
    assert_eq!(answer.location(), format!("{page}?done=reset"));
    assert!(admin.get(&page).await.page().has(&format!("form[action='{page}/keep-factors']")));
    let answer = admin.form(&format!("{page}/keep-factors"), &[]).await;
    assert_eq!(answer.location(), format!("{page}?done=kept"));
}
