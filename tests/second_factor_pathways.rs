//! Every way in, for an account with a second factor (ASVS 6.3.4): none begins a session by one factor.

use sekisho_core::{account::Registration, mail::MailContent};
use serde_json::json;

use crate::harness::{
    PASSWORD, TestApp, context,
    github::{app, come_back_as},
    mailbox::token_of,
    totp::{Authenticator, present, waiting},
};

const NEW: &str = "another good passphrase";
const MAIL: [(&str, &str); 2] =
    [("SEKISHO_SMTP_URL", "smtp://127.0.0.1:1025"), ("SEKISHO_MAIL_FROM", "Sekisho <sign-in@example.com>")];

/// An app that requires second factors, and an account of octocat that has a password, a link to GitHub and an app. Its
/// sessions have ended.
async fn enrolled(settings: &[(&str, &str)]) -> (TestApp, Authenticator) {
    let t = app(&[&MAIL, settings].concat()).await;
    let new = Registration { email: "octocat@example.com", password: PASSWORD, name: None, locale: None };
    t.app.core.accounts.create(new, &context(None)).await.expect("an account");
    let mut browser = t.sign_in_browser("octocat@example.com").await;
    assert_eq!(come_back_as(&mut browser, "/auth/github/link", "octocat").await.location(), "/account?done=linked");
    let (authenticator, _) = t.enroll(&mut browser).await;
    browser.form("/logout", &[]).await;
    t.mail().await;
    let required = t.restart_with(&[("SEKISHO_MFA", "required")]).await;
    assert_eq!(required.live_sessions("octocat@example.com").await, 0);
    (required, authenticator)
}

#[tokio::test]
async fn no_way_in_begins_a_session_without_the_second_factor() {
    let (t, authenticator) = enrolled(&[]).await;
    let email = "octocat@example.com";
    let credentials = json!({ "email": email, "password": PASSWORD });

    // The sign-in page; the API; in place.
    waiting(&t.anonymous().form("/login", &[("email", email), ("password", PASSWORD)]).await);
    t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(401, "second_factor_required");
    t.anonymous().post("/session/sign-in", credentials).await.problem(401, "second_factor_required");
    // GitHub, once with its own page in between.
    let mut browser = t.anonymous();
    let asked = come_back_as(&mut browser, "/auth/github", "octocat").await;
    let pending = waiting(&asked);
    assert_eq!(browser.get("/account").await.status, 303);
    assert_eq!(t.live_sessions(email).await, 0);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut browser, &pending, "code", &code).await.location(), "/");
    let method: String = sqlx::query_scalar("select method || second_factor from sessions order by id desc limit 1")
        .fetch_one(t.db.reader())
        .await
        .expect("a session");
    assert_eq!(method, "githubtotp");
    browser.form("/logout", &[]).await;

    // Registering the address once more.
    t.anonymous().form("/register", &[("email", email), ("password", PASSWORD)]).await;
    t.mail().await;

    // Recovery by e-mail, whose mailbox is no second factor.
    t.anonymous().form("/forgot-password", &[("email", email)]).await;
    let (mail, token) = t.mail_token().await;
    assert!(matches!(mail.content, MailContent::ResetPassword { .. }));
    let mut browser = t.anonymous();
    let reset = [("token", token.as_str()), ("new_password", NEW), ("unlink", "yes")];
    assert_eq!(browser.form("/reset-password", &reset).await.location(), "/login?done=reset");
    assert_eq!(browser.get("/account").await.status, 303);
    let asked = browser.form("/login", &[("email", email), ("password", NEW)]).await;
    waiting(&asked);

    // "This wasn't me", of that reset.
    let not_me = token_of(&t.mail().await[0]);
    let pressed = browser.form("/not-me", &[("token", &not_me)]).await;
    let token = pressed.page().form("/reset-password").field("token");
    let reset = [("token", token.as_str()), ("new_password", PASSWORD)];
    assert_eq!(browser.form("/reset-password", &reset).await.location(), "/login?done=reset");
    waiting(&browser.form("/login", &[("email", email), ("password", PASSWORD)]).await);
    assert_eq!(t.live_sessions(email).await, 0);
}

#[tokio::test]
async fn linking_github_by_the_password_asks_for_the_second_factor() {
    let t = app(&[]).await;
    t.enrolled_browser("octocat@example.com").await;
    let before = t.live_sessions("octocat@example.com").await;
    let mut browser = t.anonymous();
    let confirm = come_back_as(&mut browser, "/auth/github", "octocat").await;
    let link = confirm.location().split_once("link=").expect("a link").1.to_owned();
    let asked = browser.form("/auth/github/confirm", &[("link", &link), ("password", PASSWORD)]).await;
    waiting(&asked);
    assert_eq!(
        (browser.get("/account").await.status.as_u16(), t.live_sessions("octocat@example.com").await),
        (303, before)
    );
}

#[tokio::test]
async fn the_device_choice_comes_after_the_second_factor() {
    let (t, authenticator) = enrolled(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let email = "octocat@example.com";
    let mut first = t.anonymous();
    let pending = waiting(&first.form("/login", &[("email", email), ("password", PASSWORD)]).await);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut first, &pending, "code", &code).await.status, 303);
    // Whoever has the password alone learns of no device, and ends none.
    let id = first.session_id().await;
    let body = json!({ "email": email, "password": PASSWORD, "end_session": id });
    t.anonymous().post("/api/v1/tokens", body).await.problem(401, "second_factor_required");
    let mut second = t.anonymous();
    let asked = second.form("/login", &[("email", email), ("password", PASSWORD)]).await;
    assert!(!asked.text().contains("All your devices are in use"));
    let again = second.form("/login/room", &[("waiting", &waiting(&asked)), ("id", &id)]).await;
    waiting(&again);
    assert_eq!(first.get("/account").await.status, 200);
}

#[tokio::test]
async fn other_sign_ins_under_way_stay_so_when_one_is_finished() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let (mut one, mut other) = (t.anonymous(), t.anonymous());
    let credentials = [("email", "ada@example.com"), ("password", PASSWORD)];
    let first = waiting(&one.form("/login", &credentials).await);
    let second = waiting(&other.form("/login", &credentials).await);
    let code = t.next_code(&authenticator);
    assert_eq!(present(&mut one, &first, "code", &code).await.status, 303);
    assert_eq!(present(&mut other, &second, "code", &code).await.status, 401, "the same code");
    assert_eq!(other.get("/account").await.status, 303);
}

#[tokio::test]
async fn whoever_reclaims_an_address_that_was_never_verified_is_rid_of_a_squatters_factor() {
    let t = app(&MAIL).await;
    t.anonymous().form("/register", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    t.mail().await;
    let mut squatter = t.sign_in_browser("ada@example.com").await;
    t.enroll(&mut squatter).await;
    t.mail().await;
    t.anonymous().form("/forgot-password", &[("email", "ada@example.com")]).await;
    let (_, token) = t.mail_token().await;
    t.anonymous().form("/reset-password", &[("token", &token), ("new_password", NEW)]).await;
    let answer = t.anonymous().form("/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    assert_eq!(answer.status, 303);
}
