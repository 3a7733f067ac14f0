//! "This wasn't me", for second factors.

use sekisho_core::mail::{Mail, MailContent};
use sekisho_model::EventKind;
use serde_json::json;

use crate::harness::{
    Client, HOUR, PASSWORD, TestApp,
    mailbox::token_of,
    totp::{challenge, present, waiting},
};

const NEW: &str = "another good passphrase";

fn notice(mails: &[Mail], kind: EventKind) -> &Mail {
    let is = |mail: &&Mail| matches!(&mail.content, MailContent::Notice { event, .. } if *event == kind);
    mails.iter().find(is).unwrap_or_else(|| panic!("{kind} in {mails:?}"))
}

/// Presses the button of a message and sets a new password.
async fn secure(t: &TestApp, mail: &Mail) {
    let pressed = t.anonymous().form("/not-me", &[("token", &token_of(mail))]).await;
    let token = pressed.page().form("/reset-password").field("token");
    let reset = [("token", token.as_str()), ("new_password", NEW)];
    assert_eq!(t.anonymous().form("/reset-password", &reset).await.status, 303);
}

/// What a sign-in by the new password is answered with.
async fn sign_in(t: &TestApp) -> (Client, crate::harness::Answer) {
    let mut browser = t.anonymous();
    let answer = browser.form("/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    (browser, answer)
}

#[tokio::test]
async fn an_app_that_an_intruder_enrolled_is_removed_with_its_codes() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.sign_in_browser("ada@example.com").await;
    t.clock.advance(HOUR);
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let (authenticator, _) = t.enroll(&mut intruder).await;
    let mails = t.mail().await;
    secure(&t, notice(&mails, EventKind::SecondFactorAdded)).await;
    assert_eq!(sign_in(&t).await.1.status, 303, "no code is asked for");
    let left: i64 = sqlx::query_scalar("select (select count(*) from totp) + (select count(*) from recovery_codes)")
        .fetch_one(t.db.reader())
        .await
        .expect("a count");
    assert_eq!(left, 0);
    drop(authenticator);
}

#[tokio::test]
async fn an_app_that_an_intruder_removed_is_restored() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (authenticator, _) = t.enroll(&mut browser).await;
    t.mail().await;
    t.clock.advance(HOUR / 60);
    assert_eq!(browser.form("/account/security/totp/remove", &[]).await.status, 303);
    let mails = t.mail().await;
    assert_eq!(mails.len(), 1);
    secure(&t, notice(&mails, EventKind::SecondFactorRemoved)).await;
    let (mut browser, asked) = sign_in(&t).await;
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut browser, &waiting(&asked), "code", &code).await.status, 303);
}

#[tokio::test]
async fn an_app_that_an_intruder_replaced_is_restored_by_the_link_of_an_earlier_event_too() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (owners, _) = t.enroll(&mut browser).await;
    t.mail().await;
    t.clock.advance(HOUR / 60);
    let change = [("current_password", PASSWORD), ("new_password", "the intruder's passphrase")];
    assert_eq!(browser.form("/account/password", &change).await.status, 303);
    let changed = t.mail().await;
    t.clock.advance(HOUR / 60);
    let (intruders, _) = t.enroll(&mut browser).await;
    t.mail().await;
    secure(&t, notice(&changed, EventKind::PasswordChanged)).await;
    let (mut browser, asked) = sign_in(&t).await;
    let pending = waiting(&asked);
    let wrong = t.next_code(&intruders);
    assert_eq!(present(&mut browser, &pending, "code", &wrong).await.status, 401);
    let code = t.next_code(&owners);
    assert_eq!(present(&mut browser, &pending, "code", &code).await.status, 303);
}

#[tokio::test]
async fn the_owners_app_stays_and_no_browser_is_trusted_any_more() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (authenticator, codes) = t.enroll(&mut browser).await;
    let mut trusted = t.anonymous();
    let pending = challenge(&mut trusted, "ada@example.com").await;
    let code = t.next_code(&authenticator);
    trusted.form("/login/verify", &[("waiting", &pending), ("code", &code), ("trust", "yes")]).await;
    t.mail().await;
    t.clock.advance(HOUR / 60);
    let mut thief = t.anonymous();
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let flow = thief.post("/api/v1/tokens", credentials).await.json();
    let verify = json!({ "flow_id": flow["flow_id"], "code": codes[0] });
    assert_eq!(thief.post("/api/v1/tokens/verify", verify).await.status, 200);
    secure(&t, notice(&t.mail().await, EventKind::RecoveryCodeUsed)).await;
    let asked = trusted.form("/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut trusted, &waiting(&asked), "code", &code).await.status, 303);
}
