//! Taking an account back: whatever somebody else left in it lets them in no more (ASVS 7.4.3).

use sekisho_core::administration::AccessChange;
use sekisho_model::SessionId;
use serde_json::json;

use crate::harness::{
    Client, MINUTE, PASSWORD, Page, TestApp,
    github::{app, callback, come_back_as, depart},
};

const NEW: &str = "another good passphrase";

/// Ada's browser, and an intruder's, who knew her password and linked a GitHub account of their own.
async fn intruded(t: &TestApp) -> (Client, Client) {
    let ada = t.browser("ada@example.com").await;
    let mut intruder = t.sign_in_browser("ada@example.com").await;
    let linked = come_back_as(&mut intruder, "/auth/github/link", "intruder").await;
    assert_eq!(linked.location(), "/account?done=linked");
    (ada, intruder)
}

/// Whether the intruder's GitHub account still leads into ada's account.
async fn gets_in(t: &TestApp) -> bool {
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "intruder").await;
    browser.get("/account").await.text().contains("ada@example.com")
}

/// A notice of it, and an entry in the log.
fn is_noticed_and_logged(page: &Page, text: &str) -> bool {
    let says = |selector| page.select(selector).iter().any(|element| element.text().starts_with(text));
    // Once: what is to be looked at is not told twice.
    says(".notices li") && !says(".log:not(.notices) li")
}

async fn count(t: &TestApp, kind: &str) -> usize {
    let (mut ada, _) = t.admin("log@example.com").await;
    let person = t.user_id("ada@example.com").await;
    let log = ada.get(&format!("/api/v1/admin/events?person={person}&kind={kind}")).await.json();
    log["items"].as_array().map_or(0, Vec::len)
}

fn change<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("current_password", PASSWORD), ("new_password", NEW)], extra].concat()
}

#[tokio::test]
async fn an_intruders_link_goes_with_the_old_password_unless_the_box_is_unticked() {
    let t = app(&[]).await;
    let (mut ada, mut intruder) = intruded(&t).await;
    let page = ada.get("/account/password").await;
    assert!(page.text().contains("Also unlink GitHub"));
    assert!(page.page().one("[name=unlink]").attr("checked").is_some());
    let wrong = ada.form("/account/password", &[("current_password", "wrong"), ("new_password", NEW)]).await.page();
    assert!(wrong.one("[name=unlink]").attr("checked").is_none(), "it stays as it was set");
    let done = ada.form("/account/password", &change(&[("unlink", "yes")])).await;
    assert_eq!(done.location(), "/account?done=password-unlinked");
    let account = ada.get(done.location()).await.text();
    assert!(account.contains("GitHub is no longer linked") && account.contains("Not linked."));
    assert_eq!(intruder.get("/account").await.status, 303);
    assert!(!gets_in(&t).await);
    assert!(is_noticed_and_logged(&ada.get("/security").await.page(), "GitHub unlinked"));
    assert_eq!(count(&t, "github_unlinked").await, 1);

    let t = app(&[]).await;
    let (mut ada, mut intruder) = intruded(&t).await;
    assert_eq!(ada.form("/account/password", &change(&[])).await.location(), "/account?done=password");
    assert_eq!(intruder.get("/account").await.status, 303);
    assert!(gets_in(&t).await);
    assert!(!t.browser("bob@example.com").await.get("/account/password").await.page().has("[name=unlink]"));
}

#[tokio::test]
async fn a_password_changed_over_the_api_unlinks_where_that_is_asked_for() {
    for (remove, expected) in [(None, true), (Some(false), true), (Some(true), false)] {
        let t = app(&[]).await;
        intruded(&t).await;
        let (mut api, _) = t.sign_in_api("ada@example.com").await;
        let mut body = json!({ "current_password": PASSWORD, "new_password": NEW });
        if let Some(remove) = remove {
            body["remove_links"] = json!(remove);
        }
        assert_eq!(api.json("PUT", "/api/v1/me/password", body).await.status, 204);
        assert_eq!(gets_in(&t).await, expected, "{remove:?}");
    }
}

