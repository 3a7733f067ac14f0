//! Who is signed in, and how they are made to leave: at once, everywhere, with the true reason.

use sekisho_core::db::sign_outs::{self, SignOut};
use serde_json::json;

use crate::harness::{Client, HOUR, MINUTE, PASSWORD, TestApp};

#[tokio::test]
async fn an_administrator_ends_sessions_and_everything_of_them_is_dead_with_the_reason() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    events.next().await;
    let ada = t.user_id("ada@example.com").await;

    let list = admin.get(&format!("/api/v1/admin/users/{ada}/sessions")).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    let id = tokens["session_id"].as_str().expect("an id");
    assert_eq!(admin.delete(&format!("/api/v1/admin/sessions/{id}")).await.status, 204);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = t.anonymous().post("/api/v1/tokens/refresh", refresh).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    admin.delete(&format!("/api/v1/admin/sessions/{id}")).await.problem(404, "not_found");

    let all = admin.post(&format!("/api/v1/admin/users/{ada}/revoke-sessions"), json!({})).await;
    assert_eq!(all.json(), json!({ "revoked": 1 }));
    assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_admin" }))));
    assert_eq!(browser.get("/devices").await.status, 303);
    assert!(browser.get("/login").await.text().contains("An administrator signed you out."));

    // Each end is in the person's log, with who did it in the administrator's.
    let log = admin.get(&format!("/api/v1/admin/events?person={ada}&kind=session_ended")).await.json();
    let items = log["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2);
    let root = t.user_id("root@example.com").await;
    for item in items {
        assert_eq!((item["reason"].as_str(), item["actor_id"].as_str()), (Some("revoked_by_admin"), Some(&*root)));
    }
}

#[tokio::test]
async fn everybody_is_signed_out_but_the_one_who_asks() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut ada, _) = t.api("ada@example.com").await;
    let mut bob = t.browser("bob@example.com").await;
    assert_eq!(admin.post("/api/v1/admin/sessions/revoke-all", json!({})).await.json(), json!({ "revoked": 2 }));
    assert_eq!(ada.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_admin");
    assert_eq!(bob.get("/devices").await.status, 303);
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
    let mut page = t.sign_in_browser("root@example.com").await;
    assert_eq!(page.form("/admin/sessions/end-all", &[]).await.status, 422, "the box is to be ticked");
    let log = admin.get("/api/v1/admin/events?kind=everybody_ended").await.json();
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn everybody_is_out_before_the_database_has_written_it_all_and_after_a_crash_too() {
    let t = TestApp::new().await;
    let (mut admin, tokens) = t.admin("root@example.com").await;
    let (ada, ada_tokens) = t.api("ada@example.com").await;
    let browser = t.sign_in_browser("ada@example.com").await;
    // What is left of a process that was killed right after it recorded the act.
    let keep = tokens["session_id"].as_str().expect("an id").to_owned();
    let cut_off = SignOut { id: t.app.auth.clock.new_id(), at: t.app.auth.clock.now(), keep };
    sign_outs::insert(t.app.auth.db.writer(), &cut_off).await.expect("a row");
    t.clock.advance(1_000);
    let (mut later, _) = t.sign_in_api("ada@example.com").await;

    let restarted = t.second_node().await;
    t.app.auth.follow_ends(None).await.expect("a look");
    let refresh = json!({ "refresh_token": ada_tokens["refresh_token"] });
    for node in [&t, &restarted] {
        let refused = ada.at(node).get("/api/v1/me").await;
        assert_eq!(refused.problem(401, "session_revoked")["reason"], "revoked_by_admin");
        assert_eq!(browser.at(node).get("/devices").await.status, 303);
        node.anonymous().post("/api/v1/tokens/refresh", refresh.clone()).await.problem(401, "session_revoked");
    }
    let live = async |client: &mut Client| {
        let sessions = client.get("/api/v1/admin/sessions").await.json();
        sessions["items"].as_array().map(Vec::len)
    };
    assert_eq!(live(&mut admin).await, Some(4), "no row says so yet");
    restarted.app.auth.sweep().await.expect("a sweep");
    assert_eq!(live(&mut admin).await, Some(2));
    assert_eq!(later.get("/api/v1/me").await.status, 200, "signed in since");
    // One that began before, and was committed after: it is looked for a while longer.
    sqlx::query("update sessions set created_at = $1 where ended_at is null and id <> $2")
        .bind(cut_off.at)
        .bind(&cut_off.keep)
        .execute(t.app.auth.db.writer())
        .await
        .expect("an update");
    t.clock.advance(MINUTE);
    restarted.app.auth.sweep().await.expect("a sweep");
    assert_eq!(live(&mut admin).await, Some(1));
    t.clock.advance(15 * MINUTE);
    restarted.app.auth.sweep().await.expect("a sweep");
    assert!(sign_outs::list(t.app.auth.db.reader()).await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_disabled_account_is_out_everywhere_and_gets_in_by_no_way() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let path = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    let disabled = admin.json("PATCH", &path, json!({ "disabled": true })).await;
    assert!(disabled.json()["disabled_at"].is_string());

    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "account_disabled");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = t.anonymous().post("/api/v1/tokens/refresh", refresh).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "account_disabled");
    assert_eq!(browser.get("/account").await.status, 303);
    assert!(browser.get("/login").await.text().contains("Your account has been disabled"));
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(403, "account_disabled");
    t.anonymous().post("/session/sign-in", credentials.clone()).await.problem(403, "account_disabled");
    let form = t.anonymous().form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(form.status, 403);
    // Only whoever knows the password learns of it.
    let guess = json!({ "email": "ada@example.com", "password": "wrong" });
    t.anonymous().post("/api/v1/tokens", guess).await.problem(401, "invalid_credentials");

    let enabled = admin.json("PATCH", &path, json!({ "disabled": false })).await;
    assert!(enabled.json()["disabled_at"].is_null());
    assert_eq!(t.anonymous().post("/api/v1/tokens", credentials).await.status, 200);
    api.get("/api/v1/me").await.problem(401, "session_revoked");
}

