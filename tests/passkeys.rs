//! Passkeys, with an authenticator in software: what is accepted, what is refused, and what follows from it.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, HOUR, MINUTE, PASSWORD, TestApp, mailbox::token_of, passkey::Passkey};
use sekisho_core::mail::MailContent;
use sekisho_model::EventKind;

const BASE: (&str, &str) = ("SEKISHO_BASE_URL", "http://localhost:3000");

async fn app() -> TestApp {
    TestApp::with(&[BASE]).await
}

/// A browser signed in to a new account, and its passkey.
async fn enrolled(t: &TestApp, email: &str, mut passkey: Passkey) -> (Client, Passkey) {
    let mut browser = t.browser(email).await;
    assert_eq!(browser.add_passkey(&mut passkey).await.location(), "/account/security?done=passkey-added");
    (browser, passkey)
}

/// A browser signed in with a passkey.
async fn signed_in_by(t: &TestApp, passkey: &mut Passkey) -> Client {
    let mut browser = t.anonymous();
    assert_eq!(browser.sign_in_by_passkey(passkey).await.location(), "/account");
    browser
}

/// How often the log says so.
async fn count(t: &TestApp, kind: EventKind) -> i64 {
    let statement = "select count(*) from events where kind = $1";
    sqlx::query_scalar(statement).bind(kind.as_str()).fetch_one(t.db.reader()).await.expect("a count")
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(answer.text().contains("This passkey was not accepted"));
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_user_name_and_counts_as_two_factors() {
    // Its token is read.
    let t = TestApp::with(&[BASE, ("SEKISHO_STRATEGY", "hybrid")]).await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut other = t.anonymous();
    let page = other.get("/login?next=/account").await.text();
    assert!(page.contains("autocomplete=\"username webauthn\""));
    assert_eq!(other.sign_in_by_passkey(&mut passkey).await.location(), "/account");
    assert_eq!(other.get("/account").await.status, 200);

    let token =
        other.post("/session/token", json!({})).await.json()["access_token"].as_str().expect("a token").to_owned();
    let claims = claims(&token);
    assert_eq!(claims["acr"], "urn:sekisho:aal2");
    assert_eq!(claims["amr"], json!(["pop", "user", "mfa"]));
    let list = other.get("/account/security").await.text();
    assert!(list.contains("My key") && list.contains("Synced"));
}

fn claims(token: &str) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn options_require_a_discoverable_credential_and_user_verification_and_name_nobody() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = signed_in_by(&t, &mut passkey).await;
    let options = browser.begin_ceremony("enrol").await.options;
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["excludeCredentials"][0]["id"], passkey.id());
    let options = t.anonymous().begin_ceremony("sign-in").await.options;
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "localhost");
    assert_eq!(options["allowCredentials"], json!([]));
    let step_up = browser.begin_ceremony("step-up").await.options;
    assert_eq!(step_up["allowCredentials"][0]["id"], passkey.id());
}

#[tokio::test]
async fn an_assertion_without_user_verification_is_refused() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = t.browser("eve@example.com").await;
    passkey.verifies_user = false;
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut passkey).await);
    assert_refused(&browser.add_passkey(&mut Passkey { verifies_user: false, ..Passkey::new() }).await);
    assert_eq!(count(&t, EventKind::SignInFailed).await, 1);
}

#[tokio::test]
async fn an_assertion_from_another_origin_rp_id_or_frame_is_refused() {
    let t = app().await;
    let (_, passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let wrong = [
        Passkey { origin: "http://localhost:3001".into(), ..passkey.clone() },
        Passkey { origin: "https://localhost:3000".into(), ..passkey.clone() },
        Passkey { origin: "http://evil.localhost:3000".into(), ..passkey.clone() },
        Passkey { rp_id: "evil.example".into(), ..passkey.clone() },
        Passkey { cross_origin: true, ..passkey },
    ];
    for mut passkey in wrong {
        assert_refused(&t.anonymous().sign_in_by_passkey(&mut passkey).await);
    }
}

#[tokio::test]
async fn an_additional_origin_is_accepted() {
    let t = TestApp::with(&[BASE, ("SEKISHO_WEBAUTHN_ORIGINS", "http://app.localhost:3000")]).await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    passkey.origin = "http://app.localhost:3000".into();
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 303);
    passkey.origin = "http://other.localhost:3000".into();
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut passkey).await);
}

