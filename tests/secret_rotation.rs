//! The deployment's secret is replaced, and nobody is signed out.

use sekisho_core::{Actor, audit::verify::Fault, secret_rotation::Resealed};
use serde_json::{Value, json};

use crate::harness::{SECRET, TestApp, context};

const NEW: &str = "another secret of the tests, 32 characters too";
const BOTH: [(&str, &str); 2] = [("SEKISHO_SECRET", NEW), ("SEKISHO_SECRET_PREVIOUS", SECRET)];

async fn refresh(t: &TestApp, token: &Value) -> Value {
    let answer = t.anonymous().post("/api/v1/tokens/refresh", json!({ "refresh_token": token })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn fault(t: &TestApp) -> Option<Fault> {
    t.app.core.audit.verify(None, |_| ()).await.expect("a log").err()
}

#[tokio::test]
async fn sessions_tokens_and_the_log_survive_another_secret() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let browser = t.sign_in_browser("ada@example.com").await;
    let first = &tokens["refresh_token"];
    let second = refresh(&t, first).await["refresh_token"].clone();
    assert_eq!(fault(&t).await, None);

    let t = t.restart_with(&BOTH).await;
    assert_eq!(client.at(&t).get("/api/v1/me").await.status, 200);
    assert_eq!(browser.at(&t).get("/account").await.status, 200);
    assert_eq!(refresh(&t, first).await["refresh_token"], second, "a replay within the grace: the same successor");
    t.sign_in_api("ada@example.com").await;
    assert_eq!(fault(&t).await, None, "the log goes on");
    let resealed = t.app.core.secret_rotation.reseal(&context(Some(Actor::CommandLine))).await.expect("resealed");
    assert_eq!(resealed, Resealed { signing_keys: 1, totp_secrets: 0, log: true });
    assert_eq!(fault(&t).await, None);
    let again = t.app.core.secret_rotation.reseal(&context(Some(Actor::CommandLine))).await.expect("nothing to do");
    assert_eq!(again, Resealed { signing_keys: 0, totp_secrets: 0, log: false });

    let t = t.restart_without("SEKISHO_SECRET_PREVIOUS").await;
    assert_eq!(client.at(&t).get("/api/v1/me").await.status, 200);
    assert_eq!(browser.at(&t).get("/account").await.status, 200);
    refresh(&t, &second).await;
    t.sign_in_api("ada@example.com").await;
    assert_eq!(fault(&t).await, None);
    let kinds: i64 = sqlx::query_scalar("select count(*) from events where kind = 'secret_rotated'")
        .fetch_one(t.db.reader())
        .await
        .expect("a count");
    assert_eq!(kinds, 1);
}

#[tokio::test]
async fn a_node_that_knows_both_secrets_learns_of_the_logs_new_key_by_itself() {
    let t = TestApp::new().await;
    let t = t.restart_with(&BOTH).await;
    let other = t.second_node().await;
    t.register("ada@example.com").await;
    other.app.core.secret_rotation.reseal(&context(Some(Actor::CommandLine))).await.expect("resealed");
    t.register("bea@example.com").await;
    other.register("cyd@example.com").await;
    assert_eq!((fault(&t).await, fault(&other).await), (None, None));
}

#[tokio::test]
async fn the_old_secret_is_worth_nothing_once_it_is_replaced() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let t = t.restart_with(&BOTH).await;
    let old_rows: Vec<String> = stored(&t).await;
    t.app.core.secret_rotation.reseal(&context(Some(Actor::CommandLine))).await.expect("resealed");
    t.register("bea@example.com").await;
    let t = t.restart_without("SEKISHO_SECRET_PREVIOUS").await;
    let now = stored(&t).await;
    assert!(old_rows.iter().all(|row| !now.contains(row)), "everything is sealed anew");
    // Who knows the old key cuts the log back to where it was the last one: a closed key seals nothing.
    let db = t.db.writer();
    sqlx::query("delete from chain_keys where from_seq > 0").execute(db).await.expect("tampered");
    assert_eq!(fault(&t).await, Some(Fault::Seal));
    sqlx::query("delete from chain_keys").execute(db).await.expect("tampered");
    assert_eq!(fault(&t).await, Some(Fault::Seal));
    let t = t.restart().await;
    assert_eq!(fault(&t).await, Some(Fault::Seal), "a restart does not make it whole");
}

/// Every sealed value that outlives minutes.
async fn stored(t: &TestApp) -> Vec<String> {
    let rows = sqlx::query_scalar("select private_key from signing_keys union all select sealed from chain_keys");
    rows.fetch_all(t.db.reader()).await.expect("rows")
}