#[tokio::test]
async fn an_end_made_by_another_process_counts_here_as_soon_as_it_is_looked_for() {
    let t = TestApp::new().await;
    let other = t.second_node().await;
    let (mut here, tokens) = t.api("ada@example.com").await;
    let mut there = other.anonymous();
    there.bearer = tokens["access_token"].as_str().map(Into::into);
    let mut browser = other.sign_in_browser("ada@example.com").await;
    let mut events = browser.events("/session/events").await;
    events.next().await;
    assert_eq!(there.get("/api/v1/me").await.status, 200);

    let since = other.app.auth.follow_ends(None).await.expect("a look");
    here.post("/api/v1/sessions/revoke-others", json!({})).await;
    here.delete("/api/v1/tokens").await;
    other.app.auth.follow_ends(Some(since)).await.expect("a look");
    assert_eq!(there.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
    assert_eq!(events.next().await, Some(("ended".into(), json!({ "reason": "revoked_by_user" }))));
    let feed = there.get("/api/v1/revocations").await.json();
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn ends_are_kept_in_memory_only_while_a_token_could_contradict_them() {
    let t = TestApp::new().await;
    for _ in 0..3 {
        t.register_once("ada@example.com").await;
        let (mut api, _) = t.sign_in_api("ada@example.com").await;
        api.delete("/api/v1/tokens").await;
    }
    assert_eq!(t.app.auth.ended.len(), 3);
    t.clock.advance(15 * MINUTE);
    t.app.auth.sweep().await.expect("a sweep");
    assert_eq!(t.app.auth.ended.len(), 3, "the leeway has not passed yet");
    t.clock.advance(2 * MINUTE);
    t.app.auth.sweep().await.expect("a sweep");
    assert!(t.app.auth.ended.is_empty());
}

#[tokio::test]
async fn nobody_ended_is_let_in_when_the_database_is_gone() {
    let t = TestApp::new().await;
    let (mut ended, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    ended.delete("/api/v1/tokens").await;
    t.app.auth.db.close().await;
    ended.get("/api/v1/me").await.problem(401, "session_revoked");
    let page = browser.get("/devices").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert!(page.text().contains("The server is busy at the moment") && !page.text().contains("sqlx"));
    browser.get("/session/events").await.problem(503, "busy");
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 503);
    assert_eq!(browser.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn an_end_that_the_database_refuses_is_said_to_have_failed_and_can_be_done_again() {
    let t = TestApp::new().await;
    let (mut ada, _) = t.api("ada@example.com").await;
    let (mut other, _) = t.sign_in_api("ada@example.com").await;
    let mut tx = t.app.auth.db.begin().await.expect("a transaction");
    sqlx::query("update chain set seal = seal").execute(&mut *tx).await.expect("a lock");
    let refused = ada.post("/api/v1/sessions/revoke-others", json!({})).await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(other.get("/api/v1/me").await.status, 200, "nothing has ended");
    tx.rollback().await.expect("unlocked");
    assert_eq!(ada.post("/api/v1/sessions/revoke-others", json!({})).await.json(), json!({ "revoked": 1 }));
    other.get("/api/v1/me").await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_clock_that_jumps_lets_nobody_back_in() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    api.post("/api/v1/sessions/revoke-others", json!({})).await;
    for jump in [-24 * HOUR, 24 * HOUR, 25 * HOUR] {
        t.clock.advance(jump);
        t.app.auth.sweep().await.expect("a sweep");
        assert_eq!(browser.get("/devices").await.status, 303);
    }
    api.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn an_end_that_was_forgotten_counts_again_when_the_clock_is_set_back() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let since = t.app.auth.follow_ends(None).await.expect("a look");
    api.delete("/api/v1/tokens").await;
    t.clock.advance(HOUR);
    let later = t.app.auth.follow_ends(Some(since)).await.expect("a look");
    t.app.auth.sweep().await.expect("a sweep");
    assert!(t.app.auth.ended.is_empty());
    t.clock.advance(-HOUR);
    t.app.auth.follow_ends(Some(later)).await.expect("a look");
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
}

// The revocation feed

#[tokio::test]
async fn other_services_can_follow_what_ends() {
    let t = TestApp::new().await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let (mut bob, _) = t.api("bob@example.com").await;
    let mut service = t.anonymous();
    let empty = service.get("/api/v1/revocations").await;
    assert_eq!(empty.header("cache-control"), "no-cache");
    let tag = empty.header("etag").to_owned();
    let empty = empty.json();
    assert_eq!((empty["items"].as_array().map(Vec::len), empty["retain_for"].as_i64()), (Some(0), Some(960)));
    service.headers.push(("if-none-match", tag));
    assert_eq!(service.get("/api/v1/revocations").await.status, 304);

    ada.delete("/api/v1/tokens").await;
    let first = service.get("/api/v1/revocations").await.json();
    assert_eq!(first["items"][0]["sid"], tokens["session_id"]);
    assert_eq!(first["items"][0]["reason"], "signed_out");
    assert!(first["items"][0]["ended_at"].as_str().is_some_and(|at| at.ends_with('Z')));

    bob.delete("/api/v1/tokens").await;
    let since = first["next_cursor"].as_str().expect("a cursor");
    let second = service.get(&format!("/api/v1/revocations?since={since}")).await.json();
    assert_eq!(second["items"].as_array().map(Vec::len), Some(1), "only what is new");
    let unknown = service.get("/api/v1/revocations?since=junk").await.json();
    assert_eq!(unknown["items"].as_array().map(Vec::len), Some(2), "everything");

    // Right after a restart the list is the same, and an old cursor gets all of it.
    let t = t.restart().await;
    let after = t.anonymous().get(&format!("/api/v1/revocations?since={since}")).await.json();
    assert_eq!(after["items"].as_array().map(Vec::len), Some(2));
}

fn follower(t: &TestApp) -> Client {
    let mut client = t.anonymous();
    client.headers.push(("accept", "text/event-stream".into()));
    client
}

#[tokio::test]
async fn the_feed_streams_what_was_missed_and_then_each_end_as_it_happens() {
    let t = TestApp::new().await;
    let (mut ada, adas) = t.api("ada@example.com").await;
    let (mut bob, bobs) = t.api("bob@example.com").await;
    ada.delete("/api/v1/tokens").await;

    let mut stream = follower(&t).events("/api/v1/revocations").await;
    let (name, ended) = stream.next().await.expect("what was missed");
    assert_eq!((name.as_str(), &ended["sid"]), ("ended", &adas["session_id"]));
    let (name, hello) = stream.next().await.expect("a greeting");
    assert_eq!((name.as_str(), hello["retain_for"].as_i64()), ("hello", Some(960)));
    bob.delete("/api/v1/tokens").await;
    let (_, ended) = stream.next().await.expect("an end");
    assert_eq!((&ended["sid"], ended["reason"].as_str()), (&bobs["session_id"], Some("signed_out")));

    // Cut, and back from where it was.
    drop(stream);
    let mut client = follower(&t);
    client.headers.push(("last-event-id", hello["next_cursor"].as_str().expect("a cursor").into()));
    let mut stream = client.events("/api/v1/revocations").await;
    assert_eq!(stream.next().await.expect("what was missed").1["sid"], bobs["session_id"]);
    assert_eq!(stream.next().await.expect("a greeting").0, "hello");
}

#[tokio::test]
async fn one_place_cannot_take_the_whole_feed_and_gives_back_what_it_took() {
    let t = TestApp::new().await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(follower(&t).events("/api/v1/revocations").await);
    }
    let refused = follower(&t).get("/api/v1/revocations").await;
    refused.problem(503, "busy");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(t.anonymous().get("/api/v1/revocations").await.status, 200, "the list is for everybody");
    let mut elsewhere = follower(&t);
    elsewhere.ip = [203, 0, 113, 9].into();
    elsewhere.events("/api/v1/revocations").await;
    streams.pop();
    follower(&t).events("/api/v1/revocations").await;
}

#[tokio::test]
async fn a_node_that_cannot_see_what_ends_says_so() {
    let t = TestApp::new().await;
    let mut stream = follower(&t).events("/api/v1/revocations").await;
    assert_eq!(stream.next().await.expect("a greeting").0, "hello");
    t.app.auth.ended.set_stale();
    assert!(stream.next().await.is_none(), "the stream is closed");
    follower(&t).get("/api/v1/revocations").await.problem(503, "busy");
    t.anonymous().get("/api/v1/revocations").await.problem(503, "busy");
    t.app.auth.ended.set_fresh();
    assert_eq!(t.anonymous().get("/api/v1/revocations").await.status, 200);
}

#[tokio::test]
async fn one_session_cannot_hold_any_number_of_event_streams() {
    let t = TestApp::new().await;
    let mut ada = t.browser("ada@example.com").await;
    let mut bob = t.browser("bob@example.com").await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(ada.events("/session/events").await);
    }
    ada.get("/session/events").await.problem(503, "busy");
    bob.events("/session/events").await;
    streams.pop();
    ada.events("/session/events").await;
}

#[tokio::test]
async fn a_long_list_comes_in_order_and_whole() {
    let t = TestApp::new().await;
    let end = |n: usize| sekisho_core::ended::End {
        session_id: n.to_string().into(),
        reason: sekisho_core::reason::Reason::SignedOut,
        at: t.clock.now(),
    };
    t.app.auth.ended.announce((0..600).map(end));
    let mut stream = follower(&t).events("/api/v1/revocations").await;
    for n in 0..600 {
        assert_eq!(stream.next().await.expect("an end").1["sid"], n.to_string());
    }
    assert_eq!(stream.next().await.expect("a greeting").0, "hello");
    t.app.auth.ended.announce([end(600)]);
    assert_eq!(stream.next().await.expect("an end").1["sid"], "600");
}

// One device too many

#[tokio::test]
async fn whoever_is_denied_chooses_which_device_goes() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "2"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut first = t.sign_in_browser("ada@example.com").await;
    let mut second = t.anonymous();
    let credentials = [("email", "ada@example.com"), ("password", PASSWORD), ("next", "/security")];
    let page = second.form("/login", &credentials).await;
    assert_eq!(page.status, 403);
    let page = page.text();
    assert!(page.contains("All your devices are in use"));
    let field = |page: &str, name: &str| {
        crate::harness::between(page, &format!("name=\"{name}\" value=\""), "\"").expect(name).to_owned()
    };
    let waiting = field(&page, "waiting");

    // Half a sign-in opens nothing, and waits in this browser only.
    assert_eq!(second.get("/devices").await.status, 303);
    let id = tokens["session_id"].as_str().expect("an id");
    let mut thief = t.anonymous();
    assert_eq!(thief.form("/login/room", &[("waiting", &waiting), ("id", id)]).await.status, 403);
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let entered = second.form("/login/room", &[("waiting", &waiting), ("id", id)]).await;
    assert_eq!(entered.location(), "/security");
    assert_eq!(second.get("/security").await.status, 200);
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
    assert_eq!(first.get("/devices").await.status, 200);
    // It is no other kind of token either.
    let link = second.get(&format!("/auth/github/confirm?link={waiting}")).await;
    assert_eq!(link.status, 403);
    t.anonymous()
        .post("/api/v1/tokens/refresh", json!({ "refresh_token": waiting }))
        .await
        .problem(401, "invalid_refresh_token");
    // Used once.
    let again = second.form("/login/room", &[("waiting", &waiting), ("id", id)]).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("Please start again"));
}

