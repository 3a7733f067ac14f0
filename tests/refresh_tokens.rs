use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Client, DAY, HOUR, MINUTE, TestApp};

async fn refresh(client: &Client, token: &Value) -> crate::harness::Answer {
    let mut client = client.clone();
    client.bearer = None;
    client.post("/api/v1/tokens/refresh", json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn a_refresh_brings_new_tokens_of_the_same_session_that_are_not_cached() {
    let t = TestApp::new().await;
    let (client, first) = t.api("ada@example.com").await;
    let answer = refresh(&client, &first["refresh_token"]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = answer.json();
    assert_eq!(second["session_id"], first["session_id"]);
    assert_eq!(second["token_type"], "Bearer");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert!(second["refresh_token"].as_str().is_some_and(|token| token.starts_with("sk_rt_")));
    let mut fields: Vec<_> = second.as_object().expect("an object").keys().cloned().collect();
    fields.sort();
    let expected = ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "session_id", "token_type"];
    assert_eq!(fields, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_parallel_refreshes_get_one_successor() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let all = (0..64).map(|_| {
        let (client, token) = (client.clone(), tokens["refresh_token"].clone());
        tokio::spawn(async move { refresh(&client, &token).await })
    });
    let mut successors = Vec::new();
    for answer in join_all(all).await {
        let answer = answer.expect("no panic");
        assert_eq!(answer.status, 200, "{}", answer.text());
        successors.push(answer.json()["refresh_token"].as_str().expect("a token").to_owned());
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let rows: i64 =
        sqlx::query_scalar("select count(*) from refresh_tokens").fetch_one(t.db.reader()).await.expect("a count");
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace_which_does_not_slide() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let first = &tokens["refresh_token"];
    let second = refresh(&client, first).await.json()["refresh_token"].clone();
    t.clock.advance(20_000);
    assert_eq!(refresh(&client, first).await.json()["refresh_token"], second);
    refresh(&client, &second).await;
    t.clock.advance(5_000); // 25 s after the first use: also when the successor has been used
    assert_eq!(refresh(&client, first).await.json()["refresh_token"], second);
    t.clock.advance(6_000);
    let refused = refresh(&client, first).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "refresh_reuse");
}

#[tokio::test]
async fn a_late_replay_is_honoured_and_replaces_a_successor_that_was_never_used() {
    let t = TestApp::new().await;
    let (mut client, tokens) = t.api("ada@example.com").await;
    let lost = refresh(&client, &tokens["refresh_token"]).await.json();
    t.clock.advance(DAY);
    let again = refresh(&client, &tokens["refresh_token"]).await;
    assert_eq!(again.status, 200);
    let again = again.json();
    assert_ne!(again["refresh_token"], lost["refresh_token"]);
    client.bearer = again["access_token"].as_str().map(Into::into);
    assert_eq!(client.get("/api/v1/me").await.status, 200);
    let next = refresh(&client, &again["refresh_token"]).await;
    assert_eq!(next.status, 200);
    // Whoever has the replaced one has a copy.
    let refused = refresh(&client, &lost["refresh_token"]).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "refresh_reuse");
    refresh(&client, &next.json()["refresh_token"]).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_late_replay_ends_the_session_once_the_access_token_of_the_successor_was_used() {
    for (restarted, node) in [(false, false), (true, false), (false, true)] {
        let t = TestApp::new().await;
        let (mut owner, tokens) = t.api("ada@example.com").await;
        let second = refresh(&owner, &tokens["refresh_token"]).await.json();
        owner.bearer = second["access_token"].as_str().map(Into::into);
        assert_eq!(owner.get("/api/v1/me").await.status, 200);
        t.clock.advance(HOUR);
        let (t, other) = match (restarted, node) {
            (true, _) => {
                t.app.core.flush_access_uses().await.expect("written");
                (t.restart().await, None)
            }
            (_, true) => {
                t.app.core.flush_access_uses().await.expect("written");
                let other = t.second_node().await;
                (t, Some(other))
            }
            _ => (t, None),
        };
        let thief = other.as_ref().unwrap_or(&t).anonymous();
        let refused = refresh(&thief, &tokens["refresh_token"]).await;
        assert_eq!(refused.problem(401, "session_revoked")["reason"], "refresh_reuse", "{restarted} {node}");
    }
}

/// The attack: after each refresh of the owner, whoever stole a token replays the one that was used, and lives on the
/// owner's unused successor.
#[tokio::test]
async fn a_thief_cannot_live_beside_the_owner_by_replaying_used_tokens() {
    for same_network in [true, false] {
        let t = TestApp::new().await;
        let (owner, tokens) = t.api("ada@example.com").await;
        let mut browser = t.sign_in_browser("ada@example.com").await;
        let mut thief = t.anonymous();
        if !same_network {
            thief.ip = [203, 0, 113, 66].into();
        }
        let mut held = tokens["refresh_token"].clone();
        let mut ended = None;
        for round in 0..8 {
            let answer = refresh(&owner, &held).await;
            if answer.status != 200 {
                ended = Some((round, answer.problem(401, "session_revoked")["reason"].clone()));
                break;
            }
            // From another network there is no grace; in the same one the thief waits until it is over.
            t.clock.advance(if same_network { MINUTE } else { 1_000 });
            assert_eq!(refresh(&thief, &held).await.status, 200, "unused by then: the answer may have been lost");
            held = answer.json()["refresh_token"].clone();
        }
        assert_eq!(ended, Some((1, json!("refresh_reuse"))), "the owner's next refresh reveals it");
        let log = browser.get("/security").await.text();
        assert!(log.contains("Repeated sign-in renewal") && log.contains("Possible theft"));
        assert!(log.contains("Please review"), "and the person is told");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_grace_without_an_end() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let second = refresh(&client, &tokens["refresh_token"]).await.json();
    refresh(&client, &second["refresh_token"]).await;
    t.clock.advance(-HOUR);
    let refused = refresh(&client, &tokens["refresh_token"]).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "refresh_reuse");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_replays_at_once_leave_one_token_that_works() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    refresh(&client, &tokens["refresh_token"]).await;
    t.clock.advance(HOUR);
    let all = (0..16).map(|_| {
        let (client, token) = (client.clone(), tokens["refresh_token"].clone());
        tokio::spawn(async move { refresh(&client, &token).await })
    });
    for answer in join_all(all).await {
        assert_eq!(answer.expect("no panic").status, 200);
    }
    let usable: i64 =
        sqlx::query_scalar("select count(*) from refresh_tokens where used_at is null and replaced_at is null")
            .fetch_one(t.db.reader())
            .await
            .expect("a count");
    assert_eq!(usable, 1);
}

#[tokio::test]
async fn a_stolen_token_ends_the_session_for_the_thief_and_tells_the_person() {
    let t = TestApp::new().await;
    let (mut victim, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let stolen = tokens["refresh_token"].clone();
    let mut newest = stolen.clone();
    for _ in 0..3 {
        let answer = refresh(&victim, &newest).await.json();
        newest = answer["refresh_token"].clone();
        victim.bearer = answer["access_token"].as_str().map(Into::into);
        t.clock.advance(MINUTE);
    }
    assert_eq!(victim.get("/api/v1/me").await.status, 200);
    refresh(&victim, &stolen).await.problem(401, "session_revoked");
    // Everything of that session is dead, and says why; other sessions live.
    let ended = victim.get("/api/v1/me").await;
    assert_eq!(ended.problem(401, "session_revoked")["reason"], "refresh_reuse");
    assert_eq!(refresh(&victim, &newest).await.problem(401, "session_revoked")["reason"], "refresh_reuse");
    let log = browser.get("/security").await.text();
    assert!(log.contains("Possible theft: a copied sign-in was used") && log.contains("possible theft"));
}

#[tokio::test]
async fn an_unused_token_lasts_its_time_and_sliding_ends_at_the_absolute_end() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    assert_eq!(tokens["refresh_expires_in"], 30 * 24 * 3_600);
    let mut token = tokens["refresh_token"].clone();
    for _ in 0..3 {
        t.clock.advance(29 * DAY);
        let answer = refresh(&client, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        token = answer.json()["refresh_token"].clone();
    }
    // 87 of 90 days are over: what is left is three days, not thirty.
    let left = refresh(&client, &token).await.json();
    let seconds = left["refresh_expires_in"].as_i64().expect("seconds");
    assert!((3 * 24 * 3_600 - 60..=3 * 24 * 3_600).contains(&seconds), "{seconds}");
    t.clock.advance(3 * DAY + 1);
    let refused = refresh(&client, &left["refresh_token"]).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "absolute_timeout");

    let (client, tokens) = t.sign_in_api("ada@example.com").await;
    t.clock.advance(30 * DAY + 1);
    let refused = refresh(&client, &tokens["refresh_token"]).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "idle_timeout");
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let browser = t.sign_in_browser("ada@example.com").await;
    let cookie = browser.session_cookie();
    for junk in [json!(""), json!("sk_rt_"), json!("sk_rt_unknown"), tokens["access_token"].clone(), json!(cookie)] {
        refresh(&client, &junk).await.problem(401, "invalid_refresh_token");
    }
    refresh(&client, &json!("x".repeat(60_000))).await.problem(401, "invalid_refresh_token");
    refresh(&client, &json!(1)).await.problem(422, "invalid_input");
}

#[tokio::test]
async fn sign_out_ends_the_refresh_token_and_a_refresh_in_flight_revives_nothing() {
    let t = TestApp::new().await;
    let (mut client, tokens) = t.api("ada@example.com").await;
    let (refreshed, signed_out) =
        tokio::join!(refresh(&client, &tokens["refresh_token"]), client.clone().delete_tokens());
    assert_eq!(signed_out, 204);
    if refreshed.status == 200 {
        let successor = refreshed.json();
        refresh(&client, &successor["refresh_token"]).await.problem(401, "session_revoked");
        client.bearer = successor["access_token"].as_str().map(Into::into);
    }
    assert_eq!(client.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
    refresh(&client, &tokens["refresh_token"]).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn tokens_work_on_after_a_restart_and_a_replay_gets_the_same_successor() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let second = refresh(&client, &tokens["refresh_token"]).await.json();
    let t = t.restart().await;
    let mut client = t.anonymous();
    assert_eq!(refresh(&client, &tokens["refresh_token"]).await.json()["refresh_token"], second["refresh_token"]);
    client.bearer = tokens["access_token"].as_str().map(Into::into);
    assert_eq!(client.get("/api/v1/me").await.status, 200);
}

impl Client {
    async fn delete_tokens(mut self) -> u16 {
        self.delete("/api/v1/tokens").await.status.as_u16()
    }
}