#[tokio::test]
async fn an_assertion_is_no_proof_for_another_challenge() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut thief = t.anonymous();
    let ceremony = thief.begin_ceremony("sign-in").await;
    // With the challenge that it was made for, which is in its client data (CVE-2026-28787).
    let answer = passkey.assert(&json!({ "challenge": "b3duIGNoYWxsZW5nZSwgb3duIGNoYWxsZW5nZSwgb3du" }));
    assert_refused(&thief.send_assertion(&ceremony, &answer).await);
}

#[tokio::test]
async fn a_ceremony_is_finished_once_in_its_browser_and_within_ten_minutes() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = t.anonymous();
    let ceremony = browser.begin_ceremony("sign-in").await;
    let answer = passkey.assert(&ceremony.options);
    let mut thief = t.anonymous();
    thief.begin_ceremony("sign-in").await;
    for refused in
        [thief.send_assertion(&ceremony, &answer).await, t.anonymous().send_assertion(&ceremony, &answer).await]
    {
        assert_eq!(refused.status, 403, "{}", refused.text());
    }
    assert_eq!(browser.clone().send_assertion(&ceremony, &answer).await.status, 303);
    assert_eq!(browser.clone().send_assertion(&ceremony, &answer).await.status, 403, "used");
    let late = browser.begin_ceremony("sign-in").await;
    t.clock.advance(10 * MINUTE);
    let answer = passkey.assert(&late.options);
    assert_eq!(browser.send_assertion(&late, &answer).await.status, 403, "expired");
}

#[tokio::test]
async fn ceremonies_of_different_kinds_and_sessions_are_not_confused() {
    let t = app().await;
    let (mut ada, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let sign_in = ada.begin_ceremony("sign-in").await;
    let answer = Passkey::new().register(&json!({ "challenge": sign_in.options["challenge"], "user": { "id": "" } }));
    assert_eq!(ada.send_registration(&sign_in, &answer).await.status, 403);
    let step_up = ada.begin_ceremony("step-up").await;
    let answer = passkey.assert(&step_up.options);
    assert_eq!(ada.send_assertion(&step_up, &answer).await.status, 403);
    // Another person at the same browser finishes what Ada began.
    let mut ada = signed_in_by(&t, &mut passkey).await;
    let enrolment = ada.begin_ceremony("enrol").await;
    let mut eve = t.browser("eve@example.com").await;
    eve.cookies.insert("sekisho_ceremony".into(), ada.cookies["sekisho_ceremony"].clone());
    let answer = Passkey::new().register(&enrolment.options);
    assert_eq!(eve.send_registration(&enrolment, &answer).await.status, 403);
}

#[tokio::test]
async fn a_credential_signs_in_its_own_account_only() {
    let t = app().await;
    let (_, ada) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let (_, mut eve) = enrolled(&t, "eve@example.com", Passkey::new()).await;
    let mut eve_browser = signed_in_by(&t, &mut eve).await;
    // Eve's key that names Ada, and Ada's credential id with Eve's key.
    for mut forged in [
        Passkey { user_handle: ada.user_handle.clone(), ..eve.clone() },
        Passkey { id: ada.id.clone(), user_handle: ada.user_handle.clone(), ..eve.clone() },
        Passkey { user_handle: Vec::new(), ..eve.clone() },
        Passkey { user_handle: b"ada@example.com".to_vec(), ..eve.clone() },
    ] {
        assert_refused(&t.anonymous().sign_in_by_passkey(&mut forged).await);
    }
    // A credential is registered once, whoever has it.
    let mut copied = Passkey { id: ada.id.clone(), ..Passkey::new() };
    assert_refused(&eve_browser.add_passkey(&mut copied).await);
}

#[tokio::test]
async fn a_second_passkey_keeps_the_first_and_the_user_handle() {
    let t = app().await;
    let (_, mut first) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = signed_in_by(&t, &mut first).await;
    let mut second = Passkey::counting();
    assert_eq!(browser.add_passkey(&mut second).await.location(), "/account/security?done=passkey-added");
    assert_eq!(first.user_handle, second.user_handle);
    assert_eq!(first.user_handle.len(), 16);
    for passkey in [&mut first, &mut second] {
        assert_eq!(t.anonymous().sign_in_by_passkey(passkey).await.status, 303);
    }
    // The same authenticator again (`excludeCredentials`).
    assert_refused(&browser.add_passkey(&mut first).await);
}

#[tokio::test]
async fn a_counter_that_goes_back_suspends_the_passkey_and_its_owner_is_told() {
    let t = TestApp::with_mail(&[BASE]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let mut passkey = Passkey::counting();
    browser.add_passkey(&mut passkey).await.location();
    passkey.counter = 5;
    let mut clone = passkey.clone();
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 303);
    t.mail().await;
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut clone).await);
    let mails = t.mail().await;
    assert!(
        matches!(&mails[0].content, MailContent::Notice { event: EventKind::PasskeyCloned, token: Some(_), .. }),
        "{mails:?}"
    );
    assert_eq!(count(&t, EventKind::PasskeyCloned).await, 1);
    // It stays so, for the original as well, until it is removed.
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut passkey).await);
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut clone).await);
    assert_eq!(count(&t, EventKind::PasskeyCloned).await, 1);
    assert!(browser.get("/account/security").await.text().contains("Suspended"));
    assert_eq!(remove(&mut browser, &passkey).await.location(), "/account/security?done=passkey-removed");
}

