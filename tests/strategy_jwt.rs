//! `SEKISHO_STRATEGY=jwt`: a page token and a refresh cookie in place of the looked-up cookie.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    harness::{Client, HOUR, MINUTE, PASSWORD, TestApp},
    own_pages::router,
};

const JWT: (&str, &str) = ("SEKISHO_STRATEGY", "jwt");
const HYBRID: (&str, &str) = ("SEKISHO_STRATEGY", "hybrid");
const SESSION: (&str, &str) = ("SEKISHO_STRATEGY", "session");
const EMAIL: &str = "ada@example.com";

async fn jwt() -> TestApp {
    TestApp::with(&[JWT]).await
}

fn claims(browser: &Client) -> Value {
    let payload = browser.cookies["sekisho_page"].split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

async fn post(browser: &mut Client, path: &str) -> u16 {
    browser.send("POST", path, None, Body::empty()).await.status.as_u16()
}

async fn end_reason(t: &TestApp) -> Option<String> {
    sqlx::query_scalar("select ended_reason from sessions order by id desc limit 1")
        .fetch_one(t.db.reader())
        .await
        .expect("a session")
}

async fn rotations(t: &TestApp) -> i64 {
    let used = "select count(*) from refresh_tokens where used_at is not null";
    sqlx::query_scalar(used).fetch_one(t.db.reader()).await.expect("a count")
}

#[tokio::test]
async fn a_sign_in_sets_a_pair_of_cookies_bound_to_the_host() {
    let t = TestApp::with(&[JWT, ("SEKISHO_BASE_URL", "https://sign-in.example")]).await;
    t.register(EMAIL).await;
    let mut browser = t.anonymous();
    let answer = browser.form("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().expect("ASCII")).collect();
    for name in ["__Host-sekisho_page=", "__Host-sekisho_refresh=sk_rc_"] {
        let cookie = set.iter().find(|cookie| cookie.starts_with(name)).expect(name);
        for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain") && cookie.len() < 1_500, "{}", cookie.len());
    }
    assert!(!set.iter().any(|cookie| cookie.starts_with("__Host-sekisho=")), "{set:?}");
    let removal = browser.form("/logout", &[]).await;
    let removed: Vec<_> = removal.headers.get_all("set-cookie").iter().map(|v| v.to_str().expect("ASCII")).collect();
    for name in ["__Host-sekisho=;", "__Host-sekisho_page=;", "__Host-sekisho_refresh=;"] {
        assert!(removed.iter().any(|cookie| cookie.starts_with(name) && cookie.contains("Secure")), "{removed:?}");
    }
}

#[tokio::test]
async fn the_page_token_has_no_roles_and_no_profile_and_stays_small_with_two_hundred_roles() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let id = t.user_id(EMAIL).await;
    for n in 0..200 {
        let name = format!("a-role-with-a-name-{n}");
        let role = sqlx::query("insert into roles (name, permissions, created_at) values ($1, 'orders:read', 0)");
        role.bind(name.clone()).execute(t.db.writer()).await.expect("a role");
        let given = sqlx::query("insert into user_roles (user_id, role) values ($1, $2)");
        given.bind(id.to_string()).bind(name).execute(t.db.writer()).await.expect("given");
    }
    t.clock.advance(16 * MINUTE);
    assert_eq!(browser.get("/devices").await.status, 200);
    let token = &browser.cookies["sekisho_page"];
    assert!(token.len() < 1_024, "{} bytes", token.len());
    let text = claims(&browser).to_string();
    assert!(!text.contains("role") && !text.contains("ada"), "{text}");
    let t = t.restart().await;
    let user = t.app.core.accounts.find(&id).await.expect("reads").expect("a user");
    assert_eq!(user.role_names().count(), 201);
}

#[tokio::test]
async fn pages_of_a_fresh_token_need_no_database_and_changes_do() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let (mut api, _) = t.sign_in_api(EMAIL).await;
    t.admin("root@example.com").await;
    let mut root = t.sign_in_browser("root@example.com").await;
    for client in [&mut browser, &mut root] {
        assert_eq!(client.get("/").await.status, 200);
    }
    assert_eq!(api.get("/api/v1/me").await.status, 200);
    t.app.core.close().await;
    for _ in 0..3 {
        t.clock.advance(4 * MINUTE);
        for client in [&mut browser, &mut root] {
            let page = client.get("/").await;
            assert_eq!(page.status, 200, "{}", page.text());
            assert!(page.text().contains("/logout") && page.text().contains("can’t be read at the moment"));
        }
        assert!(root.get("/").await.text().contains("href=\"/admin\""), "permissions are known");
        assert_eq!(api.get("/api/v1/me").await.json()["email"], EMAIL);
    }
    let refused = browser.get("/devices").await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "2"));
    assert_eq!(post(&mut browser, "/session/token").await, 503);
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 503);
    // And no longer than the token lasts; the cookies stay.
    t.clock.advance(4 * MINUTE);
    assert_eq!(browser.get("/").await.status, 503);
    api.get("/api/v1/me").await.problem(401, "invalid_token");
    assert!(browser.cookies.contains_key("sekisho_refresh"));
}