#[tokio::test]
async fn a_choice_that_makes_no_room_is_asked_again() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (_, tokens) = t.api("ada@example.com").await;
    let (_, eves) = t.api("eve@example.com").await;
    let mut browser = t.anonymous();
    let page = browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.text();
    let waiting =
        |page: &str| crate::harness::between(page, "name=\"waiting\" value=\"", "\"").expect("a token").to_owned();
    let foreign = eves["session_id"].as_str().expect("an id");
    let asked = browser.form("/login/room", &[("waiting", &waiting(&page)), ("id", foreign)]).await;
    assert_eq!(asked.status, 403);
    let mine = tokens["session_id"].as_str().expect("an id");
    let entered = browser.form("/login/room", &[("waiting", &waiting(&asked.text())), ("id", mine)]).await;
    assert_eq!(entered.location(), "/");
    assert_eq!(t.live_sessions("eve@example.com").await, 1);
}

#[tokio::test]
async fn a_sign_in_that_waits_is_worth_nothing_after_the_password_changed_or_a_while() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let id = tokens["session_id"].as_str().expect("an id");
    let waiting = |page: &str| crate::harness::between(page, "name=\"waiting\" value=\"", "\"").map(str::to_owned);
    let mut thief = t.anonymous();
    let page = thief.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.text();
    let token = waiting(&page).expect("a token");
    let change = json!({ "current_password": PASSWORD, "new_password": "another four words here" });
    assert_eq!(ada.json("PUT", "/api/v1/me/password", change).await.status, 204);
    assert_eq!(thief.form("/login/room", &[("waiting", &token), ("id", id)]).await.status, 401);
    assert_eq!(ada.get("/api/v1/me").await.status, 200);

    // Nor can it be kept alive by choosing nothing of use.
    t.api("bob@example.com").await;
    let mut late = t.anonymous();
    let page = late.form("/login", &[("email", "bob@example.com"), ("password", PASSWORD)]).await.text();
    let mut token = waiting(&page).expect("a token");
    let foreign = t.clock.new_id();
    for _ in 0..2 {
        t.clock.advance(4 * MINUTE);
        let again = late.form("/login/room", &[("waiting", &token), ("id", &foreign)]).await;
        token = waiting(&again.text()).expect("another try");
    }
    t.clock.advance(4 * MINUTE);
    let over = late.form("/login/room", &[("waiting", &token), ("id", &foreign)]).await;
    assert_eq!((over.status.as_u16(), waiting(&over.text())), (403, None));
}