#[tokio::test]
async fn a_counter_that_becomes_zero_is_a_regression_and_one_that_stays_zero_is_none() {
    let t = app().await;
    let (_, mut synced) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    for _ in 0..3 {
        assert_eq!(t.anonymous().sign_in_by_passkey(&mut synced).await.status, 303);
    }
    let (_, mut counting) = enrolled(&t, "eve@example.com", Passkey::counting()).await;
    counting.counter = 2;
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut counting).await.status, 303);
    counting.counter = 0;
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut counting).await);
    assert_eq!(count(&t, EventKind::PasskeyCloned).await, 1);
}

#[tokio::test]
async fn who_has_not_the_private_key_can_not_suspend_a_passkey() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::counting()).await;
    passkey.counter = 9;
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 303);
    let (id, user_handle) = (passkey.id.clone(), passkey.user_handle.clone());
    let mut forged = Passkey { id, user_handle, counter: 1, ..Passkey::counting() };
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut forged).await);
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 303);
    assert_eq!(count(&t, EventKind::PasskeyCloned).await, 0);
}

async fn remove(browser: &mut Client, passkey: &Passkey) -> Answer {
    browser.form("/account/passkeys/remove", &[("id", &passkey.id())]).await
}

#[tokio::test]
async fn a_removed_passkey_signs_in_no_more_and_its_sessions_end() {
    let t = app().await;
    let (mut browser, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut by_removed = signed_in_by(&t, &mut passkey).await;
    let mut kept = Passkey::new();
    by_removed.add_passkey(&mut kept).await.location();
    let mut by_kept = signed_in_by(&t, &mut kept).await;
    assert_eq!(remove(&mut by_kept, &passkey).await.location(), "/account/security?done=passkey-removed");
    assert_eq!(by_removed.get("/account").await.status, 303);
    assert_eq!(by_kept.get("/account").await.status, 200);
    assert_eq!(browser.get("/account").await.status, 200);
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut passkey).await);
    assert_eq!(remove(&mut by_kept, &passkey).await.status, 404);
    assert_eq!(count(&t, EventKind::PasskeyRemoved).await, 1);
}

