//! Deletion of an account: 7 days to change one's mind, and who loses access when.

use sekisho_core::{Error, SessionSelector, administration::AccessChange, mail::MailContent};
use sekisho_model::{EndReason, EventKind};
use serde_json::json;

use crate::harness::{
    Client, DAY, HOUR, MINUTE, PASSWORD, TestApp, context,
    mailbox::token_of,
    process::{Folder, run},
};

const EMAIL: &str = "ada.lovelace@example.com";
const BANNER: &str = "Your account will be deleted:";

async fn delete(browser: &mut Client) {
    assert_eq!(browser.form("/account/data/delete", &[]).await.location(), "/account/data");
}

async fn housekeeping(t: &TestApp) {
    t.app.core.run_housekeeping().await.expect("housekeeping");
}

#[tokio::test]
async fn a_deletion_can_be_taken_back_for_7_days_and_signing_in_alone_does_not() {
    let t = TestApp::new().await;
    let mut browser = t.browser(EMAIL).await;
    let (mut api, _) = t.sign_in_api(EMAIL).await;
    let mut elsewhere = t.sign_in_browser(EMAIL).await;
    assert!(browser.get("/account").await.page().has("a[href='/account/data']"));
    t.clock.advance(11 * MINUTE);
    let asked = browser.form("/account/data/delete", &[]).await;
    assert!(
        asked.status == 403 && asked.text().contains("Confirm it's you") && asked.text().contains("Delete account")
    );
    assert!(!browser.get("/").await.text().contains(BANNER));
    browser.form("/account/data/delete", &[("step_up_password", PASSWORD)]).await.location();

    assert_eq!(elsewhere.get("/devices").await.status, 303);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
    for path in ["/", "/devices", "/security", "/account/data", "/nothing"] {
        let page = browser.get(path).await.page();
        assert!(page.one(".deletion").text().contains(BANNER), "{path}");
    }
    assert!(browser.get("/security").await.text().contains("Account deletion requested"));
    t.clock.advance(6 * DAY);
    housekeeping(&t).await;
    let mut again = t.sign_in_browser(EMAIL).await;
    let page = again.get("/").await;
    assert!(page.text().contains(BANNER), "a sign-in does not take it back");
    delete(&mut again).await;
    assert_eq!(
        again.get("/").await.page().one(".deletion time").attr("datetime"),
        page.page().one(".deletion time").attr("datetime"),
        "asking again does not move it"
    );

    assert_eq!(again.form("/account/data/keep", &[]).await.location(), "/account/data");
    assert!(!again.get("/").await.text().contains(BANNER));
    t.clock.advance(2 * DAY);
    housekeeping(&t).await;
    let mut again = t.sign_in_browser(EMAIL).await;
    let log = again.get("/security").await.text();
    assert!(log.contains("Account deletion cancelled") && !log.contains("Account removed"));
}

