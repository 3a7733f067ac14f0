//! Revocations as they are streamed: to other services and to a person's pages.

use crate::harness::{Client, TestApp};

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
    t.app.core.revocations.list.set_stale();
    assert!(stream.next().await.is_none(), "the stream is closed");
    follower(&t).get("/api/v1/revocations").await.problem(503, "busy");
    t.anonymous().get("/api/v1/revocations").await.problem(503, "busy");
    t.app.core.revocations.list.set_fresh();
    assert_eq!(t.anonymous().get("/api/v1/revocations").await.status, 200);
}

#[tokio::test]
async fn a_long_list_comes_in_order_and_whole() {
    let t = TestApp::new().await;
    let id = sekisho_model::SessionId::from_u128;
    let end = |n| sekisho_core::revocation::list::Revocation {
        session_id: id(n),
        reason: sekisho_model::EndReason::SignedOut,
        at: t.clock.now(),
    };
    t.app.core.revocations.list.publish((0..600).map(end));
    let mut stream = follower(&t).events("/api/v1/revocations").await;
    for n in 0..600 {
        assert_eq!(stream.next().await.expect("an end").1["sid"], id(n).as_str());
    }
    assert_eq!(stream.next().await.expect("a greeting").0, "hello");
    t.app.core.revocations.list.publish([end(600)]);
    assert_eq!(stream.next().await.expect("an end").1["sid"], id(600).as_str());
}

// One device too many

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
