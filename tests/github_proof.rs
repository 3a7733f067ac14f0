//! What GitHub's answer counts for, who may ask for it, and of which GitHub it is.

use sekisho_core::administration::AccessChange;
use serde_json::json;

use crate::harness::{
    Client, MINUTE, PASSWORD, TestApp,
    github::{app, asked, callback, come_back_as, come_back_from, depart, fake},
};

/// How many ceremonies wait.
async fn waiting(t: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from ceremonies");
    count.fetch_one(t.db.writer()).await.expect("a count")
}

async fn sign_in(client: &mut Client, email: &str) -> u16 {
    client.post("/api/v1/tokens", json!({ "email": email, "password": PASSWORD })).await.status.as_u16()
}

/// A browser of ada, who has a password, with the GitHub account of octocat linked.
async fn linked(t: &TestApp) -> Client {
    let mut ada = t.browser("ada@example.com").await;
    assert_eq!(come_back_as(&mut ada, "/auth/github/link", "octocat").await.location(), "/account?done=linked");
    ada
}

/// An API client with the access token that a browser's session hands out.
async fn with_token(t: &TestApp, browser: &mut Client) -> Client {
    let token = browser.post("/session/token", json!({})).await.json();
    let mut api = t.anonymous();
    api.bearer = token["access_token"].as_str().map(Into::into);
    api
}

async fn make_admin(t: &TestApp, email: &str) {
    let roles = ["admin".to_owned()];
    t.app
        .core
        .administration
        .change_access(&t.user_id(email).await, AccessChange::roles(&roles), None)
        .await
        .expect("a role");
}

// Login CSRF and denial of service by another site's page

