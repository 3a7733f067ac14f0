//! The revocation feed: who may follow it, and the withdrawn keys that it tells.

use serde_json::json;

use crate::harness::{Client, TestApp};

const FEED: &str = "/api/v1/revocations";
const OLD: &str = "an-old-secret-of-32-characters-or-more";
const NEW: &str = "a-new-secret-of-32-characters-or-more!";

async fn with_secrets() -> TestApp {
    TestApp::with(&[("SEKISHO_SERVICE_SECRET", &format!("{OLD},{NEW}"))]).await
}

fn follower(t: &TestApp, secret: Option<&str>) -> Client {
    let mut client = t.anonymous();
    client.headers.push(("accept", "text/event-stream".into()));
    client.bearer = secret.map(Into::into);
    client
}

#[tokio::test]
async fn a_service_still_follows_when_1000_addresses_have_taken_every_place() {
    let t = with_secrets().await;
    let mut strangers = Vec::new();
    for n in 0..1_000_u32 {
        let mut stranger = follower(&t, None);
        stranger.ip = std::net::Ipv4Addr::from(0xCB00_0000 + n).into();
        strangers.push(stranger.events(FEED).await);
    }
    let mut late = follower(&t, None);
    late.ip = [198, 51, 100, 1].into();
    late.get(FEED).await.problem(503, "busy");

    for secret in [OLD, NEW] {
        let mut service = follower(&t, Some(secret));
        service.ip = late.ip;
        assert_eq!(service.events(FEED).await.next().await.expect("a greeting").0, "hello");
        // Also from an address whose places are taken, as behind one proxy.
        service.ip = std::net::Ipv4Addr::from(0xCB00_0000_u32).into();
        assert_eq!(service.events(FEED).await.next().await.expect("a greeting").0, "hello");
    }
    // Nor do services take a stranger's place.
    strangers.pop();
    let services: Vec<_> =
        [follower(&t, Some(OLD)).events(FEED).await, follower(&t, Some(NEW)).events(FEED).await].into();
    late.events(FEED).await;
    drop(services);
}

#[tokio::test]
async fn services_have_many_places_but_not_any_number() {
    let t = with_secrets().await;
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        streams.push(follower(&t, Some(OLD)).events(FEED).await);
    }
    follower(&t, Some(OLD)).get(FEED).await.problem(503, "busy");
    follower(&t, Some(NEW)).events(FEED).await;
    follower(&t, None).events(FEED).await;
    streams.pop();
    follower(&t, Some(OLD)).events(FEED).await;
}

#[tokio::test]
async fn a_wrong_service_secret_is_never_taken_for_none() {
    let t = with_secrets().await;
    let (_, tokens) = t.api("ada@example.com").await;
    let access_token = tokens["access_token"].as_str().expect("a token");
    let both = format!("{OLD},{NEW}");
    for wrong in ["", "x", &OLD[1..], &OLD.to_uppercase(), &both, access_token] {
        for accept in ["text/event-stream", "application/json"] {
            let mut client = t.anonymous();
            client.headers.push(("accept", accept.into()));
            client.bearer = Some(wrong.to_owned());
            let refused = client.get(FEED).await;
            refused.problem(401, "invalid_token");
            assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        }
    }
    for header in [format!("Basic {OLD}"), OLD.to_owned(), "Bearer".into()] {
        let mut client = t.anonymous();
        client.headers.push(("authorization", header));
        client.get(FEED).await.problem(401, "invalid_token");
    }
    let mut twice = follower(&t, Some(OLD));
    twice.headers.push(("authorization", format!("Bearer {OLD}")));
    twice.get(FEED).await.problem(401, "invalid_token");

    let mut service = t.anonymous();
    service.bearer = Some(NEW.into());
    assert_eq!(service.get(FEED).await.status, 200);
    assert_eq!(t.anonymous().get(FEED).await.status, 200, "without one, as everybody");
    // It opens nothing else.
    service.get("/api/v1/me").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn without_the_setting_everybody_is_a_stranger() {
    let t = TestApp::new().await;
    for secret in [None, Some(OLD)] {
        assert_eq!(follower(&t, secret).events(FEED).await.next().await.expect("a greeting").0, "hello");
    }
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(follower(&t, Some(OLD)).events(FEED).await);
    }
    follower(&t, Some(OLD)).get(FEED).await.problem(503, "busy");
}

#[tokio::test]
async fn a_withdrawn_key_is_told_at_once_and_to_whoever_comes_later() {
    let t = TestApp::new().await;
    let ended = &t.app.core.revocations.list;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let mut stream = follower(&t, None).events(FEED).await;
    assert_eq!(stream.next().await.expect("a greeting").0, "hello");

    ended.set_withdrawn_keys(["a".to_owned()]);
    assert_eq!(stream.next().await, Some(("key_withdrawn".into(), json!({ "kid": "a" }))));
    ended.set_withdrawn_keys(["a".to_owned(), "b".to_owned()]);
    assert_eq!(stream.next().await, Some(("key_withdrawn".into(), json!({ "kid": "b" }))), "each is told once");
    ada.delete("/api/v1/tokens").await;
    assert_eq!(stream.next().await.expect("an end").1["sid"], tokens["session_id"]);

    // All of them, before `hello`, also to one that goes on where it was.
    let cursor = t.anonymous().get(FEED).await.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut client = follower(&t, None);
    client.headers.push(("last-event-id", cursor));
    let mut later = client.events(FEED).await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(later.next().await.expect("an event").0);
    }
    assert_eq!(names, ["key_withdrawn", "key_withdrawn", "hello"]);
}

#[tokio::test]
async fn the_list_has_all_withdrawn_keys_and_its_tag_changes_with_them() {
    let t = TestApp::new().await;
    let mut service = t.anonymous();
    let before = service.get(FEED).await;
    assert_eq!(before.json()["withdrawn_keys"], json!([]));
    service.headers.push(("if-none-match", before.header("etag").to_owned()));
    assert_eq!(service.get(FEED).await.status, 304);

    t.app.core.revocations.list.set_withdrawn_keys(["a".to_owned()]);
    let after = service.get(FEED).await;
    assert_eq!((after.status.as_u16(), &after.json()["withdrawn_keys"]), (200, &json!(["a"])));
    assert_eq!(after.json()["next_cursor"], before.json()["next_cursor"]);
    service.headers = vec![("if-none-match", after.header("etag").to_owned())];
    assert_eq!(service.get(FEED).await.status, 304);
    // Another one in its place.
    t.app.core.revocations.list.set_withdrawn_keys(["b".to_owned()]);
    assert_eq!(service.get(FEED).await.json()["withdrawn_keys"], json!(["b"]));
    let since = before.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let since = t.anonymous().get(&format!("{FEED}?since={since}")).await.json();
    assert_eq!(since["withdrawn_keys"], json!(["b"]), "whatever `since` is");
}
