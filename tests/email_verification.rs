//! Verification of e-mail addresses.

use sekisho_core::mail::MailContent;
use serde_json::json;

use crate::harness::{DAY, HOUR, PASSWORD, TestApp, mailbox::token_of};

const REQUIRED: (&str, &str) = ("SEKISHO_VERIFY_EMAIL", "required");

#[tokio::test]
async fn registering_an_address_is_answered_alike_whether_it_has_an_account_or_not() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut answers = Vec::new();
    for email in ["ada@example.com", "new@example.com"] {
        let answer = t.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answers.push(answer.text().replace(email, "…"));
        let page = t.anonymous().form("/register", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 200);
        assert!(page.headers.get("set-cookie").is_none(), "nobody is signed in");
        assert!(page.text().contains(&format!("We’ve sent a message to {email}")));
    }
    assert_eq!(answers[0], answers[1]);

    // One message of a kind to each within a minute.
    let mails = t.mail().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.content.kind().as_str())).collect();
    let exists = "account_exists";
    let all = [("ada@example.com", exists), ("new@example.com", "verify_email"), ("new@example.com", exists)];
    assert_eq!(told, all);
}

#[tokio::test]
async fn a_link_verifies_an_address_once_and_opening_it_changes_nothing() {
    let t = TestApp::with_mail(&[]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let (mail, token) = t.mail_token().await;
    assert_eq!(mail.to, "ada@example.com");
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    t.mail().await;
    assert_eq!(api.get("/api/v1/me").await.json()["email_verified"], false);

    let mut browser = t.anonymous();
    let page = browser.get(&format!("/verify-email?token={token}")).await;
    assert!(page.text().contains("Confirm that ada@example.com is your address."));
    assert_eq!(api.get("/api/v1/me").await.json()["email_verified"], false, "a scanner opened the link");

    let verified = browser.form("/verify-email", &[("token", &token)]).await;
    assert_eq!(verified.location(), "/login?done=verified");
    assert_eq!(api.get("/api/v1/me").await.json()["email_verified"], true);
    let again = browser.form("/verify-email", &[("token", &token)]).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("This link no longer works"));
}

#[tokio::test]
async fn a_verification_link_expires_after_24_hours() {
    let t = TestApp::with_mail(&[]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let (_, token) = t.mail_token().await;
    t.clock.advance(24 * HOUR + 1);
    assert_eq!(t.anonymous().get(&format!("/verify-email?token={token}")).await.status, 403);
    assert_eq!(t.anonymous().form("/verify-email", &[("token", &token)]).await.status, 403);
}

#[tokio::test]
async fn where_verification_is_required_an_unverified_sign_in_looks_like_a_wrong_password() {
    let t = TestApp::with_mail(&[REQUIRED]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    t.mail().await;
    t.clock.advance(HOUR);

    let sign_in = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let right = t.anonymous().post("/api/v1/tokens", sign_in(PASSWORD)).await;
    let wrong = t.anonymous().post("/api/v1/tokens", sign_in("wrong")).await;
    right.problem(401, "invalid_credentials");
    assert_eq!(right.text(), wrong.text());
    let form = |password| [("email", "ada@example.com"), ("password", password)];
    let page = t.anonymous().form("/login", &form(PASSWORD)).await;
    assert_eq!(page.status, 401);
    assert!(page.text().contains("open the link we sent you first"));
    assert!(t.anonymous().form("/login", &form("wrong")).await.text().contains("open the link we sent you first"));

    // Whoever knows the password gets another message, and can go on.
    let (_, token) = t.mail_token().await;
    assert_eq!(t.anonymous().form("/verify-email", &[("token", &token)]).await.status, 303);
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    assert_eq!(api.get("/api/v1/me").await.json()["email_verified"], true);
}

#[tokio::test]
async fn accounts_that_stay_unverified_are_removed_after_7_days_and_no_others() {
    let t = TestApp::with_mail(&[]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "before@example.com", "password": PASSWORD })).await;
    let t = t.restart_with(&[REQUIRED]).await;
    for email in ["never@example.com", "verified@example.com"] {
        t.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
    }
    let verify = t.mail().await.into_iter().find(|mail| mail.to == "verified@example.com").expect("a message");
    t.anonymous().form("/verify-email", &[("token", &token_of(&verify))]).await;

    t.clock.advance(7 * DAY - HOUR);
    t.app.core.run_housekeeping().await.expect("a pass");
    let exists = async |email| t.app.core.accounts.find_by_id_or_email(email).await.expect("a look").is_some();
    assert!(exists("never@example.com").await);
    t.clock.advance(2 * HOUR);
    t.app.core.run_housekeeping().await.expect("a pass");
    assert!(!exists("never@example.com").await);
    assert!(exists("verified@example.com").await);
    assert!(exists("before@example.com").await, "registered while verification was optional");
    // The address is free again, and nothing is inherited.
    let again =
        t.anonymous().post("/api/v1/users", json!({ "email": "never@example.com", "password": PASSWORD })).await;
    assert_eq!(again.status, 202);
    assert!(matches!(t.mail().await.last().expect("a message").content, MailContent::VerifyEmail { .. }));
}