#[tokio::test]
async fn a_page_that_is_read_again_is_not_looked_up() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    browser.get("/").await;
    // The row is gone, and nobody looks.
    sqlx::query("delete from sessions").execute(t.db.writer()).await.expect("deleted");
    assert!(browser.get("/").await.text().contains("/logout"));
    assert_eq!(browser.form("/account", &[("name", "Eve"), ("about", ""), ("locale", "")]).await.status, 303);
    let me = t.app.core.accounts.find(&t.user_id(EMAIL).await).await.expect("reads").expect("a user");
    assert_eq!(me.name, "ada", "a change reads the row");
    assert_eq!(post(&mut browser, "/session/token").await, 401);
}

#[tokio::test]
async fn an_end_counts_at_once_on_this_node_and_after_the_poll_on_another() {
    let t = jwt().await;
    let other = t.second_node().await;
    let mut browser = t.browser(EMAIL).await;
    let (mut api, _) = t.sign_in_api(EMAIL).await;
    let mut there = browser.at(&other);
    assert_eq!(there.get("/devices").await.status, 200);
    let id = browser.session_id().await;
    api.delete(&format!("/api/v1/sessions/{id}")).await;
    assert_eq!(browser.get("/devices").await.location(), "/login?next=%2Fdevices");
    assert!(browser.get("/login").await.text().contains("another of your devices"), "told why");
    // A change is refused before the poll.
    assert_eq!(post(&mut there, "/session/token").await, 401);
    other.app.core.follow(None).await.expect("a look");
    assert_eq!(there.get("/devices").await.location(), "/login?next=%2Fdevices");
    // And after a restart.
    let t = t.restart().await;
    assert_eq!(browser.at(&t).get("/devices").await.location(), "/login?next=%2Fdevices");
}

#[tokio::test]
async fn a_changed_role_counts_on_the_next_page() {
    let t = jwt().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let mut browser = t.browser(EMAIL).await;
    assert_eq!(browser.get("/admin").await.status, 403);
    let path = format!("/api/v1/admin/users/{}", t.user_id(EMAIL).await);
    assert_eq!(root.json("PATCH", &path, json!({ "roles": ["admin"] })).await.status, 200);
    assert_eq!(browser.get("/admin").await.status, 200);
    assert_eq!(root.json("PATCH", &path, json!({ "roles": [] })).await.status, 200);
    assert_eq!(browser.get("/admin").await.status, 403);
}

#[tokio::test]
async fn an_idle_timeout_shorter_than_the_token_holds_and_activity_moves_it() {
    let t = TestApp::with(&[JWT, ("SEKISHO_SESSION_IDLE", "5m")]).await;
    let mut browser = t.browser(EMAIL).await;
    let life = claims(&browser)["exp"].as_i64().expect("seconds") - claims(&browser)["iat"].as_i64().expect("seconds");
    assert!((299..=300).contains(&life), "{life}");
    for _ in 0..10 {
        t.clock.advance(4 * MINUTE);
        assert_eq!(browser.get("/").await.status, 200);
    }
    assert!((2..=4).contains(&rotations(&t).await), "{}", rotations(&t).await);
    // Polls are no activity.
    t.clock.advance(4 * MINUTE);
    assert_eq!(post(&mut browser, "/session/token").await, 200);
    t.clock.advance(2 * MINUTE);
    assert_eq!(browser.get("/devices").await.location(), "/login?next=%2Fdevices");
    assert!(browser.get("/login").await.text().contains("nothing happened for a while"));
    assert_eq!(end_reason(&t).await.as_deref(), Some("idle_timeout"));
}