#[tokio::test]
async fn an_api_client_is_told_its_devices_and_names_the_one_to_end() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "1"), ("SEKISHO_DEVICE_LIMIT", "deny")]).await;
    let (mut first, tokens) = t.api("ada@example.com").await;
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let denied = t.anonymous().post("/api/v1/tokens", credentials.clone()).await.problem(403, "device_limit");
    assert_eq!(denied["devices"][0]["id"], tokens["session_id"]);
    // Whoever got so far knew the password: the person sees it.
    let log = first.get("/api/v1/events").await.json();
    assert_eq!(
        (&log["items"][0]["kind"], &log["items"][0]["reason"]),
        (&json!("sign_in_failed"), &json!("device_limit"))
    );
    let mut chosen = credentials;
    chosen["end_session"] = tokens["session_id"].clone();
    assert_eq!(t.anonymous().post("/api/v1/tokens", chosen).await.status, 200);
    assert_eq!(first.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
}

// Roles

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request_on_whatever_the_token_says() {
    let t = TestApp::new().await;
    let other = t.second_node().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let mut page = t.sign_in_browser("ada@example.com").await;
    let mut there = other.anonymous();
    there.bearer = tokens["access_token"].as_str().map(Into::into);
    let user = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    ada.get("/api/v1/admin/users").await.problem(403, "forbidden");
    there.get("/api/v1/admin/users").await.problem(403, "forbidden");
    assert_eq!(page.get("/admin").await.status, 403);

    assert_eq!(
        root.json("PATCH", &user, json!({ "roles": ["admin"] })).await.json()["roles"],
        json!(["user", "admin"])
    );
    assert_eq!(ada.get("/api/v1/admin/users").await.status, 200);
    assert_eq!(page.get("/admin").await.status, 200);
    t.clock.advance(1_000);
    assert_eq!(there.get("/api/v1/admin/users").await.status, 200, "on another node within a second");

    root.json("PATCH", &user, json!({ "roles": [] })).await;
    ada.get("/api/v1/admin/users").await.problem(403, "forbidden");
    assert_eq!(page.get("/admin").await.status, 403);
    t.clock.advance(1_000);
    there.get("/api/v1/admin/users").await.problem(403, "forbidden");
}