#[tokio::test]
async fn an_image_on_another_site_spends_nobodys_sign_ins_and_begins_nothing() {
    let on = app(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    let off = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    for t in [&on, &off] {
        t.register("ada@example.com").await;
        let mut victim = t.anonymous();
        for _ in 0..200 {
            let image = victim.get("/auth/github?next=/devices").await;
            match t.app.core.identities.is_configured() {
                true => assert_eq!(image.location(), "/login?next=%2Fdevices"),
                false => {
                    assert_eq!(image.status, 404);
                    assert_eq!(victim.form("/auth/github", &[]).await.status, 404);
                }
            }
        }
        assert!(victim.cookies.is_empty());
        assert_eq!(waiting(t).await, 0);
        assert_eq!(sign_in(&mut victim, "ada@example.com").await, 200);
    }
    assert_eq!(on.anonymous().get("/auth/github?next=//evil.example").await.location(), "/login");
    // Nor does a form on another site's page.
    let mut victim = on.anonymous();
    victim.headers.push(("sec-fetch-site", "cross-site".into()));
    assert_eq!(victim.form("/auth/github", &[]).await.status, 403);
    assert_eq!(waiting(&on).await, 0);
}

#[tokio::test]
async fn departures_to_github_have_a_limit_of_their_own() {
    let t = app(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    let mut browser = t.anonymous();
    let mut refused = browser.form("/auth/github", &[]).await;
    for _ in 0..100 {
        if refused.status != 303 {
            break;
        }
        refused = browser.form("/auth/github", &[]).await;
    }
    assert_eq!(refused.status, 429);
    assert!(["1", "2", "3", "4", "5"].contains(&refused.header("retry-after")));
    assert!((60..100).contains(&waiting(&t).await));
    assert_eq!(sign_in(&mut browser, "ada@example.com").await, 200, "signing in has its own");
    let mut elsewhere = t.anonymous();
    elsewhere.ip = [203, 0, 113, 9].into();
    depart(&mut elsewhere, "/auth/github").await;
}

#[tokio::test]
async fn the_buttons_are_forms_that_say_where_to_come_back_to() {
    let t = app(&[]).await;
    for page in ["/login?next=/devices", "/register?next=/devices"] {
        let page = t.anonymous().get(page).await;
        assert!(page.header("content-security-policy").contains("form-action 'self' http://127.0.0.1:"));
        let page = page.page();
        let form = page.form("/auth/github");
        assert_eq!((form.attr("method"), form.field("next")), (Some("post"), "/devices".to_owned()));
        assert_eq!(form.one("button").text(), "Continue with GitHub");
    }
}

#[tokio::test]
async fn an_answer_of_github_takes_the_place_of_nobody_elses_session() {
    let t = app(&[]).await;
    t.register("ada@example.com").await;
    come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await;
    // Somebody signs in here while the answer is on its way: known, unknown, or with an address that has an account.
    for persona in ["octocat", "hubot", "ada"] {
        let mut browser = t.anonymous();
        let (state, challenge) = depart(&mut browser, "/auth/github").await;
        browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(browser.get(&callback(persona, &state, &challenge)).await.status, 403, "{persona}");
        assert!(browser.get("/account").await.text().contains("ada@example.com"));
    }
    // The same person, or the session that left, may.
    let mut browser = t.anonymous();
    let first = depart(&mut browser, "/auth/github").await;
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    assert_eq!(browser.get(&callback("octocat", &first.0, &first.1)).await.location(), "/");
    assert_eq!(come_back_as(&mut browser, "/auth/github", "hubot").await.location(), "/");
    assert!(browser.get("/account").await.text().contains("hubot@example.com"));
}

// An unlocked browser, in which GitHub is signed in to as well

#[tokio::test]
async fn githubs_silent_redirect_proves_nothing_for_whoever_has_a_password() {
    let t = app(&[]).await;
    let mut browser = linked(&t).await;
    t.clock.advance(11 * MINUTE);
    let refused = browser.form("/auth/github/step-up", &[("next", "/devices")]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(waiting(&t).await, 0);

    // Nor does a new sign-in through GitHub.
    browser.form("/logout", &[]).await;
    assert_eq!(come_back_as(&mut browser, "/auth/github", "octocat").await.location(), "/");
    for path in ["/devices/end-others", "/auth/github/unlink", "/auth/github/link"] {
        let asked = browser.form(path, &[]).await;
        assert_eq!(asked.status, 403, "{path}");
        let page = asked.text();
        assert!(page.contains("enter your password") && page.contains("step_up_password"), "{path}");
        assert!(!page.contains("/auth/github/step-up"), "{path}");
    }
    assert_eq!(browser.form("/account/password", &[("new_password", "attackers own words")]).await.status, 422);
    // Nor by the way of the token that this browser hands out.
    let mut api = with_token(&t, &mut browser).await;
    api.post("/api/v1/sessions/revoke-others", json!({})).await.problem(401, "step_up_required");
    let proved = browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/devices?done=others");
    assert_eq!(browser.form("/devices/end-others", &[]).await.location(), "/devices?done=others", "for a while");
}

#[tokio::test]
async fn whoever_has_github_alone_is_told_what_for_and_has_to_choose_the_account() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    let first = browser.form("/auth/github", &[]).await;
    assert!(!first.location().contains("prompt="), "signing in asks no more than it needs");
    come_back_from(&mut browser, &first, "octocat").await;
    t.clock.advance(11 * MINUTE);
    browser.headers.push(("referer", "http://127.0.0.1:3000/devices".into()));
    let page = browser.form("/devices/end-others", &[]).await;
    assert!(page.text().contains("You asked for: Sign out all other devices"), "{}", page.text());
    assert_eq!(page.page().form("/auth/github/step-up").field("next"), "/devices");
    let away = browser.form("/auth/github/step-up", &[("next", "/devices")]).await;
    assert!(away.location().contains("prompt=select_account"));
    assert_eq!(come_back_from(&mut browser, &away, "hubot").await.status, 403, "somebody else proves nothing");
    let away = browser.form("/auth/github/step-up", &[("next", "/devices")]).await;
    assert_eq!(come_back_from(&mut browser, &away, "octocat").await.location(), "/devices");
    assert_eq!(browser.form("/devices/end-others", &[]).await.location(), "/devices?done=others");
}

#[tokio::test]
async fn a_first_password_needs_a_sign_in_and_not_a_step_up_through_github() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    t.clock.advance(11 * MINUTE);
    let set = [("new_password", PASSWORD)];
    let away = browser.form("/auth/github/step-up", &[("next", "/account/password")]).await;
    assert_eq!(come_back_from(&mut browser, &away, "octocat").await.location(), "/account/password");
    let late = browser.form("/account/password", &set).await;
    assert_eq!((late.status.as_u16(), browser.get("/account/password").await.status.as_u16()), (403, 403));
    assert!(late.text().contains("sign in with GitHub again") && late.page().has("form[action='/auth/github']"));
    assert!(!late.text().contains(PASSWORD), "a password is never repeated in a page");

    // A step-up that left before there was a password is none after.
    let stale = browser.form("/auth/github/step-up", &[]).await;
    let again = browser.form("/auth/github", &[("next", "/account/password")]).await;
    assert!(again.location().contains("prompt=select_account"));
    assert_eq!(come_back_from(&mut browser, &again, "octocat").await.location(), "/account/password");
    assert_eq!(come_back_from(&mut browser, &stale, "octocat").await.status, 403, "another session by now");
    let stale = browser.form("/auth/github/step-up", &[]).await;
    assert_eq!(browser.form("/account/password", &set).await.location(), "/account?done=password");
    assert_eq!(come_back_from(&mut browser, &stale, "octocat").await.status, 403);
    // Whoever has just chosen the password has proved it.
    assert_eq!(browser.form("/auth/github/unlink", &[]).await.location(), "/account?done=unlinked");
}

#[tokio::test]
async fn an_administrator_is_never_proved_by_github() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    let stale = browser.form("/auth/github/step-up", &[]).await;
    make_admin(&t, "octocat@example.com").await;
    t.register("eve@example.com").await;
    let path = format!("/admin/users/{}", t.user_id("eve@example.com").await);
    assert_eq!(come_back_from(&mut browser, &stale, "octocat").await.status, 403);
    assert_eq!(browser.form("/auth/github/step-up", &[]).await.status, 403);
    // Right after a sign-in, and after another one: looking is all they may.
    for _ in 0..2 {
        assert_eq!(browser.get(&path).await.status, 200);
        for action in ["disable", "roles"] {
            let refused = browser.form(&format!("{path}/{action}"), &[]).await;
            assert_eq!(refused.status, 403);
            let page = refused.text();
            assert!(page.contains("GitHub alone is not enough for an administrator"), "{page}");
            assert!(!page.contains("/auth/github"));
        }
        let mut api = with_token(&t, &mut browser).await;
        api.post("/api/v1/admin/sessions/revoke-all", json!({})).await.problem(401, "step_up_required");
        let body = json!({ "current_password": "", "new_password": PASSWORD });
        api.json("PUT", "/api/v1/me/password", body).await.problem(403, "forbidden");
        let set = browser.form("/account/password", &[("new_password", PASSWORD)]).await;
        assert_eq!(set.status, 403);
        assert!(set.text().contains("sekisho user password --keep-links"));
        assert_eq!(come_back_as(&mut browser, "/auth/github", "octocat").await.location(), "/");
    }

    // The command line sets one; GitHub still signs in, and the password proves.
    let user = t.app.core.accounts.find_by_id_or_email("octocat@example.com").await.expect("a look").expect("a user");
    let context = crate::harness::context(Some(sekisho_core::Actor::CommandLine));
    let reset = t.app.core.accounts.reset_password(&user, PASSWORD, true, &context).await.expect("a reset");
    assert_eq!(reset, (1, 0));
    assert_eq!(come_back_as(&mut browser, "/auth/github", "octocat").await.location(), "/");
    assert_eq!(browser.form(&format!("{path}/disable"), &[]).await.status, 403);
    let proved = browser.form(&format!("{path}/disable"), &[("step_up_password", PASSWORD)]).await;
    assert_eq!(proved.location(), format!("{path}?done=disabled"));
}