#[tokio::test]
async fn unlinking_ends_the_sessions_that_came_by_the_link() {
    let t = app(&[]).await;
    let (mut ada, _) = intruded(&t).await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    let mut intruder = t.anonymous();
    come_back_as(&mut intruder, "/auth/github", "intruder").await;
    // One that came by it and gave the password since is not theirs alone.
    let mut proved = t.anonymous();
    come_back_as(&mut proved, "/auth/github", "intruder").await;
    proved.form("/auth/github/link", &[("step_up_password", PASSWORD)]).await;

    assert_eq!(ada.form("/auth/github/unlink", &[]).await.location(), "/account?done=unlinked");
    assert_eq!(intruder.get("/account").await.status, 303);
    assert!(intruder.get("/login").await.text().contains("from another of your devices"));
    for client in [&mut ada, &mut proved] {
        assert_eq!(client.get("/account").await.status, 200);
    }
    assert_eq!(api.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn an_administrator_unlinks_and_what_came_by_the_link_is_out() {
    let t = app(&[]).await;
    let (mut ada, _) = intruded(&t).await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let mut root = t.sign_in_browser("root@example.com").await;
    let id = t.user_id("ada@example.com").await;
    let (page, api) = (format!("/admin/users/{id}"), format!("/api/v1/admin/users/{id}/identities/github"));
    let mut intruder = t.anonymous();
    come_back_as(&mut intruder, "/auth/github", "intruder").await;
    t.clock.advance(11 * MINUTE);
    admin.delete(&api).await.problem(401, "step_up_required");
    assert!(root.get(&page).await.page().has(&format!("form[action='{page}/unlink']")));
    assert_eq!(root.form(&format!("{page}/unlink"), &[]).await.status, 403);
    let done = root.form(&format!("{page}/unlink"), &[("step_up_password", PASSWORD)]).await;
    assert_eq!(done.location(), format!("{page}?done=unlinked"));
    assert!(!root.get(done.location()).await.page().has("form[action$='/unlink']"));
    assert_eq!(intruder.get("/account").await.status, 303);
    assert!(intruder.get("/login").await.text().contains("An administrator signed you out."));
    assert_eq!(ada.get("/account").await.status, 200);
    assert!(!gets_in(&t).await);
    assert!(is_noticed_and_logged(&ada.get("/security").await.page(), "GitHub unlinked"));

    // Over the API, done twice; not the last way in, not somebody unknown, and by nobody with less than they have.
    ada.form("/auth/github/link", &[("step_up_password", PASSWORD)]).await;
    come_back_as(&mut ada, "/auth/github/link", "hubot").await;
    admin.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await;
    for _ in 0..2 {
        assert_eq!(admin.delete(&api).await.status, 204);
    }
    assert!(ada.get("/account").await.text().contains("Not linked."));
    come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await;
    let github_only = t.user_id("octocat@example.com").await;
    let refused = admin.delete(&format!("/api/v1/admin/users/{github_only}/identities/github")).await;
    refused.problem(409, "last_way_in");
    let unknown = t.app.core.clock.new_id();
    admin.delete(&format!("/api/v1/admin/users/{unknown}/identities/github")).await.problem(404, "not_found");
    admin.json("PUT", "/api/v1/admin/roles/helper", json!({ "permissions": ["sekisho:admin"] })).await;
    let (mut helper, _) = t.api("helper@example.com").await;
    let roles = ["helper".to_owned()];
    let helper_id = t.user_id("helper@example.com").await;
    t.app.core.administration.change_access(&helper_id, AccessChange::roles(&roles), None).await.expect("a role");
    let roots = t.user_id("root@example.com").await;
    let refused = helper.delete(&format!("/api/v1/admin/users/{roots}/identities/github")).await;
    refused.problem(403, "forbidden");
    assert_eq!(helper.delete(&api).await.status, 204);
}

#[tokio::test]
async fn what_an_intruder_had_begun_at_github_is_void_once_the_password_changed() {
    // The new password is right, and yet the link that waited for the old one is not made.
    let t = app(&[]).await;
    t.register("octocat@example.com").await;
    let mut waiting = t.anonymous();
    let confirm = come_back_as(&mut waiting, "/auth/github", "octocat").await.location().to_owned();
    let link = confirm.split('=').nth(1).expect("a token").to_owned();
    let mut owner = t.sign_in_browser("octocat@example.com").await;
    // A departure to link, by the very session that stays.
    let (state, challenge) = depart(&mut owner, "/auth/github/link").await;
    assert_eq!(owner.form("/account/password", &change(&[])).await.status, 303);
    let fields = [("link", link.as_str()), ("password", NEW)];
    assert_eq!(waiting.form("/auth/github/confirm", &fields).await.status, 403);
    assert_eq!(waiting.get("/account").await.status, 303);
    assert_eq!(owner.get(&callback("octocat", &state, &challenge)).await.status, 403);
    assert!(owner.get("/account").await.text().contains("Not linked."));
}

#[tokio::test]
async fn a_sign_in_that_waits_for_room_dies_with_the_link_it_came_by() {
    let settings = [("SEKISHO_MAX_DEVICES", "2"), ("SEKISHO_DEVICE_LIMIT", "deny")];
    for relink in [false, true] {
        let t = app(&settings).await;
        let (mut ada, _) = intruded(&t).await;
        let mut waiting = t.anonymous();
        let page = come_back_as(&mut waiting, "/auth/github", "intruder").await;
        assert_eq!(page.status, 403);
        let id = ada.session_id().await;
        let page = page.page();
        let form = page.one(&format!("form:has([value={id:?}])"));
        let token = form.field("waiting");
        assert_eq!(ada.form("/auth/github/unlink", &[]).await.location(), "/account?done=unlinked");
        if relink {
            come_back_as(&mut ada, "/auth/github/link", "octocat").await;
        }
        let fields = [("waiting", token.as_str()), ("id", id.as_str())];
        assert_eq!(waiting.form("/login/room", &fields).await.status, 401);
        assert_eq!(waiting.get("/account").await.status, 303);
        assert_eq!(ada.get("/account").await.status, 200, "nothing ended for it");
    }
}

// A stolen session

#[tokio::test]
async fn guesses_from_a_stolen_session_count_for_the_account_over_all_networks() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    let thief = t.browser("ada@example.com").await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    let mut refused = 0;
    for network in 0..12 {
        let mut thief = thief.clone();
        thief.ip = [203, 0, network, 9].into();
        for _ in 0..10 {
            let guess = thief.form("/devices/end-others", &[("step_up_password", "a guess")]).await;
            refused += usize::from(guess.status == 429);
        }
    }
    assert!(refused >= 10, "{refused} of 120 guesses from 12 networks were refused");
    // Counted in one place: from however many stolen sessions, and where the API or a change of the password asks, too.
    for session in (0..9).map(SessionId::from_u128) {
        for _ in 0..10 {
            t.app.core.limits.step_up(&session, "ada@example.com").expect("within the burst");
        }
    }
    api.ip = [198, 51, 100, 9].into();
    api.post("/api/v1/me/step-up", json!({ "password": "a guess" })).await.problem(429, "rate_limited");
    let body = json!({ "current_password": "a guess", "new_password": NEW });
    api.json("PUT", "/api/v1/me/password", body).await.problem(429, "rate_limited");
}

#[tokio::test]
async fn a_stolen_session_signs_the_owner_out_of_no_single_device() {
    let t = TestApp::new().await;
    let mut thief = t.browser("ada@example.com").await;
    let (mut token, own) = t.sign_in_api("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    let id = owner.session_id().await;
    t.clock.advance(11 * MINUTE);
    let asked = thief.form("/devices/end", &[("id", &id)]).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text().contains("You asked for: Sign out a device"));
    assert_eq!(asked.page().form("/devices/end").field("id"), id);
    token.delete(&format!("/api/v1/sessions/{id}")).await.problem(401, "step_up_required");
    token.delete("/api/v1/sessions/unknown").await.problem(401, "step_up_required");
    assert_eq!(owner.get("/devices").await.status, 200);

    let proved = [("id", id.as_str()), ("step_up_password", PASSWORD)];
    assert_eq!(thief.form("/devices/end", &proved).await.location(), format!("/devices?done=one&device={id}"));
    assert_eq!(owner.get("/devices").await.status, 303);
    // Signing oneself out needs no proof.
    let own = own["session_id"].as_str().expect("an id");
    assert_eq!(token.delete(&format!("/api/v1/sessions/{own}")).await.status, 204);
    t.clock.advance(11 * MINUTE);
    let page = thief.get("/devices").await.page();
    assert!(page.one("li[aria-current=true]").has("form[action='/logout']"));
}
