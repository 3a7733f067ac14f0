//! A forgotten password.

use sekisho_core::{administration::AccessChange, mail::MailContent};
use sekisho_model::UserId;
use serde_json::json;

use crate::harness::{HOUR, MINUTE, PASSWORD, TestApp, mailbox::token_of};

const NEW: &str = "another good passphrase";

async fn forgot(t: &TestApp, email: &str) -> String {
    let answer = t.anonymous().form("/forgot-password", &[("email", email)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (mail, token) = t.mail_token().await;
    assert!(matches!(mail.content, MailContent::ResetPassword { .. }));
    token
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail_and_every_session_ends() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (mut api, tokens) = t.sign_in_api("ada@example.com").await;
    t.mail().await;
    let token = forgot(&t, " Ada@Example.com ").await;

    let mut visitor = t.anonymous();
    let page = visitor.get(&format!("/reset-password?token={token}")).await.text();
    assert!(page.contains("For ada@example.com."));
    let weak = visitor.form("/reset-password", &[("token", &token), ("new_password", "password1")]).await;
    assert_eq!(weak.status, 422, "a weak password uses nothing up");
    assert!(weak.text().contains(&token));
    let done = visitor.form("/reset-password", &[("token", &token), ("new_password", NEW)]).await;
    assert_eq!(done.location(), "/login?done=reset");

    assert_eq!(browser.get("/devices").await.status, 303);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "password_changed");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    t.anonymous().post("/api/v1/tokens/refresh", refresh).await.problem(401, "session_revoked");
    let sign_in = |password: &str| json!({ "email": "ada@example.com", "password": password });
    t.anonymous().post("/api/v1/tokens", sign_in(PASSWORD)).await.problem(401, "invalid_credentials");
    assert_eq!(t.anonymous().post("/api/v1/tokens", sign_in(NEW)).await.status, 200);

    let again =
        visitor.form("/reset-password", &[("token", &token), ("new_password", "a third good passphrase")]).await;
    assert_eq!(again.status, 403, "a link works once");
    let told = t.mail().await;
    assert!(told.iter().any(|mail| matches!(
        &mail.content,
        MailContent::Notice { event, token: Some(_), .. } if event.as_str() == "recovery_used"
    )));
}

#[tokio::test]
async fn asking_for_a_reset_is_answered_alike_and_only_owners_get_mail() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    t.create_verified("gone@example.com").await;
    let gone = t.user_id("gone@example.com").await;
    t.app.core.administration.change_access(&gone, AccessChange::disabled(true), None).await.expect("disabled");
    t.mail().await;
    let mut pages = Vec::new();
    for email in ["ada@example.com", "nobody@example.com", "gone@example.com"] {
        let answer = t.anonymous().form("/forgot-password", &[("email", email)]).await;
        assert_eq!(answer.status, 200);
        let text = answer.text().replace(email, "…");
        let main = text.split("<main").nth(1).expect("a page").split("</main>").next().expect("a page").to_owned();
        pages.push(main);
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    let to: Vec<_> = t.mail().await.into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ada@example.com"]);
}

/// GitLab mailed a reset to every address in an array (CVE-2023-7028); Django matched `mıke@` with `mike@`
/// (CVE-2019-19844).
#[tokio::test]
async fn a_reset_goes_to_one_address_as_it_is_stored() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("mike@example.com").await;
    for fields in [
        vec![("email", "mike@example.com"), ("email", "evil@example.com")],
        vec![("email", "mike@example.com,evil@example.com")],
        vec![("email", "mike@example.com evil@example.com")],
        vec![("email", "mike@example.com\r\nBcc: evil@example.com")],
        vec![("email[]", "mike@example.com")],
        vec![],
    ] {
        let answer = t.anonymous().form("/forgot-password", &fields).await;
        assert!(answer.status == 422 || answer.status == 400, "{fields:?}: {}", answer.status);
    }
    for other in ["mıke@example.com", "mike@examp\u{200b}le.com", "ｍike@example.com", "mike@ｅxample.com"] {
        t.anonymous().form("/forgot-password", &[("email", other)]).await;
    }
    assert!(t.mail().await.is_empty());
    forgot(&t, "MIKE@example.COM").await;
}

