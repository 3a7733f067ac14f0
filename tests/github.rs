//! Signing in, linking and unlinking by way of GitHub.

use crate::harness::{
    MINUTE, PASSWORD, TestApp,
    github::{app, callback, come_back_as, come_back_from, depart},
};

#[tokio::test]
async fn a_new_person_gets_an_account_and_comes_back_to_it() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    assert_eq!(come_back_as(&mut browser, "/auth/github?next=%2Fdevices", "octocat").await.location(), "/devices");
    let account = browser.get("/account").await.text();
    assert!(account.contains("The Octocat") && account.contains("octocat@example.com"));
    assert!(account.contains("Linked to octocat") && account.contains("your only way in"));

    let mut again = t.anonymous();
    assert_eq!(come_back_as(&mut again, "/auth/github", "octocat").await.location(), "/");
    assert_eq!(again.get("/devices").await.page().select("[name=id]").len(), 2, "one account, two devices");
}

#[tokio::test]
async fn nobody_is_left_without_a_way_in() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    let refused = browser.form("/auth/github/unlink", &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("only way in"));
    let set = [("new_password", PASSWORD)];
    assert_eq!(browser.form("/account/password", &set).await.location(), "/account?done=password");
    assert_eq!(browser.form("/auth/github/unlink", &[]).await.location(), "/account?done=unlinked");
    t.sign_in_browser("octocat@example.com").await;
}

#[tokio::test]
async fn one_persons_step_up_is_nothing_in_anothers_session() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    t.clock.advance(11 * MINUTE);
    let away = browser.form("/auth/github/step-up", &[("next", "//evil.example")]).await;
    // The session changes before the answer comes.
    come_back_as(&mut browser, "/auth/github", "hubot").await;
    assert_eq!(come_back_from(&mut browser, &away, "octocat").await.status, 403);
}

#[tokio::test]
async fn whoever_has_no_way_left_to_prove_themselves_is_told_so() {
    let t = app(&[]).await;
    let mut browser = t.anonymous();
    come_back_as(&mut browser, "/auth/github", "octocat").await;
    let t = t.restart_without("SEKISHO_GITHUB").await;
    let mut browser = browser.at(&t);
    t.clock.advance(11 * MINUTE);
    let page = browser.form("/devices/end-others", &[]).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("Please ask an administrator") && !page.text().contains("/auth/github"));
}

#[tokio::test]
async fn an_address_that_has_an_account_asks_for_its_password_and_never_links_by_itself() {
    let t = app(&[]).await;
    t.register("octocat@example.com").await;
    let mut browser = t.anonymous();
    let confirm = come_back_as(&mut browser, "/auth/github?next=%2Fsecurity", "octocat").await.location().to_owned();
    assert!(confirm.starts_with("/auth/github/confirm?link=sk_ln_"));
    assert_eq!(browser.get("/devices").await.status, 303, "a half-finished sign-in opens nothing");
    assert!(browser.get(&confirm).await.text().contains("Is this account yours?"));
    let link = confirm.split('=').nth(1).expect("a token").to_owned();

    let mut thief = t.anonymous();
    assert_eq!(thief.get(&confirm).await.status, 403, "the link works in the browser that began only");
    let stolen = [("link", link.as_str()), ("password", PASSWORD)];
    assert_eq!(thief.form("/auth/github/confirm", &stolen).await.status, 403);

    let wrong = [("link", link.as_str()), ("password", "wrong")];
    assert_eq!(browser.form("/auth/github/confirm", &wrong).await.status, 401);
    let right = [("link", link.as_str()), ("password", PASSWORD)];
    assert_eq!(browser.form("/auth/github/confirm", &right).await.location(), "/security");
    assert!(browser.get("/account").await.text().contains("Linked to octocat"));
    assert_eq!(browser.form("/auth/github/confirm", &right).await.status, 403, "once");
    assert_eq!(come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await.location(), "/");
}