// Another GitHub, where somebody else has the same id

#[tokio::test]
async fn the_same_user_id_of_another_host_is_somebody_else() {
    let t = app(&[]).await;
    come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await;
    let ours = t.app.config.core.github.as_ref().expect("a GitHub").url.to_string();
    let theirs = fake().await;
    let t = t.restart_with(&[("SEKISHO_GITHUB_URL", &theirs), ("SEKISHO_GITHUB_API_URL", &theirs)]).await;
    let mut thief = t.anonymous();
    // Known there by the same id, and here by nothing but the address, which needs a password.
    let asked = come_back_as(&mut thief, "/auth/github", "octocat").await;
    assert!(asked.location().starts_with("/auth/github/confirm?link="));
    assert_eq!(thief.get("/devices").await.status, 303);
    let t = t.restart_with(&[("SEKISHO_GITHUB_URL", &ours), ("SEKISHO_GITHUB_API_URL", &ours)]).await;
    assert_eq!(come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await.location(), "/");
}

#[tokio::test]
async fn a_link_from_before_hosts_were_recorded_is_bound_to_the_first_one_that_is_configured() {
    let t = app(&[]).await;
    come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await;
    let before = sqlx::query("update identities set provider = 'github', host = null");
    before.execute(t.db.writer()).await.expect("an update");
    let t = t.restart().await;
    assert_eq!(come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await.location(), "/");
    let theirs = fake().await;
    let t = t.restart_with(&[("SEKISHO_GITHUB_URL", &theirs), ("SEKISHO_GITHUB_API_URL", &theirs)]).await;
    let asked = come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await;
    assert!(asked.location().starts_with("/auth/github/confirm?link="));
}

#[tokio::test]
async fn a_link_made_by_an_answer_needs_the_session_that_asked() {
    let t = app(&[]).await;
    let mut ada = t.browser("ada@example.com").await;
    let away = ada.form("/auth/github/link", &[]).await;
    assert!(away.location().contains("prompt=select_account"));
    let (state, challenge) = asked(&away);
    ada.form("/logout", &[]).await;
    ada.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(ada.get(&callback("octocat", &state, &challenge)).await.status, 403);
}