#[tokio::test]
async fn a_renewal_is_no_activity_and_the_absolute_timeout_holds() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    for _ in 0..3 {
        t.clock.advance(19 * MINUTE);
        assert_eq!(post(&mut browser, "/session/token").await, 200);
    }
    assert_eq!(rotations(&t).await, 3);
    t.clock.advance(4 * MINUTE);
    assert_eq!(post(&mut browser, "/session/token").await, 401);
    assert_eq!(end_reason(&t).await.as_deref(), Some("idle_timeout"));

    let mut browser = t.sign_in_browser(EMAIL).await;
    for _ in 0..28 {
        t.clock.advance(50 * MINUTE);
        assert_eq!(browser.get("/").await.status, 200);
    }
    t.clock.advance(40 * MINUTE + 1);
    assert_eq!(browser.get("/devices").await.location(), "/login?next=%2Fdevices");
    t.app.core.run_housekeeping().await.expect("housekeeping");
    assert!(browser.get("/login").await.text().contains("time limit of your sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_requests_of_one_browser_share_the_successor() {
    let t = TestApp::with(&[JWT, ("SEKISHO_REFRESH_GRACE", "0")]).await;
    let browser = t.browser(EMAIL).await;
    t.clock.advance(20 * MINUTE);
    let all = (0..32).map(|_| {
        let mut tab = browser.clone();
        tokio::spawn(async move {
            let answer = tab.get("/devices").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            tab.cookies["sekisho_refresh"].clone()
        })
    });
    let mut successors: Vec<_> = join_all(all).await.into_iter().map(|tab| tab.expect("no panic")).collect();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(rotations(&t).await, 1);
    assert_ne!(successors[0], browser.cookies["sekisho_refresh"]);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_made_up_for_and_a_copy_reveals_itself() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    t.clock.advance(20 * MINUTE);
    let mut lost = browser.clone();
    assert_eq!(lost.get("/devices").await.status, 200);
    t.clock.advance(40_000);
    // Neither the successor nor its page token was used: another one takes its place.
    assert_eq!(browser.get("/devices").await.status, 200);
    t.clock.advance(20 * MINUTE);
    let mut thief = browser.clone();
    assert_eq!(thief.get("/devices").await.status, 200);
    assert_eq!(thief.get("/devices").await.status, 200, "and uses what it got");
    t.clock.advance(40_000);
    assert_eq!(browser.get("/devices").await.location(), "/login?next=%2Fdevices");
    assert_eq!(end_reason(&t).await.as_deref(), Some("refresh_reuse"));
    assert_eq!(thief.get("/devices").await.location(), "/login?next=%2Fdevices");
    assert!(browser.get("/login").await.text().contains("someone may have used a copy"));
}

#[tokio::test]
async fn a_restart_revives_no_rotated_token() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let old = browser.clone();
    t.clock.advance(20 * MINUTE);
    browser.get("/devices").await;
    browser.get("/devices").await;
    t.app.core.flush_access_uses().await.expect("written");
    let t = t.restart().await;
    t.clock.advance(MINUTE);
    assert_eq!(old.at(&t).get("/devices").await.location(), "/login?next=%2Fdevices");
    assert_eq!(end_reason(&t).await.as_deref(), Some("refresh_reuse"));
}

#[tokio::test]
async fn signing_out_wins_over_a_request_under_way_and_no_request_removes_cookies() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    t.clock.advance(20 * MINUTE);
    // A sign-out that has to renew the pair first sets nothing.
    let answer = browser.form("/logout", &[]).await;
    assert_eq!(answer.status, 303);
    assert!(!browser.cookies.keys().any(|name| name.starts_with("sekisho_page") || name == "sekisho_refresh"));
    // Whatever a slow answer puts back opens nothing.
    let mut browser = t.sign_in_browser(EMAIL).await;
    let back = browser.clone();
    browser.form("/logout", &[]).await;
    for mut late in [back.clone(), back] {
        assert_eq!(late.get("/devices").await.location(), "/login?next=%2Fdevices");
        assert!(late.cookies.contains_key("sekisho_refresh"), "nor does it take away another's");
        t.clock.advance(20 * MINUTE);
        assert_eq!(late.get("/devices").await.location(), "/login?next=%2Fdevices");
    }
}