#[tokio::test]
async fn once_verification_is_required_an_unverified_session_opens_nothing_but_it() {
    let t = TestApp::with_mail(&[]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (_, tokens) = t.sign_in_api("ada@example.com").await;
    t.mail().await;
    let t = t.restart_with(&[REQUIRED]).await;
    let mut browser2 = browser.at(&t);
    for path in ["/", "/account", "/devices", "/security", "/account/password"] {
        assert_eq!(browser2.get(path).await.location(), "/verify-email", "{path}");
    }
    browser2.post("/session/token", json!({})).await.problem(403, "email_unverified");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    t.anonymous().post("/api/v1/tokens/refresh", refresh.clone()).await.problem(403, "email_unverified");

    t.clock.advance(HOUR / 2);
    assert!(browser2.get("/verify-email").await.text().contains("Send the link again"));
    assert_eq!(browser2.form("/verify-email/send", &[]).await.status, 200);
    let (_, token) = t.mail_token().await;
    assert_eq!(browser2.form("/verify-email", &[("token", &token)]).await.location(), "/account?done=verified");
    browser = browser2;
    assert_eq!(browser.get("/account").await.status, 200);
    assert_eq!(t.anonymous().post("/api/v1/tokens/refresh", refresh).await.status, 200);
}

#[tokio::test]
async fn a_token_for_one_purpose_is_worth_nothing_for_another() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.anonymous().post("/api/v1/users", json!({ "email": "new@example.com", "password": PASSWORD })).await;
    let (_, verify) = t.mail_token().await;
    t.anonymous().form("/forgot-password", &[("email", "ada@example.com")]).await;
    let (_, reset) = t.mail_token().await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    for (path, token) in [
        ("/reset-password", &verify),
        ("/confirm-email", &verify),
        ("/not-me", &verify),
        ("/verify-email", &reset),
        ("/confirm-email", &reset),
        ("/not-me", &reset),
    ] {
        assert_eq!(browser.get(&format!("{path}?token={token}")).await.status, 403, "{path}");
        let fields = [("token", token.as_str()), ("new_password", "another good passphrase")];
        assert_eq!(browser.form(path, &fields).await.status, 403, "{path}");
    }
    // Nor are they sessions or bearer tokens.
    for token in [&verify, &reset] {
        let mut client = t.anonymous();
        client.bearer = Some(token.clone());
        client.get("/api/v1/me").await.problem(401, "invalid_token");
        client.cookies.insert("sekisho".into(), token.clone());
        client.bearer = None;
        assert_eq!(client.get("/account").await.status, 303);
    }
}

#[tokio::test]
async fn without_a_mail_server_the_pages_say_so_and_nothing_is_written() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    assert!(!t.anonymous().get("/login").await.text().contains("/forgot-password"));
    assert!(t.anonymous().get("/forgot-password").await.text().contains("This server doesn’t send email."));
    assert_eq!(t.anonymous().form("/forgot-password", &[("email", "ada@example.com")]).await.status, 404);
    assert_eq!(browser.get("/account/email").await.status, 404);
    assert!(!browser.get("/account").await.text().contains("/account/email"));
    assert!(t.mail().await.is_empty());
}

/// Used while verification was not required any more: not removed.
#[tokio::test]
async fn an_account_that_was_used_meanwhile_stays() {
    let t = TestApp::with_mail(&[REQUIRED]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let t = t.restart_with(&[("SEKISHO_VERIFY_EMAIL", "off")]).await;
    t.sign_in_browser("ada@example.com").await;
    t.clock.advance(8 * DAY);
    t.app.core.run_housekeeping().await.expect("a pass");
    let t = t.restart_with(&[REQUIRED]).await;
    t.app.core.run_housekeeping().await.expect("a pass");
    assert!(t.app.core.accounts.find_by_id_or_email("ada@example.com").await.expect("a look").is_some());
}

#[tokio::test]
async fn parallel_registrations_are_all_answered_alike() {
    let t = TestApp::with_mail(&[]).await;
    let mut tries = Vec::new();
    for _ in 0..5 {
        let mut client = t.anonymous();
        tries.push(tokio::spawn(async move {
            client.post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await.status
        }));
    }
    for tried in tries {
        assert_eq!(tried.await.expect("an answer"), 202);
    }
}
