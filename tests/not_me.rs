//! "This wasn't me": the way back that no intruder can use.

use sekisho_core::{Actor, administration::AccessChange, mail::MailContent};
use sekisho_model::EventKind;
use serde_json::json;

use crate::{
    email_recovery::link_github,
    harness::{DAY, HOUR, PASSWORD, TestApp, context, mailbox::token_of},
};

const NEW: &str = "another good passphrase";
const THEIRS: &str = "the intruder's passphrase";

/// Presses the button of a message; returns the token in the form for a new password.
async fn press(t: &TestApp, token: &str) -> String {
    let pressed = t.anonymous().form("/not-me", &[("token", token)]).await;
    assert_eq!(pressed.status, 200, "{}", pressed.text());
    pressed.page().form("/reset-password").field("token")
}

#[tokio::test]
async fn an_owner_gets_the_account_back_from_an_intruder_with_password_and_session() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    t.clock.advance(HOUR / 2);
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let change = [("current_password", PASSWORD), ("new_password", THEIRS)];
    assert_eq!(intruder.form("/account/password", &change).await.status, 303);
    assert_eq!(owner.get("/devices").await.status, 303, "thrown out");
    let (mail, not_me) = t.mail_token().await;
    assert!(matches!(mail.content, MailContent::Notice { event: EventKind::PasswordChanged, .. }));
    // What the intruder prepares.
    t.clock.advance(HOUR / 60);
    let user_id = t.user_id("ada@example.com").await;
    link_github(&t, &user_id, "666").await;
    let (mut api, tokens) = {
        let mut client = t.anonymous();
        let body = json!({ "email": "ada@example.com", "password": THEIRS });
        let tokens = client.post("/api/v1/tokens", body).await.json();
        client.bearer = tokens["access_token"].as_str().map(Into::into);
        (client, tokens)
    };
    t.mail().await;

    let page = t.anonymous().get(&format!("/not-me?token={not_me}")).await;
    assert!(page.text().contains("Password changed"));
    assert_eq!(intruder.get("/devices").await.status, 200, "opening a link changes nothing");

    let reset = press(&t, &not_me).await;
    assert_eq!(intruder.get("/devices").await.status, 303);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    t.anonymous().post("/api/v1/tokens/refresh", refresh).await.problem(401, "session_revoked");
    for password in [PASSWORD, THEIRS] {
        let sign_in = json!({ "email": "ada@example.com", "password": password });
        t.anonymous().post("/api/v1/tokens", sign_in).await.problem(401, "invalid_credentials");
    }
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_none(), "added since");

    let fields = [("token", reset.as_str()), ("new_password", NEW)];
    assert_eq!(t.anonymous().form("/reset-password", &fields).await.status, 303);
    let sign_in = json!({ "email": "ada@example.com", "password": NEW });
    assert_eq!(t.anonymous().post("/api/v1/tokens", sign_in).await.status, 200);
    assert_eq!(t.anonymous().form("/not-me", &[("token", &not_me)]).await.status, 403, "once");
}

#[tokio::test]
async fn a_link_that_the_intruder_holds_dies_with_it() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.sign_in_browser("ada@example.com").await;
    t.clock.advance(HOUR);
    let mut intruder = t.anonymous();
    intruder
        .headers
        .push(("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()));
    intruder.ip = [203, 0, 113, 9].into();
    intruder.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let (mail, not_me) = t.mail_token().await;
    assert!(matches!(mail.content, MailContent::Notice { event: EventKind::NewDevice, .. }));
    t.clock.advance(HOUR / 60);
    intruder.form("/account/email", &[("email", "evil@example.com")]).await;
    let (_, theirs) = t.mail_token().await;

    let reset = press(&t, &not_me).await;
    t.anonymous().form("/reset-password", &[("token", &reset), ("new_password", NEW)]).await;
    let mut owner = t.anonymous();
    owner.form("/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    assert_eq!(owner.form("/confirm-email", &[("token", &theirs)]).await.status, 403);
}

#[tokio::test]
async fn an_unlinked_account_is_linked_again() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    link_github(&t, &user_id, "77").await;
    t.clock.advance(HOUR);
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    assert_eq!(intruder.form("/auth/github/unlink", &[]).await.status, 303);
    let (_, not_me) = t.mail_token().await;
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_none());
    let reset = press(&t, &not_me).await;
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_none(), "not before the new password");
    t.anonymous().form("/reset-password", &[("token", &reset), ("new_password", NEW)]).await;
    let linked = t.app.core.identities.linked(&user_id).await.expect("a look").expect("a link");
    assert_eq!(linked.subject, "77");
}

#[tokio::test]
async fn what_was_there_before_stays_and_a_link_works_for_7_days() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    link_github(&t, &user_id, "77").await;
    t.clock.advance(HOUR);
    let mut browser = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let change = [("current_password", PASSWORD), ("new_password", THEIRS)];
    browser.form("/account/password", &change).await;
    let (_, not_me) = t.mail_token().await;
    t.clock.advance(7 * DAY + 1);
    assert_eq!(t.anonymous().form("/not-me", &[("token", &not_me)]).await.status, 403);

    t.clock.advance(-DAY);
    let reset = press(&t, &not_me).await;
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_none(), "nobody gets in by it meanwhile");
    let page = t.anonymous().get(&format!("/reset-password?token={reset}")).await.text();
    assert!(page.contains("name=\"unlink\""));
    t.anonymous().form("/reset-password", &[("token", &reset), ("new_password", NEW)]).await;
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_some());
}

#[tokio::test]
async fn an_administrators_act_is_told_without_a_link_to_undo_it() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user = t.app.core.accounts.find_by_id_or_email("ada@example.com").await.expect("a look").expect("a user");
    let admin = context(Some(Actor::CommandLine));
    t.app.core.accounts.reset_password(&user, NEW, true, &admin).await.expect("a reset");
    let mails = t.mail().await;
    assert!(matches!(&mails[0].content, MailContent::Notice { event: EventKind::PasswordChanged, token: None, .. }));
}

#[tokio::test]
async fn messages_about_new_devices_can_be_turned_off_and_no_others() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    assert_eq!(browser.form("/account/mail", &[]).await.location(), "/account?done=saved");
    let mut other = t.anonymous();
    other.headers.push(("user-agent", "curl/8.5".into()));
    other.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    assert!(t.mail().await.is_empty());
    let change = [("current_password", PASSWORD), ("new_password", NEW)];
    browser.form("/account/password", &change).await;
    assert_eq!(t.mail().await.len(), 1);
    browser.form("/account/mail", &[("new_device", "yes")]).await;
    other.headers[0].1 = "HTTPie/3".into();
    other.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": NEW })).await;
    assert_eq!(token_of(&t.mail().await[0]).get(..6), Some("sk_et_"));
}

#[tokio::test]
async fn a_disabled_account_stays_disabled() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let change = [("current_password", PASSWORD), ("new_password", NEW)];
    browser.form("/account/password", &change).await;
    let (_, not_me) = t.mail_token().await;
    let user_id = t.user_id("ada@example.com").await;
    t.app.core.administration.change_access(&user_id, AccessChange::disabled(true), None).await.expect("disabled");
    let pressed = t.anonymous().form("/not-me", &[("token", &not_me)]).await;
    assert_eq!(pressed.status, 403, "there is no new password to set");
}