#[tokio::test]
async fn free_roles_have_permissions_and_are_checked() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    t.register("ada@example.com").await;
    let user = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    for (name, permissions, field) in [
        ("admin", json!([]), "name"),
        ("Support", json!([]), "name"),
        ("support", json!(["a b"]), "permissions"),
        ("support", json!([""]), "permissions"),
    ] {
        let answer =
            root.json("PUT", &format!("/api/v1/admin/roles/{name}"), json!({ "permissions": permissions })).await;
        assert_eq!(answer.problem(422, "invalid_input")["errors"][0]["field"], field, "{name} {permissions}");
    }
    let unknown = root.json("PATCH", &user, json!({ "roles": ["support"], "disabled": true })).await;
    assert_eq!(unknown.problem(422, "invalid_input")["errors"][0]["field"], "roles");
    assert!(root.get(&user).await.json()["disabled_at"].is_null(), "all of it or nothing");

    let role = json!({ "permissions": ["orders:read", "orders:write", "orders:read"] });
    let saved = root.json("PUT", "/api/v1/admin/roles/support", role).await.json();
    assert_eq!(saved, json!({ "name": "support", "permissions": ["orders:read", "orders:write"] }));
    root.json("PATCH", &user, json!({ "roles": ["support"] })).await;
    let ada = t.app.auth.find_person("ada@example.com").await.expect("a look").expect("a user");
    let permissions = t.app.auth.permissions(&ada).await.expect("permissions");
    assert!(permissions.allow("orders:write") && !permissions.allow("sekisho:admin"));

    let in_use = root.delete("/api/v1/admin/roles/support").await;
    assert_eq!(in_use.problem(422, "invalid_input")["errors"][0]["code"], "role-in-use");
    root.json("PATCH", &user, json!({ "roles": [] })).await;
    assert_eq!(root.delete("/api/v1/admin/roles/support").await.status, 204);
    root.delete("/api/v1/admin/roles/support").await.problem(404, "not_found");
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut helper, _) = t.api("helper@example.com").await;
    t.register("ada@example.com").await;
    let of = async |email: &str| format!("/api/v1/admin/users/{}", t.user_id(email).await);
    let (roots, helpers, adas) =
        (of("root@example.com").await, of("helper@example.com").await, of("ada@example.com").await);
    let roles = "/api/v1/admin/roles";
    root.json("PUT", &format!("{roles}/helper"), json!({ "permissions": ["sekisho:admin", "orders:*"] })).await;
    root.json("PUT", &format!("{roles}/billing"), json!({ "permissions": ["invoices:read"] })).await;
    assert_eq!(root.json("PATCH", &helpers, json!({ "roles": ["helper"] })).await.status, 200);

    for (method, path, body) in [
        ("PATCH", helpers.as_str(), json!({ "roles": ["helper", "admin"] })),
        ("PATCH", &adas, json!({ "roles": ["billing"] })),
        ("PATCH", &roots, json!({ "roles": [] })),
        ("PATCH", &roots, json!({ "disabled": true })),
        ("PUT", &format!("{roles}/helper"), json!({ "permissions": ["*"] })),
        ("PUT", &format!("{roles}/billing"), json!({ "permissions": [] })),
        ("DELETE", &format!("{roles}/billing"), json!({})),
    ] {
        helper.json(method, path, body).await.problem(403, "forbidden");
    }
    assert_eq!(
        helper.json("PUT", &format!("{roles}/packer"), json!({ "permissions": ["orders:read"] })).await.status,
        200
    );
    assert_eq!(helper.json("PATCH", &adas, json!({ "roles": ["packer"], "disabled": true })).await.status, 200);
    assert_eq!(root.json("PATCH", &adas, json!({ "roles": ["billing"], "disabled": false })).await.status, 200);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut second, _) = t.admin("second@example.com").await;
    let of = async |email: &str| format!("/api/v1/admin/users/{}", t.user_id(email).await);
    let (roots, seconds) = (of("root@example.com").await, of("second@example.com").await);
    let own = root.json("PATCH", &roots, json!({ "disabled": true })).await;
    assert_eq!(own.problem(422, "invalid_input")["errors"][0]["code"], "disabled-self");
    // Both at once: one of them stays.
    let (a, b) = tokio::join!(
        root.json("PATCH", &seconds, json!({ "roles": [] })),
        second.json("PATCH", &roots, json!({ "roles": [] }))
    );
    let refused = |status: u16| [403, 409].contains(&status);
    let (a, b) = (a.status.as_u16(), b.status.as_u16());
    assert!((a == 200 && refused(b)) || (refused(a) && b == 200), "{a} {b}");
    let (mut left, path) = if a == 200 { (root, roots) } else { (second, seconds) };
    left.json("PATCH", &path, json!({ "roles": [] })).await.problem(409, "last_admin");
}