#[tokio::test]
async fn the_passkeys_of_others_can_not_be_renamed_or_removed() {
    let t = app().await;
    let (_, passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut eve = t.browser("eve@example.com").await;
    assert_eq!(remove(&mut eve, &passkey).await.status, 404);
    let id = passkey.id();
    assert_eq!(eve.form("/account/passkeys/rename", &[("id", &id), ("name", "Eve's")]).await.status, 404);
}

#[tokio::test]
async fn a_passkey_is_renamed() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = signed_in_by(&t, &mut passkey).await;
    let id = passkey.id();
    let renamed = browser.form("/account/passkeys/rename", &[("id", &id), ("name", "<b>Phone</b>")]).await;
    assert_eq!(renamed.location(), "/account/security?done=passkey-renamed");
    let page = browser.get("/account/security").await.text();
    assert!(page.contains("&lt;b&gt;Phone") && !page.contains("<b>Phone"));
    assert_eq!(browser.form("/account/passkeys/rename", &[("id", &id), ("name", " ")]).await.status, 422);
}

#[tokio::test]
async fn the_last_way_in_is_not_removed() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let forget = "update users set password_hash = null, password_changed_at = null";
    sqlx::query(forget).execute(t.db.writer()).await.expect("an account without a password");
    let mut browser = signed_in_by(&t, &mut passkey).await;
    assert_eq!(remove(&mut browser, &passkey).await.status, 409);
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 303);
}

#[tokio::test]
async fn adding_and_removing_ask_for_a_recent_authentication() {
    let t = app().await;
    let mut browser = t.browser("ada@example.com").await;
    let mut passkey = Passkey::new();
    let ceremony = browser.begin_ceremony("enrol").await;
    t.clock.advance(HOUR / 2);
    browser.post("/session/passkeys/enrol", json!({})).await.problem(401, "step_up_required");
    // The button then sends the form without a passkey.
    let asked = browser.form("/account/passkeys", &[("name", "Phone"), ("passkey", "")]).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text().contains("Confirm it&#x27;s you") || asked.text().contains("Confirm it's you"));
    let fields = [("name", "Phone"), ("passkey", ""), ("step_up_password", PASSWORD)];
    let confirmed = browser.form("/account/passkeys", &fields).await;
    assert_eq!(confirmed.location(), "/account/security?done=passkey-confirmed");
    let answer = passkey.register(&ceremony.options);
    assert_eq!(browser.send_registration(&ceremony, &answer).await.status, 403, "expired");
    assert_eq!(browser.add_passkey(&mut passkey).await.status, 303);
    t.anonymous().post("/session/passkeys/enrol", json!({})).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_passkey_is_a_step_up() {
    let t = app().await;
    let (_, mut passkey) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let mut browser = signed_in_by(&t, &mut passkey).await;
    t.clock.advance(HOUR / 2);
    let asked = browser.form("/devices/end-others", &[]).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text().contains("Use a passkey"));
    let cookie = browser.session_cookie();
    let ceremony = browser.begin_ceremony("step-up").await;
    let answer = passkey.assert(&ceremony.options).to_string();
    let fields = [("step_up_passkey_flow", ceremony.flow.as_str()), ("step_up_passkey", &answer)];
    assert_eq!(browser.form("/devices/end-others", &fields).await.location(), "/devices?done=others");
    assert_ne!(browser.session_cookie(), cookie, "another token");
    assert_eq!(count(&t, EventKind::SteppedUp).await, 1);
    // Without user verification it is none.
    t.clock.advance(HOUR / 2);
    let ceremony = browser.begin_ceremony("step-up").await;
    passkey.verifies_user = false;
    let answer = passkey.assert(&ceremony.options).to_string();
    let fields = [("step_up_passkey_flow", ceremony.flow.as_str()), ("step_up_passkey", &answer)];
    assert_refused(&browser.form("/devices/end-others", &fields).await);
    assert_eq!(count(&t, EventKind::StepUpFailed).await, 1);
}

