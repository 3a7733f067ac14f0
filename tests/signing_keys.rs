//! Signing keys: rotated without a refusal, withdrawn at once, on every node.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sekisho_core::token::signing_keys::KeyState;
use serde_json::{Value, json};

use crate::harness::{Client, DAY, HOUR, MINUTE, PASSWORD, TestApp, context};

fn header(token: &str) -> Value {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64");
    serde_json::from_slice(&header).expect("JSON")
}

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().expect("a kid").to_owned()
}

async fn published(t: &TestApp) -> Vec<String> {
    let jwks = t.anonymous().get("/.well-known/jwks.json").await.json();
    let keys = jwks["keys"].as_array().expect("keys").clone();
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

async fn token(t: &TestApp, email: &str) -> String {
    t.sign_in_api(email).await.0.bearer.expect("a token")
}

async fn get_me(t: &TestApp, token: &str) -> u16 {
    let mut client = t.anonymous();
    client.bearer = Some(token.to_owned());
    client.get("/api/v1/me").await.status.as_u16()
}

/// What a running server does each half second.
async fn follow(t: &TestApp) {
    t.app.core.follow(None).await.expect("a look");
}

async fn sweep(t: &TestApp) {
    t.app.core.run_housekeeping().await.expect("a sweep");
}

async fn state(t: &TestApp, kid: &str) -> Option<KeyState> {
    let keys = t.app.core.signing_keys.list().await.expect("a list");
    keys.into_iter().find(|key| key.kid == kid).map(|key| key.state)
}

#[tokio::test]
async fn a_key_that_another_node_made_is_published_here_and_its_tokens_are_accepted() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let other = t.second_node_with(&[("SEKISHO_TOKEN_ALG", "ES256")]).await;
    follow(&t).await;
    assert_eq!(published(&t).await, published(&other).await);
    t.clock.advance(10 * MINUTE);
    let theirs = token(&other, "ada@example.com").await;
    assert_eq!(header(&theirs)["alg"], "ES256");
    assert_eq!((get_me(&t, &theirs).await, get_me(&other, &theirs).await), (200, 200));
    let ours = token(&t, "ada@example.com").await;
    assert_eq!(header(&ours)["alg"], "EdDSA", "each node signs with its own algorithm meanwhile");
    assert_eq!(get_me(&other, &ours).await, 200);
}

#[tokio::test]
async fn the_next_key_is_published_for_as_long_as_a_cache_keeps_the_keys_before_it_signs() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let jwks = t.anonymous().get("/.well-known/jwks.json").await;
    assert_eq!(jwks.header("cache-control"), "public, max-age=300");
    let old = published(&t).await.remove(0);
    let next = t.app.core.signing_keys.rotate(&context(None)).await.expect("the next key");
    assert_eq!(state(&t, &next.kid).await, Some(KeyState::Next(next.signs_at)));
    assert_eq!(published(&t).await, [next.kid.clone(), old.clone()]);
    t.clock.advance(5 * MINUTE);
    assert_eq!(kid(&token(&t, "ada@example.com").await), old, "a cache filled before the rotation is still good");
    t.clock.advance(2 * MINUTE);
    assert_eq!(kid(&token(&t, "ada@example.com").await), next.kid);
    assert_eq!(state(&t, &next.kid).await, Some(KeyState::Signing));
    assert!(matches!(state(&t, &old).await, Some(KeyState::Retiring(_))));
}

#[tokio::test]
async fn a_retired_key_stays_until_its_longest_token_has_ended_though_tokens_became_shorter() {
    let t = TestApp::with(&[("SEKISHO_ACCESS_TTL", "1h")]).await;
    t.register("ada@example.com").await;
    let t = t.restart_with(&[("SEKISHO_ACCESS_TTL", "5m")]).await;
    let old = published(&t).await.remove(0);
    let next = t.app.core.signing_keys.rotate(&context(None)).await.expect("the next key");
    sweep(&t).await;
    t.clock.advance(7 * MINUTE);
    sweep(&t).await;
    t.clock.advance(50 * MINUTE);
    sweep(&t).await;
    assert!(published(&t).await.contains(&old), "a token of an hour may still live");
    t.clock.advance(10 * MINUTE);
    sweep(&t).await;
    assert_eq!(published(&t).await, [next.kid], "then it is removed");
    assert_eq!(state(&t, &old).await, None);
}

