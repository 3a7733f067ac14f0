//! A change of the e-mail address.

use sekisho_core::mail::MailContent;
use sekisho_model::UserId;

use crate::harness::{Client, DAY, HOUR, PASSWORD, TestApp, mailbox::token_of};

/// Changes the address of whoever is signed in; returns the link that undoes it.
async fn change(t: &TestApp, browser: &mut Client, from: &str, to: &str) -> String {
    let asked = browser.form("/account/email", &[("email", to), ("step_up_password", PASSWORD)]).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let (mail, token) = t.mail_token().await;
    assert_eq!(mail.to, to);
    let done = browser.form("/confirm-email", &[("token", &token)]).await;
    assert_eq!(done.location(), "/account?done=email");
    let (told, undo) = t.mail_token().await;
    assert_eq!(told.to, from, "the old address is told");
    assert!(matches!(&told.content, MailContent::Notice { new_email: Some(new), .. } if new == to));
    undo
}

async fn email_of(t: &TestApp, user_id: &UserId) -> String {
    t.app.core.administration.find_user(user_id).await.expect("a user").email
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_confirmed_and_not_before() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    t.mail().await;
    assert_eq!(browser.form("/account/email", &[("email", "new@example.com")]).await.status, 200);
    let (_, token) = t.mail_token().await;
    let page = browser.get(&format!("/confirm-email?token={token}")).await;
    assert!(page.text().contains("Use new@example.com for your account from now on."));
    assert_eq!(email_of(&t, &user_id).await, "ada@example.com");
    assert_eq!(browser.form("/confirm-email", &[("token", &token)]).await.location(), "/account?done=email");
    assert_eq!(email_of(&t, &user_id).await, "new@example.com");
    assert_eq!(browser.get("/account").await.status, 200, "the session stays");
    t.sign_in_browser("new@example.com").await;
    assert_eq!(browser.form("/confirm-email", &[("token", &token)]).await.status, 403);
}

#[tokio::test]
async fn it_needs_a_recent_authentication_and_a_valid_other_address() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    for odd in ["", "nonsense", "a@b.c,d@e.f", "ada@example.com", "ADA@example.com"] {
        let answer = browser.form("/account/email", &[("email", odd)]).await;
        assert_eq!(answer.status, 422, "{odd}");
    }
    t.clock.advance(HOUR / 2);
    let asked = browser.form("/account/email", &[("email", "new@example.com")]).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text().contains("step_up_password"));
    let wrong = [("email", "new@example.com"), ("step_up_password", "wrong")];
    assert_eq!(browser.form("/account/email", &wrong).await.status, 422);
    t.mail().await;
    assert!(t.mail().await.is_empty());
}

#[tokio::test]
async fn an_address_that_has_an_account_is_answered_alike_and_its_owner_is_told() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.create_verified("eve@example.com").await;
    let mut eve = t.sign_in_browser("eve@example.com").await;
    t.mail().await;
    let taken = eve.form("/account/email", &[("email", "ada@example.com")]).await;
    let free = eve.form("/account/email", &[("email", "free@example.com")]).await;
    assert_eq!(taken.status, free.status);
    let mails = t.mail().await;
    let kinds: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.content.kind().as_str())).collect();
    assert_eq!(kinds, [("ada@example.com", "account_exists"), ("free@example.com", "confirm_email")]);

    // Taken between the request and the confirmation.
    t.create_verified("free@example.com").await;
    let late = eve.form("/confirm-email", &[("token", &token_of(&mails[1]))]).await;
    assert_eq!(late.status, 409);
    assert_eq!(t.live_sessions("eve@example.com").await, 1);
}

/// A token confirms the address that it was sent to and no other (CVE-2026-32700).
#[tokio::test]
async fn of_two_changes_the_first_confirmed_one_wins() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    t.mail().await;
    browser.form("/account/email", &[("email", "one@example.com")]).await;
    browser.form("/account/email", &[("email", "two@example.com")]).await;
    let mails = t.mail().await;
    let [one, two] = [token_of(&mails[0]), token_of(&mails[1])];
    let (mut a, mut b) = (browser.clone(), browser.clone());
    let (fields_a, fields_b) = ([("token", one.as_str())], [("token", two.as_str())]);
    let (a, b) = tokio::join!(a.form("/confirm-email", &fields_a), b.form("/confirm-email", &fields_b));
    let won: Vec<_> = [("one@example.com", a.status), ("two@example.com", b.status)]
        .into_iter()
        .filter(|(_, status)| *status == 303)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(email_of(&t, &user_id).await, won[0].0);
}