#[tokio::test]
async fn somebody_elses_passkey_is_no_step_up() {
    let t = app().await;
    let (mut ada, _) = enrolled(&t, "ada@example.com", Passkey::new()).await;
    let (_, mut eve) = enrolled(&t, "eve@example.com", Passkey::new()).await;
    t.clock.advance(HOUR / 2);
    for handle in [eve.user_handle.clone(), Vec::new()] {
        let ceremony = ada.begin_ceremony("step-up").await;
        eve.user_handle = handle;
        let answer = eve.assert(&ceremony.options).to_string();
        let fields = [("step_up_passkey_flow", ceremony.flow.as_str()), ("step_up_passkey", &answer)];
        assert_refused(&ada.form("/devices/end-others", &fields).await);
    }
}

#[tokio::test]
async fn a_disabled_account_and_the_device_limit_count_for_passkeys_too() {
    let t = TestApp::with(&[BASE, ("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut browser, mut passkey) = enrolled(&t, "ada@example.com", Passkey::counting()).await;
    passkey.counter = 2;
    let mut other = t.anonymous();
    let page = other.sign_in_by_passkey(&mut passkey).await;
    assert_eq!(page.status, 403);
    let page = page.page();
    let form = page.one("form[action='/login/room']");
    let (waiting, id) = (form.field("waiting"), form.field("id"));
    let chosen = other.form("/login/room", &[("waiting", &waiting), ("id", &id)]).await;
    assert_eq!(chosen.location(), "/account");
    assert_eq!(browser.get("/account").await.status, 303);
    sqlx::query("update users set disabled_at = 1").execute(t.db.writer()).await.expect("disabled");
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut passkey).await.status, 403);
}

#[tokio::test]
async fn not_me_removes_a_passkey_that_was_added_and_brings_back_one_that_was_removed() {
    let t = TestApp::with_mail(&[BASE]).await;
    t.create_verified("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let mut own = Passkey::new();
    owner.add_passkey(&mut own).await.location();
    t.clock.advance(MINUTE);
    t.mail().await;
    let mut intruder = signed_in_by(&t, &mut own).await;
    t.mail().await;
    let mut theirs = Passkey::new();
    intruder.add_passkey(&mut theirs).await.location();
    let (mail, added) = t.mail_token().await;
    assert!(matches!(mail.content, MailContent::Notice { event: EventKind::PasskeyAdded, .. }));
    t.clock.advance(MINUTE);
    remove(&mut intruder, &own).await.location();
    let mails = t.mail().await;
    assert!(matches!(&mails[0].content, MailContent::Notice { event: EventKind::PasskeyRemoved, .. }));
    let removed = token_of(&mails[0]);
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut own).await);

    let reset = not_me(&t, &removed).await;
    assert!(reset.text().contains("Also remove GitHub links and passkeys from before"));
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut own).await);
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut theirs).await);
    choose_password(&t, &reset, &[]).await;
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut own).await.status, 303, "restored");
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut theirs).await.status, 303, "older than what was reverted");

    let reset = not_me(&t, &added).await;
    choose_password(&t, &reset, &[]).await;
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut theirs).await);
    assert_eq!(t.anonymous().sign_in_by_passkey(&mut own).await.status, 303, "older");
}

