//! Verification needs no database, and unknown `kid`s make it read one no more than every five seconds.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{get_me, published, token};
use crate::harness::{PASSWORD, TestApp};

#[tokio::test]
async fn a_live_token_is_accepted_with_the_database_closed() {
    let t = TestApp::with_jwts(&[]).await;
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
    let t = TestApp::with_jwts(&[]).await;
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
