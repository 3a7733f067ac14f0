//! Authenticator apps: enrolment, and codes that work once.

use sekisho_core::Actor;
use serde_json::json;

use crate::harness::{
    MINUTE, PASSWORD, SECRET, TestApp, context,
    totp::{challenge, present, secret_of},
};

async fn is_accepted(t: &TestApp, code: &str) -> bool {
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, "ada@example.com").await;
    present(&mut browser, &waiting, "code", code).await.status == 303
}

#[tokio::test]
async fn an_app_is_set_up_by_qr_code_link_or_key_and_confirmed_by_a_code() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let answer = browser.form("/account/security/totp", &[]).await;
    let page = answer.page();
    assert!(page.one("svg.qr path").attr("d").expect("a path").len() > 1_000);
    assert!(page.one("svg.qr").attr("aria-label").is_some());
    let uri = page.one("main a[href^='otpauth:']").attr("href").expect("a link").to_owned();
    let key = page.one("code.secret").text();
    let secret = key.replace(' ', "");
    assert_eq!((secret.len(), key.len()), (32, 39), "in groups");
    assert!(uri.starts_with("otpauth://totp/Sekisho%20127.0.0.1:ada%40example.com?"), "{uri}");
    assert!(uri.contains(&format!("secret={secret}&issuer=Sekisho%20127.0.0.1&")), "{uri}");
    let field = page.form("/account/security/totp/confirm").one("[name=code]");
    assert_eq!((field.attr("autocomplete"), field.attr("inputmode")), (Some("one-time-code"), Some("numeric")));

    // A wrong code changes nothing, and the same key can be confirmed.
    let authenticator = secret_of(&page);
    let enrollment = page.field("enrollment");
    let confirm = "/account/security/totp/confirm";
    let wrong = browser.form(confirm, &[("enrollment", &enrollment), ("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.page().one("code.secret").text(), key);
    assert!(wrong.text().contains("This code is not right"));
    let before = browser.clone();
    let code = authenticator.code(t.clock.now());
    let done = browser.form(confirm, &[("enrollment", &enrollment), ("code", &code)]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(before.clone().get("/account").await.status, 303, "the session has a new secret");
    let page = browser.get("/account/security").await;
    assert!(page.text().contains("10 codes are left") && !page.text().contains(&secret));
    let again = browser.form(confirm, &[("enrollment", &enrollment), ("code", &code)]).await;
    assert_eq!(again.status, 403, "used once");
    let stored: String = sqlx::query_scalar("select secret from totp").fetch_one(t.db.reader()).await.expect("a row");
    assert!(!stored.contains(&secret), "sealed");
}

#[tokio::test]
async fn an_enrolment_belongs_to_one_user_in_one_browser_for_ten_minutes() {
    let t = TestApp::new().await;
    let mut ada = t.browser("ada@example.com").await;
    let page = ada.form("/account/security/totp", &[]).await.page();
    let (authenticator, enrollment) = (secret_of(&page), page.field("enrollment"));
    let code = authenticator.code(t.clock.now());
    let fields = [("enrollment", enrollment.as_str()), ("code", code.as_str())];
    // Another user in this browser, and the same user in another.
    let mut eve = t.browser("eve@example.com").await;
    eve.cookies.extend(
        ada.cookies.iter().filter(|(name, _)| *name == "sekisho_ceremony").map(|(n, v)| (n.clone(), v.clone())),
    );
    let mut elsewhere = t.sign_in_browser("ada@example.com").await;
    elsewhere.form("/account/security/totp", &[]).await;
    for other in [&mut eve, &mut elsewhere] {
        assert_eq!(other.form("/account/security/totp/confirm", &fields).await.status, 403);
    }
    t.clock.advance(10 * MINUTE);
    let code = authenticator.code(t.clock.now());
    let late = [("enrollment", enrollment.as_str()), ("code", code.as_str()), ("step_up_password", PASSWORD)];
    assert_eq!(ada.form("/account/security/totp/confirm", &late).await.status, 403);
}

#[tokio::test]
async fn a_code_works_once_with_one_step_of_drift_and_the_enrolments_is_none() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let page = browser.form("/account/security/totp", &[]).await.page();
    let (authenticator, enrollment) = (secret_of(&page), page.field("enrollment"));
    let first = authenticator.code(t.clock.now());
    browser.form("/account/security/totp/confirm", &[("enrollment", &enrollment), ("code", &first)]).await;
    assert!(!is_accepted(&t, &first).await, "the enrolment's code");

    let code = t.next_code(&authenticator);
    assert!(is_accepted(&t, &format!(" {} {} ", &code[..3], &code[3..])).await);
    assert!(!is_accepted(&t, &code).await, "twice");
    assert!(!is_accepted(&t, &first).await, "an earlier one");
    let ahead = authenticator.code(t.clock.now() + 30_000);
    assert!(is_accepted(&t, &ahead).await, "a clock that is ahead");
    let now = authenticator.code(t.clock.now());
    assert!(!is_accepted(&t, &now).await, "an earlier step than the last accepted");
    t.clock.advance(5 * MINUTE);
    let behind = authenticator.code(t.clock.now() - 30_000);
    let late = authenticator.code(t.clock.now() - 60_000);
    assert!(!is_accepted(&t, &late).await && is_accepted(&t, &behind).await, "a clock that is behind");
}

#[tokio::test]
async fn of_thirty_parallel_sign_ins_with_one_code_one_wins() {
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut asked = Vec::new();
    for _ in 0..30 {
        let mut browser = t.anonymous();
        let waiting = challenge(&mut browser, "ada@example.com").await;
        asked.push((browser, waiting));
    }
    let code = t.next_code(&authenticator);
    let tries = asked.iter_mut().map(|(browser, waiting)| present(browser, waiting, "code", &code));
    let won = futures::future::join_all(tries).await.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(won, 1);
    let logged: i64 = sqlx::query_scalar("select count(*) from events where kind = 'second_factor_failed'")
        .fetch_one(t.db.reader())
        .await
        .expect("a count");
    assert_eq!(logged, 29, "whenever each was found out");
}

#[tokio::test]
async fn another_app_replaces_the_first() {
    let t = TestApp::new().await;
    let (mut browser, old, old_codes) = t.enrolled_browser("ada@example.com").await;
    t.clock.advance(MINUTE);
    let (new, codes) = t.enroll(&mut browser).await;
    assert!(old_codes.iter().all(|code| !codes.contains(code)));
    t.clock.advance(MINUTE);
    assert!(!is_accepted(&t, &old.code(t.clock.now())).await);
    assert!(is_accepted(&t, &new.code(t.clock.now())).await);
    // A code of the old one that was verified before it was replaced is none afterwards: see `use_step`.
    let rows: i64 = sqlx::query_scalar("select count(*) from totp").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn the_secret_is_sealed_anew_with_the_deployments_new_secret() {
    const NEW: &str = "another secret of the tests, 32 characters too";
    let t = TestApp::new().await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let t = t.restart_with(&[("SEKISHO_SECRET", NEW), ("SEKISHO_SECRET_PREVIOUS", SECRET)]).await;
    assert!(is_accepted(&t, &t.next_code(&authenticator)).await);
    let actor = context(Some(Actor::CommandLine));
    let resealed = t.app.core.secret_rotation.reseal(&actor).await.expect("resealed");
    assert_eq!(resealed.totp_secrets, 1);
    let t = t.restart_without("SEKISHO_SECRET_PREVIOUS").await;
    assert!(is_accepted(&t, &t.next_code(&authenticator)).await);
    assert_eq!(t.app.core.secret_rotation.reseal(&actor).await.expect("nothing to do").totp_secrets, 0);
}

#[tokio::test]
async fn a_token_says_how_strong_the_authentication_was() {
    let t = TestApp::with_jwts(&[]).await;
    let (mut browser, ..) = t.enrolled_browser("ada@example.com").await;
    let token = browser.post("/session/token", json!({})).await.json();
    let claims = claims(&token["access_token"]);
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("urn:sekisho:aal2"), &json!(["pwd", "otp", "mfa"])));
}

/// The claims of a token, unverified.
fn claims(token: &serde_json::Value) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.as_str().and_then(|token| token.split('.').nth(1)).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("claims")
}