// Step-up

#[tokio::test]
async fn something_sensitive_asks_for_the_password_in_place_and_then_happens() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    browser.headers.push(("referer", "http://127.0.0.1:3000/devices".into()));
    let asked = browser.form("/devices/end-others", &[("anything", "<&\"é")]).await;
    assert_eq!(asked.status, 403);
    let page = asked.text();
    assert!(page.contains("Confirm it's you") && page.contains("action=\"/devices/end-others\""));
    assert!(page.contains("name=\"anything\" value=\"&lt;&amp;&quot;é\""), "what was asked for waits in the page");
    assert!(page.contains("href=\"/devices\""), "and one can go back");
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let wrong = browser.form("/devices/end-others", &[("step_up_password", "wrong")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("This is not your current password."));
    assert_eq!(api.get("/api/v1/me").await.status, 200);

    let before = browser.clone();
    let done = browser.form("/devices/end-others", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(done.location(), "/devices?done=others");
    api.get("/api/v1/me").await.problem(401, "session_revoked");
    assert_eq!(before.clone().get("/account").await.status, 303, "the session has a new secret");
    assert_eq!(browser.get("/devices").await.status, 200);
    // Proved for a while.
    assert_eq!(browser.form("/devices/end-others", &[]).await.status, 303);
    let log = browser.get("/security").await.text();
    assert!(log.contains("Identity confirmed") && log.contains("Failed attempt to confirm identity"));
}

#[tokio::test]
async fn an_api_client_proves_itself_as_rfc_9470_says() {
    let t = TestApp::new().await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    t.clock.advance(11 * MINUTE);
    let asked = api.post("/api/v1/sessions/revoke-others", json!({})).await;
    asked.problem(401, "step_up_required");
    assert_eq!(asked.header("www-authenticate"), "Bearer error=\"insufficient_user_authentication\"");
    let wrong = api.post("/api/v1/me/step-up", json!({ "password": "wrong" })).await;
    assert_eq!(wrong.problem(422, "invalid_input")["errors"][0]["field"], "password");
    assert_eq!(api.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await.status, 204);
    assert_eq!(api.post("/api/v1/sessions/revoke-others", json!({})).await.status, 200);
    assert_eq!(api.get("/api/v1/sessions").await.json()["items"][0]["id"], tokens["session_id"]);
}

#[tokio::test]
async fn administrators_prove_themselves_before_they_act_but_may_look() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    t.clock.advance(11 * MINUTE);
    assert_eq!(root.get("/api/v1/admin/users").await.status, 200);
    root.post("/api/v1/admin/sessions/revoke-all", json!({})).await.problem(401, "step_up_required");
}