#[tokio::test]
async fn after_step_up_a_stolen_pair_changes_nothing_and_is_renewed_no_more() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let mut stolen = browser.clone();
    t.clock.advance(11 * MINUTE);
    let ended = browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    assert_ne!(browser.cookies["sekisho_refresh"], stolen.cookies["sekisho_refresh"]);
    assert_eq!(stolen.get("/devices").await.status, 303, "it reads nothing either");
    let there = t.second_node().await;
    assert_eq!(stolen.at(&there).get("/devices").await.status, 303, "nor on a node that starts now");
    assert_eq!(stolen.form("/devices/end-others", &[]).await.location(), "/login");
    assert_eq!(post(&mut stolen, "/session/token").await, 401);
    // On another node after the poll; a change at once.
    let mut stolen = browser.clone().at(&there);
    t.clock.advance(11 * MINUTE);
    assert_eq!(browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await.status, 303);
    assert_eq!(post(&mut stolen, "/session/token").await, 401);
    there.app.core.follow(Some(t.clock.now() - 60_000)).await.expect("a look");
    assert_eq!(stolen.get("/devices").await.status, 303);
    assert_eq!(browser.get("/devices").await.status, 200, "the owner goes on");
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 303);
}

#[tokio::test]
async fn every_kind_of_token_is_refused_everywhere_else() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let (_, tokens) = t.sign_in_api(EMAIL).await;
    let access = tokens["access_token"].as_str().expect("a token").to_owned();
    let refresh = tokens["refresh_token"].as_str().expect("a token").to_owned();
    let browsers_access = browser.send("POST", "/session/token", None, Body::empty()).await.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let (page, cookie) = (browser.cookies["sekisho_page"].clone(), browser.cookies["sekisho_refresh"].clone());
    for token in [&page, &cookie, &refresh] {
        let mut client = t.anonymous();
        client.bearer = Some(token.clone());
        client.get("/api/v1/me").await.problem(401, "invalid_token");
    }
    for token in [&page, &cookie, &access] {
        let answer = t.anonymous().post("/api/v1/tokens/refresh", json!({ "refresh_token": token })).await;
        answer.problem(401, "invalid_refresh_token");
    }
    let swapped = cookie.replace("sk_rc_", "sk_rt_");
    let answer = t.anonymous().post("/api/v1/tokens/refresh", json!({ "refresh_token": swapped })).await;
    answer.problem(401, "invalid_refresh_token");
    for (name, value) in [
        ("sekisho_page", &access),
        ("sekisho_page", &browsers_access),
        ("sekisho_page", &cookie),
        ("sekisho_refresh", &refresh),
        ("sekisho_refresh", &refresh.replace("sk_rt_", "sk_rc_")),
        ("sekisho_refresh", &page),
        ("sekisho", &page),
        ("sekisho", &cookie),
    ] {
        let mut client = t.anonymous();
        client.cookies.insert(name.into(), value.clone());
        assert_eq!(client.get("/devices").await.status, 303, "{name}={value}");
        assert_eq!(post(&mut client, "/session/token").await, 401, "{name}={value}");
    }
    // A session's id, which is no secret, signs nobody in as a cookie of the other strategies.
    let sid: uuid::Uuid = claims(&browser)["sid"].as_str().expect("an id").parse().expect("a UUID");
    for bytes in [sid.as_u128().to_le_bytes(), sid.as_u128().to_be_bytes(), [0; 16]] {
        let mut client = t.anonymous();
        client.cookies.insert("sekisho".into(), URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(client.get("/devices").await.status, 303);
    }
    // Changed in one place.
    for at in (0..page.len()).step_by(23) {
        let mut changed = page.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        let mut client = t.anonymous();
        client.cookies.insert("sekisho_page".into(), changed.clone());
        assert!(changed == page || client.get("/devices").await.status == 303, "byte {at}");
    }
}

#[tokio::test]
async fn a_withdrawn_key_opens_no_page_and_the_refresh_cookie_brings_another() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await;
    let mut page_alone = browser.clone();
    page_alone.cookies.remove("sekisho_refresh");
    assert_eq!(page_alone.get("/devices").await.status, 200);
    let kid = t.app.core.signing_keys.list().await.expect("keys")[0].kid.clone();
    t.app.core.signing_keys.withdraw(&kid, &crate::harness::context(None)).await.expect("withdrawn");
    assert_eq!(page_alone.get("/devices").await.status, 303);
    assert_eq!(browser.get("/devices").await.status, 200);
}

