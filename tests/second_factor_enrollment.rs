//! A second factor that the policy requires is enrolled in the course of the sign-in.

use sekisho_core::administration::AccessChange;
use serde_json::json;

use crate::harness::{
    Answer, Client, MINUTE, PASSWORD, TestApp,
    totp::{Authenticator, challenge, recovery_codes_of, secret_of},
};

const REQUIRED: [(&str, &str); 1] = [("SEKISHO_MFA", "required")];

/// The page that asks to enrol.
async fn asked(browser: &mut Client, email: &str) -> Answer {
    let asked = browser.form("/login", &[("email", email), ("password", PASSWORD), ("next", "/devices")]).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert!(asked.text().contains("This site requires a second step"));
    asked
}

/// Posts an app's first code.
async fn enroll(t: &TestApp, browser: &mut Client, asked: &Answer) -> (Authenticator, Answer) {
    let page = asked.page();
    let (waiting, enrollment, authenticator) = (page.field("waiting"), page.field("enrollment"), secret_of(&page));
    let code = t.next_code(&authenticator);
    let fields = [("waiting", waiting.as_str()), ("enrollment", &enrollment), ("code", &code)];
    (authenticator, browser.form("/login/enroll", &fields).await)
}

#[tokio::test]
async fn a_sign_in_goes_on_once_an_app_is_set_up() {
    let t = TestApp::with(&REQUIRED).await;
    t.register("ada@example.com").await;
    let mut browser = t.anonymous();
    let page = asked(&mut browser, "ada@example.com").await.page();
    let fields = |code| [("waiting", page.field("waiting")), ("enrollment", page.field("enrollment")), ("code", code)];
    let wrong = fields("000000".to_owned());
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let again = browser.form("/login/enroll", &wrong).await;
    assert_eq!(again.status, 422);
    let (authenticator, shown) = enroll(&t, &mut browser, &again).await;
    let codes = recovery_codes_of(&shown);
    for path in ["/account", "/account/security", "/devices"] {
        assert_eq!(browser.get(path).await.status, 303, "nothing opens before the session begins: {path}");
    }
    let waiting = shown.page().field("waiting");
    assert_eq!(t.anonymous().form("/login/continue", &[("waiting", &waiting)]).await.status, 403, "in this browser");
    assert_eq!(browser.form("/login/continue", &[("waiting", &waiting)]).await.location(), "/devices");
    assert!(browser.get("/account/security").await.text().contains("10 codes are left"));
    let token = browser.post("/session/token", json!({})).await.json();
    let mut api = t.anonymous();
    api.bearer = token["access_token"].as_str().map(Into::into);
    assert_eq!(api.post("/api/v1/sessions/revoke-others", json!({})).await.status, 200, "two factors");
    assert_eq!(browser.form("/login/continue", &[("waiting", &waiting)]).await.status, 403, "used once");

    let mut other = t.anonymous();
    let waiting = challenge(&mut other, "ada@example.com").await;
    let code = t.next_code(&authenticator);
    assert_eq!(other.form("/login/verify", &[("waiting", &waiting), ("code", &code)]).await.status, 303);
    assert_eq!(codes.len(), 10);
    // The last one stays.
    let refused = browser.form("/account/security/totp/remove", &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("this is your only one"));
}

#[tokio::test]
async fn whoever_knows_the_password_alone_enrols_nothing_beside_the_owners_factor() {
    let t = TestApp::with(&REQUIRED).await;
    t.register("ada@example.com").await;
    let (mut owner, mut thief) = (t.anonymous(), t.anonymous());
    let owners = asked(&mut owner, "ada@example.com").await;
    let thiefs = asked(&mut thief, "ada@example.com").await;
    let (_, shown) = enroll(&t, &mut owner, &owners).await;
    recovery_codes_of(&shown);
    let (_, refused) = enroll(&t, &mut thief, &thiefs).await;
    assert_eq!(refused.status, 403);
    // Nor is the pending sign-in good for anything else.
    let waiting = thiefs.page().field("waiting");
    let next = thief.form("/login/continue", &[("waiting", &waiting)]).await;
    assert!(!next.status.is_redirection());
    assert_eq!(thief.get("/account").await.status, 303);
}

#[tokio::test]
async fn an_enrolment_is_none_of_another_user_and_lasts_ten_minutes() {
    let t = TestApp::with(&REQUIRED).await;
    t.register("ada@example.com").await;
    t.register("eve@example.com").await;
    let mut browser = t.anonymous();
    let adas = asked(&mut browser, "ada@example.com").await.page();
    let eves = asked(&mut browser, "eve@example.com").await.page();
    let code = t.next_code(&secret_of(&eves));
    let (waiting, enrollment) = (adas.field("waiting"), eves.field("enrollment"));
    let mixed = [("waiting", waiting.as_str()), ("enrollment", &enrollment), ("code", &code)];
    assert_eq!(browser.form("/login/enroll", &mixed).await.status, 403);
    let asked = asked(&mut browser, "ada@example.com").await;
    t.clock.advance(10 * MINUTE);
    let (_, late) = enroll(&t, &mut browser, &asked).await;
    assert_eq!(late.status, 403);
    let rows: i64 = sqlx::query_scalar("select count(*) from totp").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_factor_enrolled_in_a_sign_in_must_still_be_there_when_it_goes_on() {
    let t = TestApp::with(&REQUIRED).await;
    t.register("ada@example.com").await;
    let mut browser = t.anonymous();
    let asked = asked(&mut browser, "ada@example.com").await;
    let (_, shown) = enroll(&t, &mut browser, &asked).await;
    sqlx::query("delete from totp").execute(t.db.writer()).await.expect("removed");
    let waiting = shown.page().field("waiting");
    assert_eq!(browser.form("/login/continue", &[("waiting", &waiting)]).await.status, 401);
}

#[tokio::test]
async fn the_policy_can_require_it_of_administrators_and_of_roles() {
    for (mfa, roles, expected) in [
        ("admins", [].as_slice(), false),
        ("admins", &["admin"], true),
        ("support", &["support"], true),
        ("support", &[], false),
    ] {
        let t = TestApp::with(&[("SEKISHO_MFA", mfa)]).await;
        t.register("ada@example.com").await;
        if roles.contains(&"support") {
            let (mut root, _) = {
                let optional = t.second_node_with(&[("SEKISHO_MFA", "optional")]).await;
                optional.admin("root@example.com").await
            };
            let role = json!({ "permissions": ["orders:read"] });
            assert!(root.json("PUT", "/api/v1/admin/roles/support", role).await.status.is_success());
        }
        let roles: Vec<_> = roles.iter().map(|role| (*role).to_owned()).collect();
        let id = t.user_id("ada@example.com").await;
        t.app.core.administration.change_access(&id, AccessChange::roles(&roles), None).await.expect("roles");
        let answer = t.anonymous().form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(answer.status == 200, expected, "{mfa} {roles:?}");
    }
}

#[tokio::test]
async fn registration_leads_to_the_enrolment() {
    let t = TestApp::with(&REQUIRED).await;
    let mut browser = t.anonymous();
    let asked = browser.form("/register", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert!(asked.text().contains("This site requires a second step"), "{}", asked.text());
    assert_eq!(browser.get("/account").await.status, 303);
    let (_, shown) = enroll(&t, &mut browser, &asked).await;
    let waiting = shown.page().field("waiting");
    assert_eq!(browser.form("/login/continue", &[("waiting", &waiting)]).await.location(), "/");
}
