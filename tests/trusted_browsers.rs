//! Browsers that need no second factor for a while.

use sekisho_core::administration::AccessChange;
use serde_json::json;

use crate::harness::{
    Client, DAY, PASSWORD, TestApp,
    totp::{Authenticator, challenge, waiting},
};

const COOKIE: &str = "sekisho_trusted";

/// A browser that is trusted by a new account, signed out again; and the account's app.
async fn trusted(t: &TestApp, email: &str) -> (Client, Authenticator) {
    let (_, authenticator, _) = t.enrolled_browser(email).await;
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, email).await;
    let code = t.next_code(&authenticator);
    let fields = [("waiting", waiting.as_str()), ("code", code.as_str()), ("trust", "yes")];
    assert_eq!(browser.form("/login/verify", &fields).await.location(), "/");
    browser.form("/logout", &[]).await;
    (browser, authenticator)
}

/// Whether a sign-in by the password alone succeeds.
async fn needs_no_code(browser: &mut Client, email: &str, password: &str) -> bool {
    browser.form("/login", &[("email", email), ("password", password)]).await.status == 303
}

#[tokio::test]
async fn a_trusted_browser_signs_in_by_password_for_30_days_with_one_factor() {
    let t = TestApp::new().await;
    let (mut browser, _) = trusted(&t, "ada@example.com").await;
    assert!(browser.cookies[COOKIE].starts_with("sk_tb_"));
    assert!(needs_no_code(&mut browser, "ada@example.com", PASSWORD).await);
    let stored: (String, String) =
        sqlx::query_as("select method, second_factor from sessions order by id desc limit 1")
            .fetch_one(t.db.reader())
            .await
            .expect("a session");
    assert_eq!(stored, ("password".into(), "trusted_browser".into()));
    let token = browser.post("/session/token", json!({})).await.json();
    let mut api = t.anonymous();
    api.bearer = token["access_token"].as_str().map(Into::into);
    let asked = api.post("/api/v1/sessions/revoke-others", json!({})).await;
    asked.problem(401, "step_up_required");
    assert!(asked.header("www-authenticate").contains("acr_values=\"urn:sekisho:aal2\""));
    browser.form("/logout", &[]).await;
    t.clock.advance(30 * DAY);
    assert!(!needs_no_code(&mut browser, "ada@example.com", PASSWORD).await);
}

#[tokio::test]
async fn the_cookie_of_one_account_never_helps_another() {
    let t = TestApp::new().await;
    let (browser, _) = trusted(&t, "ada@example.com").await;
    t.enrolled_browser("eve@example.com").await;
    assert!(!needs_no_code(&mut browser.clone(), "eve@example.com", PASSWORD).await);
    for forged in ["", "sk_tb_", "sk_tb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x"] {
        let mut forger = browser.clone();
        forger.cookies.insert(COOKIE.into(), forged.into());
        assert!(!needs_no_code(&mut forger, "ada@example.com", PASSWORD).await, "{forged}");
    }
    let hash: String =
        sqlx::query_scalar("select hash from trusted_browsers").fetch_one(t.db.reader()).await.expect("a row");
    let mut reader = browser.clone();
    reader.cookies.insert(COOKIE.into(), hash);
    assert!(!needs_no_code(&mut reader, "ada@example.com", PASSWORD).await, "who reads the database");
    // Trust is no proof of who somebody is.
    assert_eq!(browser.clone().get("/account").await.status, 303);
}

#[tokio::test]
async fn trusted_browsers_are_listed_and_removed() {
    let t = TestApp::new().await;
    let (mut browser, _) = trusted(&t, "ada@example.com").await;
    assert!(needs_no_code(&mut browser, "ada@example.com", PASSWORD).await);
    let page = browser.get("/account/security").await.page();
    let entry = page.one(".trusted-browsers li");
    assert!(entry.text().contains("127.0.0.1"));
    let id = entry.field("id");
    let mut eve = t.browser("eve@example.com").await;
    assert_eq!(eve.form("/account/security/forget-browser", &[("id", &id)]).await.status, 404);
    let removed = browser.form("/account/security/forget-browser", &[("id", &id)]).await;
    assert_eq!(removed.location(), "/account/security?done=browser");
    browser.form("/logout", &[]).await;
    assert!(!needs_no_code(&mut browser, "ada@example.com", PASSWORD).await);
}

#[tokio::test]
async fn trust_ends_with_the_factor_the_password_and_the_account() {
    const NEW: &str = "another good passphrase";
    for way in ["factor", "app", "password", "disabled"] {
        let t = TestApp::new().await;
        let (mut browser, authenticator) = trusted(&t, "ada@example.com").await;
        let mut owner = t.anonymous();
        let waiting = challenge(&mut owner, "ada@example.com").await;
        let code = t.next_code(&authenticator);
        owner.form("/login/verify", &[("waiting", &waiting), ("code", &code)]).await;
        let mut password = PASSWORD;
        match way {
            "factor" => {
                assert_eq!(owner.form("/account/security/totp/remove", &[]).await.status, 303);
                t.enroll(&mut owner).await;
            }
            "app" => drop(t.enroll(&mut owner).await),
            "password" => {
                let change = [("current_password", PASSWORD), ("new_password", NEW)];
                assert_eq!(owner.form("/account/password", &change).await.status, 303);
                password = NEW;
            }
            _ => {
                let id = t.user_id("ada@example.com").await;
                for disabled in [true, false] {
                    let change = AccessChange::disabled(disabled);
                    t.app.core.administration.change_access(&id, change, None).await.expect("changed");
                }
            }
        }
        assert!(!needs_no_code(&mut browser, "ada@example.com", password).await, "{way}");
    }
}

#[tokio::test]
async fn no_browser_is_trusted_where_the_policy_says_so_nor_by_a_recovery_code() {
    let t = TestApp::with(&[("SEKISHO_TRUST_BROWSER", "0")]).await;
    let (_, authenticator, _) = t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let asked = browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert!(!asked.page().has("[name=trust]"));
    let code = t.next_code(&authenticator);
    let fields = [("waiting", &waiting(&asked)[..]), ("code", &code), ("trust", "yes")];
    assert_eq!(browser.form("/login/verify", &fields).await.status, 303);
    assert!(!browser.cookies.contains_key(COOKIE));

    let t = TestApp::new().await;
    let (_, _, codes) = t.enrolled_browser("ada@example.com").await;
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, "ada@example.com").await;
    let fields = [("waiting", waiting.as_str()), ("recovery_code", codes[0].as_str()), ("trust", "yes")];
    assert_eq!(browser.form("/login/verify", &fields).await.status, 303);
    assert!(!browser.cookies.contains_key(COOKIE));
}

#[tokio::test]
async fn a_policy_that_trusts_for_less_time_counts_at_once() {
    let t = TestApp::new().await;
    let (browser, _) = trusted(&t, "ada@example.com").await;
    t.clock.advance(2 * DAY);
    let t = t.restart_with(&[("SEKISHO_TRUST_BROWSER", "1d")]).await;
    assert!(!needs_no_code(&mut browser.at(&t), "ada@example.com", PASSWORD).await);
}
