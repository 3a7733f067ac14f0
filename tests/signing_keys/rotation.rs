//! Rotation: the next key is published before it signs, and the last one for as long as its tokens live.

use sekisho_core::token::signing_keys::KeyState;

use super::{follow, get_me, header, kid, published, state, sweep, token};
use crate::harness::{DAY, HOUR, MINUTE, TestApp, context};

#[tokio::test]
async fn a_key_that_another_node_made_is_published_here_and_its_tokens_are_accepted() {
    let t = TestApp::with_jwts(&[]).await;
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
    let t = TestApp::with_jwts(&[]).await;
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
    let t = TestApp::with_jwts(&[("SEKISHO_ACCESS_TTL", "1h")]).await;
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
async fn keys_rotate_by_themselves_and_two_nodes_make_one() {
    let a = TestApp::with_jwts(&[("SEKISHO_KEY_ROTATION", "30d")]).await;
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
    let t = TestApp::with_jwts(&[("SEKISHO_KEY_ROTATION", "0")]).await;
    t.clock.advance(1_000 * DAY);
    sweep(&t).await;
    assert_eq!(published(&t).await.len(), 1);
}

#[tokio::test]
async fn the_algorithm_changes_on_one_database_and_no_token_is_refused() {
    let t = TestApp::with_jwts(&[]).await;
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