#[tokio::test]
async fn ten_rotations_and_two_withdrawals_refuse_no_valid_token_and_accept_no_withdrawn_one() {
    let a = TestApp::new().await;
    let b = a.second_node().await;
    a.register("ada@example.com").await;
    let nodes = [&a, &b];
    let mut clients: Vec<(Client, Value)> =
        vec![a.sign_in_api("ada@example.com").await, b.sign_in_api("ada@example.com").await];
    let mut minted: Vec<(i64, String)> = Vec::new();
    let mut withdrawn: Vec<String> = Vec::new();
    let mut signers = std::collections::BTreeSet::new();
    // Four minutes a step: some 24 days' worth of keys, with every token ever minted asked again at each step.
    for step in 0..60 {
        match step % 5 {
            0 if step < 50 => {
                drop(nodes[step % 2].app.core.signing_keys.rotate(&context(None)).await.expect("the next key"))
            }
            3 if step == 23 || step == 43 => {
                // The one that signs right now is burnt; the other node learns of it at its next look.
                let burnt = kid(&minted.last().expect("a token").1);
                let made = a.app.core.signing_keys.withdraw(&burnt, &context(None)).await.expect("withdrawn");
                assert!(made.is_some_and(|made| made.signs_at <= a.clock.now()), "another one signs at once");
                withdrawn.push(burnt);
                follow(&b).await;
            }
            _ => {}
        }
        for (i, (client, tokens)) in clients.iter_mut().enumerate() {
            let mut client = client.at(nodes[(step + i) % 2]);
            let answer =
                client.post("/api/v1/tokens/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            *tokens = answer.json();
            let token = tokens["access_token"].as_str().expect("a token").to_owned();
            assert!(!withdrawn.contains(&kid(&token)), "a withdrawn key signs nothing");
            signers.insert(kid(&token));
            minted.push((a.clock.now() + 15 * MINUTE, token));
        }
        let lists = [published(&a).await, published(&b).await];
        for (until, token) in &minted {
            let (live, kid) = (a.clock.now() < until - 1_000, kid(token));
            for (node, list) in nodes.iter().zip(&lists) {
                let status = get_me(node, token).await;
                if withdrawn.contains(&kid) {
                    assert_eq!(status, 401, "withdrawn, at step {step}");
                    assert!(!list.contains(&kid));
                } else if live {
                    assert_eq!(status, 200, "valid, at step {step}");
                    assert!(list.contains(&kid), "any service can verify it");
                }
            }
        }
        minted.retain(|(until, token)| a.clock.now() < until + HOUR || withdrawn.contains(&kid(token)));
        a.clock.advance(4 * MINUTE);
        for node in nodes {
            follow(node).await;
            sweep(node).await;
        }
    }
    assert!(signers.len() >= 10, "{} keys signed", signers.len());
    assert!(published(&a).await.len() <= 2, "what retired is removed");
    for kid in &withdrawn {
        assert!(matches!(state(&b, kid).await, Some(KeyState::Withdrawn(_))), "its tombstone stays");
    }
    assert!(a.app.core.audit.verify(None, |_| ()).await.expect("a log").is_ok());
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_from_the_cache_of_checked_tokens_at_once() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let other = t.second_node().await;
    let old = token(&t, "ada@example.com").await;
    assert_eq!((get_me(&t, &old).await, get_me(&other, &old).await), (200, 200), "both have checked it");
    let made =
        t.app.core.signing_keys.withdraw(&kid(&old), &context(None)).await.expect("withdrawn").expect("a replacement");
    assert_eq!(get_me(&t, &old).await, 401);
    follow(&other).await;
    assert_eq!(get_me(&other, &old).await, 401, "and on the other node at its next look");
    let new = token(&t, "ada@example.com").await;
    assert_eq!(kid(&new), made.kid);
    assert_eq!((get_me(&t, &new).await, get_me(&other, &new).await), (200, 200));
    // No private key is left of it, no restart brings it back, and withdrawing it again changes nothing.
    let left: String = sqlx::query_scalar("select private_key from signing_keys where kid = $1")
        .bind(kid(&old))
        .fetch_one(t.db.reader())
        .await
        .expect("a tombstone");
    assert_eq!(left, "");
    assert!(t.app.core.signing_keys.withdraw(&kid(&old), &context(None)).await.expect("nothing to do").is_none());
    assert_eq!(
        t.app.core.signing_keys.withdraw("made-up", &context(None)).await.expect_err("unknown").code(),
        "not_found"
    );
    let t = t.restart().await;
    assert_eq!((get_me(&t, &old).await, get_me(&t, &new).await), (401, 200));
    assert!(!published(&t).await.contains(&kid(&old)));
}

#[tokio::test]
async fn withdrawing_the_signer_lets_the_published_next_key_sign_at_once() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let old = kid(&token(&t, "ada@example.com").await);
    let next = t.app.core.signing_keys.rotate(&context(None)).await.expect("the next key");
    let made = t.app.core.signing_keys.withdraw(&old, &context(None)).await.expect("withdrawn").expect("a replacement");
    assert_eq!(made.kid, next.kid);
    assert_eq!(kid(&token(&t, "ada@example.com").await), next.kid);
    assert_eq!(published(&t).await, [next.kid]);
}