#[tokio::test]
async fn when_it_is_due_every_token_is_refused_at_once_on_every_node_and_after_a_restart() {
    let t = TestApp::with(&[("SEKISHO_API_ABSOLUTE", "90d")]).await;
    let mut browser = t.browser(EMAIL).await;
    delete(&mut browser).await;
    t.clock.advance(7 * DAY - 5 * MINUTE);
    let (mut api, tokens) = t.sign_in_api(EMAIL).await;
    let user_id = t.user_id(EMAIL).await;
    let node = t.second_node().await;
    t.clock.advance(6 * MINUTE);
    housekeeping(&t).await;
    let refused = |answer: crate::harness::Answer| {
        assert_eq!(answer.problem(401, "session_revoked")["reason"], "account_disabled");
    };
    refused(api.get("/api/v1/sessions").await);
    node.app.core.follow(None).await.expect("polled");
    refused(api.at(&node).get("/api/v1/sessions").await);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    refused(t.anonymous().post("/api/v1/tokens/refresh", refresh.clone()).await);
    let sign_in = json!({ "email": EMAIL, "password": PASSWORD });
    t.anonymous().post("/api/v1/tokens", sign_in.clone()).await.problem(403, "account_disabled");
    let feed = t.anonymous().get("/api/v1/revocations").await.json();
    let told = feed["items"].as_array().expect("items").iter().find(|item| item["sid"] == tokens["session_id"]);
    assert_eq!(told.expect("the session")["reason"], "account_disabled");

    // A token of before lives on for minutes, and so does what refuses it.
    t.clock.advance(8 * MINUTE);
    let t = t.restart().await;
    housekeeping(&t).await;
    refused(api.at(&t).get("/api/v1/sessions").await);
    assert!(t.app.core.accounts.find(&user_id).await.expect("a look").is_some());

    t.clock.advance(9 * MINUTE);
    housekeeping(&t).await;
    assert!(t.app.core.accounts.find(&user_id).await.expect("a look").is_none());
    api.at(&t).get("/api/v1/sessions").await.problem(401, "invalid_token");
    assert_eq!(api.at(&node).get("/api/v1/me").await.status, 401);
    t.anonymous().post("/api/v1/tokens/refresh", refresh).await.problem(401, "invalid_refresh_token");
    t.anonymous().post("/api/v1/tokens", sign_in).await.problem(401, "invalid_credentials");
    node.app.core.run_housekeeping().await.expect("nothing to do");
}

#[tokio::test]
async fn this_was_not_me_keeps_the_account() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified(EMAIL).await;
    let mut intruder = t.sign_in_browser(EMAIL).await;
    delete(&mut intruder).await;
    let mails = t.mail().await;
    let told = |kind| move |mail: &&sekisho_core::mail::Mail| matches!(&mail.content, MailContent::Notice { event, .. } if *event == kind);
    let mail = mails.iter().find(told(EventKind::AccountDeletionRequested)).expect("a message");
    let token = token_of(mail);
    t.clock.advance(6 * DAY);
    assert!(t.anonymous().get(&format!("/not-me?token={token}")).await.text().contains("Account deletion requested"));
    let reset = t.anonymous().form("/not-me", &[("token", &token)]).await;
    assert!(reset.text().contains("/reset-password"));
    t.clock.advance(2 * DAY);
    housekeeping(&t).await;
    assert_eq!(intruder.get("/devices").await.status, 303);
    let user = t.app.core.accounts.find_by_id_or_email(EMAIL).await.expect("a look").expect("it is kept");
    assert_eq!((user.delete_at, user.disabled_at), (None, None));
}

#[tokio::test]
async fn a_link_of_before_does_not_revive_an_account_that_is_being_deleted() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified(EMAIL).await;
    let mut browser = t.sign_in_browser(EMAIL).await;
    delete(&mut browser).await;
    t.mail().await;
    t.clock.advance(6 * DAY);
    let mut other = t.anonymous();
    other.headers.push(("user-agent", "curl/8.5".into()));
    other.post("/api/v1/tokens", json!({ "email": EMAIL, "password": PASSWORD })).await;
    let (_, not_me) = t.mail_token().await;
    t.clock.advance(DAY);
    housekeeping(&t).await;
    assert_eq!(t.anonymous().form("/not-me", &[("token", &not_me)]).await.status, 403);
    t.clock.advance(HOUR);
    housekeeping(&t).await;
    assert_eq!(t.anonymous().form("/not-me", &[("token", &not_me)]).await.status, 403);
    assert!(t.app.core.accounts.find_by_id_or_email(EMAIL).await.expect("a look").is_none());
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let t = TestApp::new().await;
    t.admin("root@example.com").await;
    let mut root = t.sign_in_browser("root@example.com").await;
    let refused = root.form("/account/data/delete", &[]).await;
    assert_eq!(refused.status, 409);
    assert!(!root.get("/").await.text().contains(BANNER));
    let id = t.user_id("root@example.com").await;
    let now = t.app.core.accounts.delete_now(&id, &context(None)).await;
    assert!(matches!(now, Err(Error::LastAdmin)));

    // One who is about to go does not count.
    t.admin("other@example.com").await;
    let mut other = t.sign_in_browser("other@example.com").await;
    delete(&mut root).await;
    assert_eq!(other.form("/account/data/delete", &[]).await.status, 409);
    let other_id = t.user_id("other@example.com").await;
    let disabled = t.app.core.administration.change_access(&other_id, AccessChange::disabled(true), None).await;
    assert!(matches!(disabled, Err(Error::LastAdmin)));
    root.form("/account/data/keep", &[]).await.location();
    delete(&mut other).await;
}