// Notices

#[tokio::test]
async fn people_are_told_of_what_they_should_know_until_they_have_seen_it() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let news = "New security notice";
    assert!(!browser.get("/").await.text().contains(news), "the first device is no news");
    t.sign_in_browser("ada@example.com").await;
    assert!(!browser.get("/").await.text().contains(news), "nor is a known one");

    let mut elsewhere = t.anonymous();
    elsewhere.ip = [203, 0, 113, 9].into();
    elsewhere.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert!(browser.get("/").await.text().contains(news));
    let page = browser.get("/security").await.text();
    assert!(page.contains("Please review") && page.contains("203.0.113.9"));
    let until = crate::harness::between(&page, "name=\"until\" value=\"", "\"").expect("a time").to_owned();
    assert_eq!(browser.form("/security/seen", &[("until", "0")]).await.location(), "/security");
    assert!(browser.get("/").await.text().contains(news), "what came after what was shown is still news");
    assert_eq!(browser.form("/security/seen", &[("until", &until)]).await.location(), "/security");
    let page = browser.get("/security").await.text();
    assert!(!page.contains(news) && !page.contains("Please review"));
    assert!(page.contains("203.0.113.9"), "it stays in the log");

    let change = [("current_password", PASSWORD), ("new_password", "another four words here")];
    t.clock.advance(1_000);
    browser.form("/account/password", &change).await;
    assert!(browser.get("/security").await.text().contains("Please review"));
}
