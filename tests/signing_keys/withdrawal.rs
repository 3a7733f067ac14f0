//! Withdrawal of a key that is compromised: refused at once, on every node and for good.

use sekisho_core::token::signing_keys::KeyState;
use serde_json::{Value, json};

use super::{follow, get_me, kid, published, state, sweep, token};
use crate::harness::{Client, HOUR, MINUTE, TestApp, context};

#[tokio::test]
async fn ten_rotations_and_two_withdrawals_refuse_no_valid_token_and_accept_no_withdrawn_one() {
    let a = TestApp::with_jwts(&[]).await;
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
    let t = TestApp::with_jwts(&[]).await;
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
    let t = TestApp::with_jwts(&[]).await;
    t.register("ada@example.com").await;
    let old = kid(&token(&t, "ada@example.com").await);
    let next = t.app.core.signing_keys.rotate(&context(None)).await.expect("the next key");
    let made = t.app.core.signing_keys.withdraw(&old, &context(None)).await.expect("withdrawn").expect("a replacement");
    assert_eq!(made.kid, next.kid);
    assert_eq!(kid(&token(&t, "ada@example.com").await), next.kid);
    assert_eq!(published(&t).await, [next.kid]);
}