#[tokio::test]
async fn a_switch_of_strategy_signs_nobody_out_and_revives_nobody() {
    let hybrid = TestApp::with(&[HYBRID]).await;
    let jwt = hybrid.second_node_with(&[JWT]).await;
    let session = hybrid.second_node_with(&[SESSION]).await;
    let mut looked_up = hybrid.browser(EMAIL).await;
    let mut pair = jwt.sign_in_browser(EMAIL).await;
    let mut gone = jwt.sign_in_browser(EMAIL).await;
    for _ in 0..3 {
        for node in [&hybrid, &jwt, &session] {
            hybrid.clock.advance(10 * MINUTE);
            for browser in [&mut looked_up, &mut pair] {
                let mut here = browser.at(node);
                assert_eq!(here.get("/devices").await.status, 200);
                assert_eq!(post(&mut here, "/session/activity").await, 200);
                *browser = here;
            }
        }
    }
    // Under the others a page token is looked up: an end counts before any poll.
    let (mut api, _) = jwt.sign_in_api(EMAIL).await;
    let mut fresh = jwt.sign_in_browser(EMAIL).await;
    let id = fresh.session_id().await;
    api.delete(&format!("/api/v1/sessions/{id}")).await;
    for node in [&hybrid, &session] {
        assert_eq!(fresh.at(node).get("/devices").await.status, 303);
        assert_eq!(gone.at(node).get("/devices").await.status, 303, "idle since an hour");
    }
    gone = gone.at(&jwt);
    assert_eq!(gone.get("/devices").await.status, 303);
    // The next proof brings the cookie of the strategy, and removes the other.
    let prove = async |browser: &mut Client, node: &TestApp| {
        node.clock.advance(11 * MINUTE);
        *browser = browser.at(node);
        let proved = browser.form("/account/security/totp", &[("step_up_password", PASSWORD)]).await;
        assert_eq!(proved.status, 200, "{}", proved.text());
    };
    let names = |browser: &Client| -> Vec<String> {
        browser
            .cookies
            .keys()
            .filter(|name| !name.ends_with("device") && !name.ends_with("ceremony"))
            .cloned()
            .collect()
    };
    let old = pair.clone();
    prove(&mut pair, &hybrid).await;
    assert_eq!(names(&pair), ["sekisho"]);
    prove(&mut looked_up, &jwt).await;
    assert_eq!(names(&looked_up), ["sekisho_page", "sekisho_refresh"]);
    for (browser, node) in [(&mut pair, &session), (&mut looked_up, &hybrid)] {
        assert_eq!(browser.at(node).get("/devices").await.status, 200);
    }
    hybrid.clock.advance(16 * MINUTE);
    assert_eq!(old.at(&jwt).get("/devices").await.status, 303, "the old refresh cookie died with the proof");
}

#[tokio::test]
async fn what_a_page_keeps_is_kept_for_the_session() {
    let t = jwt().await;
    let mut browser = t.browser(EMAIL).await.on(router(t.app.clone()));
    assert_eq!(browser.get("/orders/visits").await.text(), "Visit 1");
    t.clock.advance(20 * MINUTE);
    assert_eq!(browser.get("/orders/visits").await.text(), "Visit 2");
    let proved = browser.form("/orders/cancel", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(proved.text(), "Cancelled the orders of ada");
    assert_eq!(browser.get("/orders/visits").await.text(), "Visit 3", "a new proof keeps it");
    let hybrid = t.second_node_with(&[HYBRID]).await;
    assert_eq!(browser.on(router(hybrid.app.clone())).get("/orders/visits").await.text(), "Visit 4");
    t.clock.advance(2 * HOUR);
    assert_eq!(browser.get("/orders/visits").await.status, 303);
}

#[tokio::test]
async fn renewals_of_one_session_are_limited() {
    let t = TestApp::with(&[JWT, ("SEKISHO_RATE_LIMIT", "on")]).await;
    let browser = t.browser(EMAIL).await;
    t.clock.advance(20 * MINUTE);
    let mut limited = 0;
    for _ in 0..130 {
        let answer = browser.clone().get("/account").await;
        limited += u32::from(answer.status == 429);
    }
    assert!((5..=15).contains(&limited), "{limited}");
}