/// After A→B→C, each old address restores its own predecessor, and the first one takes the others' links away
/// (firebase#4269).
#[tokio::test]
async fn each_undo_restores_its_own_address() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("a@example.com").await;
    let mut browser = t.sign_in_browser("a@example.com").await;
    let user_id = t.user_id("a@example.com").await;
    t.mail().await;
    let undo_a = change(&t, &mut browser, "a@example.com", "b@example.com").await;
    t.clock.advance(HOUR / 6);
    let undo_b = change(&t, &mut browser, "b@example.com", "c@example.com").await;

    let page = t.anonymous().get(&format!("/not-me?token={undo_b}")).await.text();
    assert!(page.contains("change the email address back to b@example.com"));
    assert_eq!(email_of(&t, &user_id).await, "c@example.com", "opening a link changes nothing");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo_b)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "b@example.com");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo_a)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "a@example.com");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo_b)]).await.status, 403);
}

#[tokio::test]
async fn the_first_owner_ends_the_later_addresses_links() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("a@example.com").await;
    let mut browser = t.sign_in_browser("a@example.com").await;
    let user_id = t.user_id("a@example.com").await;
    t.mail().await;
    let undo_a = change(&t, &mut browser, "a@example.com", "b@example.com").await;
    t.clock.advance(HOUR / 6);
    let undo_b = change(&t, &mut browser, "b@example.com", "c@example.com").await;
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo_a)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "a@example.com");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo_b)]).await.status, 403);
    assert_eq!(email_of(&t, &user_id).await, "a@example.com");
}

#[tokio::test]
async fn an_old_address_is_kept_for_its_owner_while_the_change_can_be_undone() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.create_verified("eve@example.com").await;
    let mut ada = t.sign_in_browser("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    t.mail().await;
    let undo = change(&t, &mut ada, "ada@example.com", "new@example.com").await;
    // Neither registered nor taken over meanwhile.
    t.anonymous().form("/register", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let mut eve = t.sign_in_browser("eve@example.com").await;
    eve.form("/account/email", &[("email", "ada@example.com")]).await;
    assert!(t.app.core.accounts.find_by_id_or_email("ada@example.com").await.expect("a look").is_none());
    t.clock.advance(7 * DAY - HOUR);
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "ada@example.com");
}

/// Whoever only reads the new mailbox, or whose session has ended, changes nothing.
#[tokio::test]
async fn only_a_session_of_the_account_confirms_a_change() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.create_verified("eve@example.com").await;
    let mut stolen = t.sign_in_browser("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let mut eve = t.sign_in_browser("eve@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    t.mail().await;
    stolen.form("/account/email", &[("email", "evil@example.com")]).await;
    let (_, token) = t.mail_token().await;
    assert_eq!(owner.form("/devices/end-others", &[]).await.status, 303);
    for client in [&mut stolen, &mut t.anonymous()] {
        let path = format!("/confirm-email?token={token}");
        assert!(client.get(&path).await.location().starts_with("/login?next="));
        assert_eq!(client.form("/confirm-email", &[("token", &token)]).await.status, 303);
    }
    assert_eq!(eve.get(&format!("/confirm-email?token={token}")).await.status, 403);
    assert_eq!(eve.form("/confirm-email", &[("token", &token)]).await.status, 403);
    assert_eq!(email_of(&t, &user_id).await, "ada@example.com");
}

/// What the owner undoes by the first message includes what later ones told.
#[tokio::test]
async fn an_earlier_link_restores_what_changed_since() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    t.sign_in_browser("ada@example.com").await;
    t.clock.advance(HOUR);
    let mut intruder = t.anonymous();
    intruder.headers.push(("user-agent", "curl/8.5".into()));
    intruder.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let (_, new_device) = t.mail_token().await;
    // In the same millisecond: the order is that of the changes, not of the clock.
    let undo = change(&t, &mut intruder, "ada@example.com", "evil@example.com").await;
    assert_eq!(t.anonymous().form("/not-me", &[("token", &new_device)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "ada@example.com");
    let told: Vec<_> = t.mail().await.into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, ["evil@example.com"], "it no longer belongs to the account");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo)]).await.status, 403);
    t.anonymous().form("/forgot-password", &[("email", "evil@example.com")]).await;
    assert!(t.mail().await.is_empty());
}

/// A notice that goes to the new address comes after the change, whatever the clock says, and undoes only what follows.
#[tokio::test]
async fn a_later_notice_to_the_new_address_does_not_take_the_undo_away() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let undo = change(&t, &mut intruder, "ada@example.com", "evil@example.com").await;
    t.clock.advance(-1_000);
    let mut again = t.anonymous();
    again.headers.push(("user-agent", "curl/8.5".into()));
    again.form("/login", &[("email", "evil@example.com"), ("password", PASSWORD)]).await;
    let (mail, theirs) = t.mail_token().await;
    assert_eq!(mail.to, "evil@example.com");
    assert_eq!(t.anonymous().form("/not-me", &[("token", &theirs)]).await.status, 200);
    assert_eq!(t.anonymous().form("/not-me", &[("token", &undo)]).await.status, 200);
    assert_eq!(email_of(&t, &user_id).await, "ada@example.com");
}