#[tokio::test]
async fn not_me_removes_earlier_passkeys_if_the_box_is_ticked() {
    let t = TestApp::with_mail(&[BASE]).await;
    t.create_verified("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let mut earlier = Passkey::new();
    owner.add_passkey(&mut earlier).await.location();
    t.clock.advance(MINUTE);
    t.mail().await;
    owner.add_passkey(&mut Passkey::new()).await.location();
    let (_, added) = t.mail_token().await;
    let reset = not_me(&t, &added).await;
    choose_password(&t, &reset, &[("unlink", "yes")]).await;
    assert_refused(&t.anonymous().sign_in_by_passkey(&mut earlier).await);
}

/// Presses "This wasn't me"; returns the page that asks for a new password.
async fn not_me(t: &TestApp, token: &str) -> Answer {
    let pressed = t.anonymous().form("/not-me", &[("token", token)]).await;
    assert_eq!(pressed.status, 200);
    pressed
}

async fn choose_password(t: &TestApp, page: &Answer, more: &[(&str, &str)]) {
    let token = page.page().form("/reset-password").field("token");
    let fields = [&[("token", token.as_str()), ("new_password", "another good passphrase")], more].concat();
    assert_eq!(t.anonymous().form("/reset-password", &fields).await.status, 303);
}

#[tokio::test]
async fn challenges_are_rate_limited_by_network() {
    let t = TestApp::with(&[BASE, ("SEKISHO_RATE_LIMIT", "on")]).await;
    let mut stranger = t.anonymous();
    stranger.ip = [203, 0, 113, 9].into();
    for _ in 0..120 {
        stranger.begin_ceremony("sign-in").await;
    }
    stranger.post("/session/passkeys/sign-in", json!({})).await.problem(429, "rate_limited");
    t.anonymous().begin_ceremony("sign-in").await;
}

#[tokio::test]
async fn at_an_ip_address_there_are_no_passkeys() {
    let t = TestApp::new().await;
    t.anonymous().post("/session/passkeys/sign-in", json!({})).await.problem(404, "not_found");
    assert!(!t.anonymous().get("/login").await.text().contains("webauthn"));
    let mut browser = t.browser("ada@example.com").await;
    assert!(!browser.get("/account/security").await.text().contains("Add a passkey"));
}

#[tokio::test]
async fn what_is_no_credential_is_refused() {
    let t = app().await;
    let mut browser = t.browser("ada@example.com").await;
    for nonsense in [json!(null), json!({}), json!([1]), json!("x".repeat(60_000))] {
        let mut stranger = t.anonymous();
        let ceremony = stranger.begin_ceremony("sign-in").await;
        assert_refused(&stranger.send_assertion(&ceremony, &nonsense).await);
        let ceremony = browser.begin_ceremony("enrol").await;
        assert_refused(&browser.send_registration(&ceremony, &nonsense).await);
    }
}

#[tokio::test]
async fn a_pending_sign_in_whose_passkey_was_used_meanwhile_is_refused_and_no_alarm() {
    let t = TestApp::with(&[BASE, ("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut browser, mut passkey) = enrolled(&t, "ada@example.com", Passkey::counting()).await;
    t.clock.advance(HOUR / 2);
    let mut other = t.anonymous();
    let page = other.sign_in_by_passkey(&mut passkey).await.page();
    let form = page.one("form[action='/login/room']");
    let ceremony = browser.begin_ceremony("step-up").await;
    let answer = passkey.assert(&ceremony.options).to_string();
    let fields = [("step_up_passkey_flow", ceremony.flow.as_str()), ("step_up_passkey", &answer)];
    assert_eq!(browser.form("/devices/end-others", &fields).await.status, 303);
    let chosen = other.form("/login/room", &[("waiting", &form.field("waiting")), ("id", &form.field("id"))]).await;
    assert_eq!(chosen.status, 401);
    assert_eq!(browser.get("/account").await.status, 200);
    assert_eq!(count(&t, EventKind::PasskeyCloned).await, 0);
}

#[tokio::test]
async fn a_passkey_is_offered_after_a_sign_in_by_password_until_the_answer_is_no() {
    let t = app().await;
    let mut browser = t.browser("ada@example.com").await;
    let offers = async |browser: &mut Client| browser.get("/devices").await.page().has("#passkey-offer");
    assert!(offers(&mut browser).await);
    t.clock.advance(6 * MINUTE);
    assert!(!offers(&mut browser).await);
    let mut again = t.sign_in_browser("ada@example.com").await;
    assert!(offers(&mut again).await);
    again.headers.push(("referer", "http://localhost:3000/devices".into()));
    assert_eq!(again.form("/account/passkeys/decline", &[]).await.location(), "/devices");
    assert!(!offers(&mut again).await);
    assert!(!offers(&mut t.sign_in_browser("ada@example.com").await).await);
    let (mut eve, _) = enrolled(&t, "eve@example.com", Passkey::new()).await;
    assert!(!offers(&mut eve).await);
}