#[tokio::test]
async fn a_sign_in_under_way_when_it_is_due_gets_no_session() {
    let t = TestApp::new().await;
    t.register(EMAIL).await;
    let (core, context) = (&t.app.core, context(None));
    let id = t.user_id(EMAIL).await;
    t.sign_in_api(EMAIL).await;
    let authenticate = || core.password.authenticate(EMAIL, PASSWORD, &context);
    let (first, second) = (authenticate().await.expect("authenticated"), authenticate().await.expect("authenticated"));
    core.accounts.delete_now(&id, &context).await.expect("due");
    housekeeping(&t).await;
    let begun = core.sign_in.proceed_in_browser(first, None, None, &context).await;
    assert!(matches!(begun, Err(Error::AccountDisabled)), "{begun:?}");
    t.clock.advance(HOUR);
    housekeeping(&t).await;
    let begun = core.sign_in.proceed_in_browser(second, None, None, &context).await;
    assert!(matches!(begun, Err(Error::InvalidCredentials)), "{begun:?}");
}

#[tokio::test]
async fn of_a_deletion_and_a_sign_in_at_once_one_comes_first() {
    let t = TestApp::new().await;
    for n in 0..8 {
        let email = format!("ada{n}@example.com");
        t.register(&email).await;
        let id = t.user_id(&email).await;
        let mut clients = [t.anonymous(), t.anonymous(), t.anonymous()];
        let sign_in = json!({ "email": email, "password": PASSWORD });
        let [a, b, c] = clients.each_mut().map(|client| client.post("/api/v1/tokens", sign_in.clone()));
        let deletion = async {
            t.app.core.accounts.delete_now(&id, &context(None)).await.expect("due");
            t.app.core.delete_due_accounts().await.expect("carried out");
        };
        let (a, b, c, ()) = tokio::join!(a, b, c, deletion);
        for answer in [a, b, c] {
            let mut client = t.anonymous();
            match answer.status.as_u16() {
                200 => client.bearer = answer.json()["access_token"].as_str().map(Into::into),
                status => assert!([401, 403].contains(&status), "{}", answer.text()),
            }
            assert_eq!(client.get("/api/v1/sessions").await.status, 401, "{n}");
        }
        t.clock.advance(HOUR);
        housekeeping(&t).await;
        let ended = t.app.core.sessions.end(SessionSelector::AllOf(&id), EndReason::SignedOut, None).await;
        assert_eq!(ended.expect("a look"), 0);
        assert!(t.app.core.accounts.find_by_id_or_email(&email).await.expect("a look").is_none());
    }
}

#[test]
fn the_command_line_deletes_in_7_days_or_now() {
    let folder = Folder::new();
    let told = |arguments: &[&str], status: i32, said: &str| {
        let (code, text) = run(&folder, arguments);
        assert!(code == Some(status) && text.contains(said), "{arguments:?}: {text}");
    };
    told(&["user", "create", EMAIL], 0, "has an account");
    told(&["user", "delete", "nobody@example.com"], 1, "has no account");
    told(&["user", "delete", EMAIL], 0, "will be deleted at 20");
    told(&["user", "delete", EMAIL, "--now"], 0, "is deleted.");
    told(&["user", "delete", EMAIL, "--now"], 1, "has no account");
    told(&["user", "create", "root@example.com", "--admin"], 0, "role admin");
    told(&["user", "delete", "root@example.com", "--now"], 1, "administrator");
}