#[tokio::test]
async fn an_account_is_linked_and_unlinked() {
    let t = app(&[]).await;
    let mut ada = t.browser("ada@example.com").await;
    assert_eq!(come_back_as(&mut ada, "/auth/github/link", "octocat").await.location(), "/account?done=linked");
    assert!(ada.get("/account").await.text().contains("Linked to octocat"));
    let mut eve = t.browser("eve@example.com").await;
    let taken = come_back_as(&mut eve, "/auth/github/link", "octocat").await;
    assert_eq!(taken.status, 403);
    assert!(taken.text().contains("linked to another account"));
    assert_eq!(ada.form("/auth/github/unlink", &[]).await.location(), "/account?done=unlinked");
    assert_eq!(come_back_as(&mut eve, "/auth/github/link", "octocat").await.location(), "/account?done=linked");
}

#[tokio::test]
async fn a_state_works_once_in_its_own_browser_for_ten_minutes() {
    let t = app(&[]).await;
    let mut attacker = t.anonymous();
    let (state, challenge) = depart(&mut attacker, "/auth/github").await;
    // The attacker's state and code in the victim's browser, with and without a ceremony of its own.
    let mut victim = t.anonymous();
    assert_eq!(victim.get(&callback("octocat", &state, &challenge)).await.status, 403);
    depart(&mut victim, "/auth/github").await;
    let refused = victim.get(&callback("octocat", &state, &challenge)).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("started in another browser"));
    assert_eq!(attacker.get(&callback("octocat", &state, &challenge)).await.location(), "/");
    assert_eq!(attacker.get(&callback("octocat", &state, &challenge)).await.status, 403, "used once");

    let mut slow = t.anonymous();
    let (state, challenge) = depart(&mut slow, "/auth/github").await;
    t.clock.advance(10 * MINUTE + 1);
    assert_eq!(slow.get(&callback("octocat", &state, &challenge)).await.status, 403);
    for junk in ["/auth/github/callback", "/auth/github/callback?code=x", "/auth/github/callback?state=x&code=y"] {
        assert_eq!(slow.get(junk).await.status, 403, "{junk}");
    }
}

#[tokio::test]
async fn one_persons_ceremony_finished_by_another_fails() {
    let t = app(&[]).await;
    let mut ada = t.browser("ada@example.com").await;
    let (state, challenge) = depart(&mut ada, "/auth/github/link").await;
    t.register("eve@example.com").await;
    let swap = [("email", "eve@example.com"), ("password", PASSWORD)];
    ada.form("/login", &swap).await; // the same browser, somebody else by now
    assert_eq!(ada.get(&callback("octocat", &state, &challenge)).await.status, 403);
    assert!(ada.get("/account").await.text().contains("Not linked."));
}

#[tokio::test]
async fn every_answer_of_github_has_a_clear_page() {
    let t = app(&[]).await;
    for (persona, status, text) in [
        ("expired", 403, "answer came too late"),
        ("down", 502, "did not answer as it should"),
        ("api-down", 502, "did not answer as it should"),
        ("unverified", 403, "no verified primary email address"),
    ] {
        let answer = come_back_as(&mut t.anonymous(), "/auth/github", persona).await;
        assert_eq!(answer.status, status, "{persona}");
        assert!(answer.text().contains(text), "{persona}: {}", answer.text());
    }
    for (error, text) in [("access_denied", "did not allow"), ("application_suspended", "did not accept")] {
        let mut browser = t.anonymous();
        let (state, _) = depart(&mut browser, "/auth/github").await;
        let answer = browser.get(&format!("/auth/github/callback?error={error}&state={state}")).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains(text), "{error}");
    }
    let mut browser = t.anonymous();
    let (state, _) = depart(&mut browser, "/auth/github").await;
    let wrong_verifier = browser.get(&callback("octocat", &state, "another-challenge")).await;
    assert_eq!(wrong_verifier.status, 403);
}

#[tokio::test]
async fn where_registration_is_closed_github_makes_no_account() {
    let t = app(&[("SEKISHO_REGISTRATION", "closed")]).await;
    assert_eq!(come_back_as(&mut t.anonymous(), "/auth/github", "octocat").await.status, 403);
}

#[tokio::test]
async fn without_a_client_id_there_is_no_github() {
    let t = TestApp::new().await;
    assert!(!t.anonymous().get("/login").await.text().contains("GitHub"));
    assert_eq!(t.anonymous().get("/auth/github").await.status, 404);
    assert_eq!(t.anonymous().form("/auth/github", &[]).await.status, 404);
    let mut ada = t.browser("ada@example.com").await;
    assert!(!ada.get("/account").await.text().contains("Link GitHub"));
}