#[tokio::test]
async fn a_reset_link_dies_with_time_a_new_password_and_a_new_address() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let reset = async |token: &str| {
        let fields = [("token", token), ("new_password", "a third good passphrase")];
        t.anonymous().form("/reset-password", &fields).await.status
    };
    let token = forgot(&t, "ada@example.com").await;
    t.clock.advance(30 * MINUTE + 1);
    assert_eq!(reset(&token).await, 403, "30 minutes");

    let token = forgot(&t, "ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let change = [("current_password", PASSWORD), ("new_password", NEW)];
    assert_eq!(browser.form("/account/password", &change).await.status, 303);
    t.mail().await;
    assert_eq!(reset(&token).await, 403, "another password");

    t.clock.advance(HOUR);
    let old = forgot(&t, "ada@example.com").await;
    let fields = [("email", "new@example.com"), ("step_up_password", NEW)];
    let mut browser = t.anonymous();
    browser.form("/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    t.mail().await;
    assert_eq!(browser.form("/account/email", &fields).await.status, 200);
    let (_, confirm) = t.mail_token().await;
    assert_eq!(browser.form("/confirm-email", &[("token", &confirm)]).await.status, 303);
    assert_eq!(reset(&old).await, 403, "another address: the old mailbox can't take the account back by itself");
}

#[tokio::test]
async fn of_two_uses_at_once_one_wins() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let token = forgot(&t, "ada@example.com").await;
    let mut uses = Vec::new();
    for n in 0..8 {
        let (mut client, token) = (t.anonymous(), token.clone());
        uses.push(tokio::spawn(async move {
            let password = format!("a good passphrase, number {n}");
            client.form("/reset-password", &[("token", &token), ("new_password", &password)]).await.status
        }));
    }
    let mut won = 0;
    for used in uses {
        won += usize::from(used.await.expect("an answer") == 303);
    }
    assert_eq!(won, 1);
}

/// A squatter who registered somebody's address keeps nothing when its owner resets the password (authorizer#503).
#[tokio::test]
async fn the_owner_of_an_unverified_address_takes_the_account_over_whole() {
    let t = TestApp::with_mail(&[]).await;
    t.anonymous().post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let mut squatter = t.sign_in_browser("ada@example.com").await;
    t.mail().await;
    let user_id = t.user_id("ada@example.com").await;
    link_github(&t, &user_id, "77").await;

    let token = forgot(&t, "ada@example.com").await;
    // Not asked to unlink: it happens all the same.
    let fields = [("token", token.as_str()), ("new_password", NEW)];
    assert_eq!(t.anonymous().form("/reset-password", &fields).await.status, 303);
    assert_eq!(squatter.get("/devices").await.status, 303);
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_none());
    let (mut api, _) = {
        let mut client = t.anonymous();
        let answer = client.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": NEW })).await.json();
        client.bearer = answer["access_token"].as_str().map(Into::into);
        (client, answer)
    };
    assert_eq!(api.get("/api/v1/me").await.json()["email_verified"], true, "the mailbox was read");
}

#[tokio::test]
async fn a_link_stays_where_its_owner_wants_it() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let user_id = t.user_id("ada@example.com").await;
    link_github(&t, &user_id, "77").await;
    let token = forgot(&t, "ada@example.com").await;
    let page = t.anonymous().get(&format!("/reset-password?token={token}")).await.text();
    assert!(page.contains("name=\"unlink\""));
    t.anonymous().form("/reset-password", &[("token", &token), ("new_password", NEW)]).await;
    assert!(t.app.core.identities.linked(&user_id).await.expect("a look").is_some());
}

#[tokio::test]
async fn a_known_and_an_unknown_address_are_limited_alike() {
    let t = TestApp::with_mail(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.create_verified("ada@example.com").await;
    for (n, email) in [(1, "ada@example.com"), (2, "nobody@example.com")] {
        let mut statuses = Vec::new();
        for _ in 0..7 {
            let mut client = t.anonymous();
            client.ip = [192, 0, 2, n].into();
            statuses.push(client.form("/forgot-password", &[("email", email)]).await.status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429], "{email}");
        // What a stranger used up is not its owner's.
        let mut owner = t.anonymous();
        owner.ip = [198, 51, 100, n].into();
        assert_eq!(owner.form("/forgot-password", &[("email", email)]).await.status, 200);
    }
}

#[tokio::test]
async fn a_request_and_its_reset_are_in_the_log_with_the_client_that_asked() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut client = t.anonymous();
    client.ip = [198, 51, 100, 7].into();
    client.form("/forgot-password", &[("email", "ada@example.com")]).await;
    let token = token_of(&t.mail().await[0]);
    t.anonymous().form("/reset-password", &[("token", &token), ("new_password", NEW)]).await;
    let user_id = t.user_id("ada@example.com").await;
    let (events, _) = t.app.core.security_log.list(&user_id, &[], None, 10).await.expect("a log");
    let asked = events.iter().find(|event| event.kind.as_str() == "recovery_requested").expect("an entry");
    assert_eq!(asked.ip, "198.51.100.7");
    assert!(events.iter().any(|event| event.kind.as_str() == "recovery_used"));
}

/// A link to GitHub, as if made there.
pub async fn link_github(t: &TestApp, user_id: &UserId, subject: &str) {
    sqlx::query(
        "insert into identities (provider, subject, user_id, login, created_at, host) \
         values ('github', $1, $2, 'octocat', $3, 'github.com')",
    )
    .bind(subject)
    .bind(user_id.as_str())
    .bind(t.clock.now())
    .execute(t.db.writer())
    .await
    .expect("a link");
}