#[tokio::test]
async fn keys_rotate_by_themselves_and_two_nodes_make_one() {
    let a = TestApp::with(&[("SEKISHO_KEY_ROTATION", "30d")]).await;
    let b = a.second_node().await;
    let first = published(&a).await.remove(0);
    a.clock.advance(30 * DAY - 7 * MINUTE);
    futures::join!(sweep(&a), sweep(&b));
    assert_eq!(published(&a).await.len(), 1, "not yet");
    a.clock.advance(2 * MINUTE);
    futures::join!(sweep(&a), sweep(&b), sweep(&a), sweep(&b));
    follow(&a).await;
    follow(&b).await;
    let keys = published(&a).await;
    assert_eq!((keys.len(), &keys), (2, &published(&b).await));
    assert_eq!(keys[1], first);
    a.clock.advance(6 * MINUTE);
    a.register("ada@example.com").await;
    assert_eq!(kid(&token(&b, "ada@example.com").await), keys[0]);
    let logged: i64 = sqlx::query_scalar("select count(*) from events where kind = 'key_rotated'")
        .fetch_one(a.db.reader())
        .await
        .expect("a count");
    assert_eq!(logged, 1);
}

#[tokio::test]
async fn keys_stay_when_rotation_is_off() {
    let t = TestApp::with(&[("SEKISHO_KEY_ROTATION", "0")]).await;
    t.clock.advance(1_000 * DAY);
    sweep(&t).await;
    assert_eq!(published(&t).await.len(), 1);
}

#[tokio::test]
async fn the_algorithm_changes_on_one_database_and_no_token_is_refused() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let before = token(&t, "ada@example.com").await;
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let old = published(&t).await;
        let then = token(&t, "ada@example.com").await;
        let t = t.second_node_with(&[("SEKISHO_TOKEN_ALG", algorithm)]).await;
        let keys = published(&t).await;
        assert!(old.iter().all(|kid| keys.contains(kid)), "the old one stays published");
        let meanwhile = token(&t, "ada@example.com").await;
        t.clock.advance(7 * MINUTE);
        let after = token(&t, "ada@example.com").await;
        assert_eq!(header(&after)["alg"], algorithm, "the algorithm really changed");
        for token in [&then, &meanwhile, &after] {
            assert_eq!(get_me(&t, token).await, 200);
            assert!(keys.contains(&kid(token)) || algorithm == "EdDSA");
        }
    }
    t.clock.advance(HOUR);
    assert_eq!(get_me(&t, &before).await, 401, "of its age");
    sweep(&t).await;
    assert_eq!(published(&t).await.len(), 1, "what nobody signs with any more is removed");
    assert_eq!(header(&token(&t, "ada@example.com").await)["alg"], "EdDSA");
}

#[tokio::test]
async fn a_live_token_is_accepted_with_the_database_closed() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let (first, other) = (token(&t, "ada@example.com").await, token(&t, "ada@example.com").await);
    t.app.core.close().await;
    for token in [&first, &other, &first] {
        let claims = t.app.core.access_tokens.verify(token).await.expect("verified without the database");
        assert_eq!(claims.roles, ["user"]);
    }
    assert!(t.app.core.access_tokens.verify(&first[1..]).await.is_err());
}

#[tokio::test]
async fn a_flood_of_unknown_kids_reads_the_database_once_in_five_seconds() {
    let t = TestApp::new().await;
    let (_, tokens) = t.api("ada@example.com").await;
    let good = tokens["access_token"].as_str().expect("a token");
    let forged = |n: usize| {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": format!("{n:016x}") }).to_string();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), good.split_once('.').expect("parts").1)
    };
    assert_eq!(get_me(&t, &forged(0)).await, 401);
    // A key that nobody was told of: only reading the keys again would find it.
    let other = t.second_node_with(&[("SEKISHO_TOKEN_ALG", "ES256")]).await;
    let keys = published(&other).await.len();
    for n in 1..200 {
        assert_eq!(get_me(&t, &forged(n)).await, 401);
    }
    assert_eq!(published(&t).await.len(), keys - 1, "not read again");
    t.clock.advance(5_000);
    assert_eq!(get_me(&t, &forged(0)).await, 401);
    assert_eq!(published(&t).await.len(), keys, "read again");
    assert_eq!(get_me(&t, good).await, 200);
    assert!(
        t.anonymous().post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD })).await.status
            == 200
    );
}
