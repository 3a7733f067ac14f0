//! The log as a chain: what was done to it is found.

use sekisho_core::audit::verify::Fault;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::harness::{DAY, MINUTE, PASSWORD, TestApp};

const EXPORT: &str = "/api/v1/admin/events/export";

/// Registered, signed in, ended; then a new device, and three times in and out.
const ENTRIES: i64 = 10;

/// A log with some entries in it.
async fn filled() -> TestApp {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    api.delete("/api/v1/tokens").await;
    for _ in 0..3 {
        t.sign_in_browser("ada@example.com").await.form("/logout", &[]).await;
    }
    t
}

async fn verify(t: &TestApp) -> Result<(i64, String), Fault> {
    t.app.core.audit.verify(None, |_| {}).await.expect("readable").map(|verified| verified.last)
}

async fn tamper(t: &TestApp, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(t.db.writer()).await.expect(statement);
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_whole_and_its_end_can_be_noted() {
    let t = filled().await;
    let (seq, hash) = verify(&t).await.expect("whole");
    assert_eq!(seq, ENTRIES);
    t.sign_in_browser("ada@example.com").await;
    let later = t.app.core.audit.verify(Some((seq, &hash)), |_| {}).await.expect("readable").expect("whole");
    assert_eq!(later.entries, ENTRIES + 1);
    let other = t.app.core.audit.verify(Some((seq, "beef")), |_| {}).await.expect("readable");
    assert_eq!(other, Err(Fault::Anchor(seq)));
    let beyond = t.app.core.audit.verify(Some((99, &hash)), |_| {}).await.expect("readable");
    assert_eq!(beyond, Err(Fault::Missing(99)));
    let before = t.app.core.audit.verify(Some((-1, "beef")), |_| {}).await.expect("readable");
    assert_eq!(before, Err(Fault::Outdated(-1)));
    let t = t.restart().await;
    assert!(verify(&t).await.is_ok(), "another process has the same key");
}

#[tokio::test]
async fn every_change_and_every_gap_is_found() {
    for (statement, fault) in [
        ("update events set ip = '198.51.100.1' where seq = 3", Fault::Changed(3)),
        ("update events set user_id = null where seq = 3", Fault::Changed(3)),
        ("update events set reason = '' where seq = 1", Fault::Changed(1)),
        ("update events set at = at + 1 where seq = 10", Fault::Changed(10)),
        ("update events set detail = 'x' where seq = 2", Fault::Changed(2)),
        ("delete from events where seq = 1", Fault::Missing(1)),
        ("delete from events where seq = 5", Fault::Missing(5)),
        ("delete from events where seq = 10", Fault::Missing(10)),
        ("delete from events", Fault::Missing(1)),
        ("update chain set last_seq = 9", Fault::Seal),
        ("update chain set first_seq = 2", Fault::Seal),
        ("update events set seq = 11 where seq = 10", Fault::Missing(10)),
        ("update events set seq = 0 where seq = 3", Fault::Surplus(0)),
        ("delete from chain", Fault::Seal),
        (
            "insert into events (seq, id, at, kind, outcome, ip, network, user_agent, hash) \
             values (11, 'x', 1, 'sign_in', 'success', '', '', '', 'x')",
            Fault::Surplus(11),
        ),
    ] {
        let t = filled().await;
        tamper(&t, statement).await;
        assert_eq!(verify(&t).await, Err(fault), "{statement}");
    }
}

/// The attack: somebody with the database, but not the secret, cuts the log and adjusts the row that says where it
/// begins and ends; the next entry must not seal that.
#[tokio::test]
async fn what_was_done_to_the_log_is_not_sealed_by_the_next_entry() {
    for (statements, found) in [
        (
            vec![
                "delete from events where seq < 3 or seq > 8",
                "update chain set first_seq = 3, last_seq = 8, \
                 first_hash = (select hash from events where seq = 3), \
                 last_hash = (select hash from events where seq = 8)",
            ],
            "the row that says where the log begins and ends was changed",
        ),
        (vec!["delete from events where seq = 10"], "entry 10 is missing"),
        (vec!["delete from events", "delete from chain"], "the row that says"),
        (
            vec![
                "insert into events (seq, id, at, kind, outcome, ip, network, user_agent, hash) \
                 values (11, 'x', 1, 'sign_in', 'success', '', '', '', 'x')",
            ],
            "entry 11 stands behind the end",
        ),
        (vec!["update events set hash = 'x' where seq = 10"], "entry 10 was changed"),
    ] {
        let t = filled().await;
        for statement in &statements {
            tamper(&t, statement).await;
        }
        t.sign_in_browser("ada@example.com").await; // sign-ins go on
        let Err(Fault::Recorded(seq)) = verify(&t).await else { panic!("{statements:?} is not found") };
        let (kind, detail): (String, String) = sqlx::query_as("select kind, detail from events where seq = $1")
            .bind(seq)
            .fetch_one(t.db.reader())
            .await
            .expect("an entry");
        assert!(kind == "log_tampered" && detail.contains(found), "{kind} {detail}");
        // For good: after more entries, retention and a restart, and said where an administrator looks.
        let (mut root, _) = t.admin("root@example.com").await;
        t.app.core.run_housekeeping().await.expect("a sweep");
        assert_eq!(root.get("/api/v1/admin/overview").await.json()["log_tampered_seq"], seq);
        let metrics = t.app.core.metrics.encode().expect("text");
        assert!(metrics.contains("sekisho_audit_log_tampered 1"), "{metrics}");
        let t = t.restart().await;
        assert_eq!(verify(&t).await, Err(Fault::Recorded(seq)));
        let entries: i64 = sqlx::query_scalar("select count(*) from events where kind = 'log_tampered'")
            .fetch_one(t.db.reader())
            .await
            .expect("a count");
        assert_eq!(entries, 1, "said once");
        // The mark can't be taken away without the secret.
        tamper(&t, "update chain set broken_seq = null").await;
        assert_eq!(verify(&t).await, Err(Fault::Seal));
        t.sign_in_browser("ada@example.com").await;
        assert!(matches!(verify(&t).await, Err(Fault::Recorded(_))));
    }
}

#[tokio::test]
async fn a_log_that_retention_emptied_was_not_tampered_with() {
    let t = TestApp::with(&[("SEKISHO_LOG_RETENTION", "30d"), ("SEKISHO_KEY_ROTATION", "0")]).await;
    t.register("ada@example.com").await;
    t.clock.advance(40 * DAY);
    t.app.core.run_housekeeping().await.expect("a sweep");
    assert!(verify(&t).await.is_ok());
    t.sign_in_api("ada@example.com").await;
    assert!(verify(&t).await.is_ok());
}

#[tokio::test]
async fn retention_does_not_forget_that_entries_were_missing() {
    let t = TestApp::with(&[("SEKISHO_LOG_RETENTION", "30d")]).await;
    t.register("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    tamper(&t, "delete from events where seq = 2").await;
    t.clock.advance(40 * DAY);
    t.sign_in_api("ada@example.com").await;
    t.app.core.run_housekeeping().await.expect("a sweep");
    assert!(matches!(verify(&t).await, Err(Fault::Recorded(_))));
}

#[tokio::test]
async fn a_log_that_was_wiped_is_not_taken_for_a_new_one() {
    let t = filled().await;
    tamper(&t, "delete from events").await;
    tamper(&t, "delete from chain").await;
    let t = t.restart().await;
    assert_eq!(verify(&t).await, Err(Fault::Seal));
}

#[tokio::test]
async fn two_entries_that_changed_places_are_found() {
    let t = filled().await;
    tamper(&t, "update events set seq = 100 where seq = 3").await;
    tamper(&t, "update events set seq = 3 where seq = 4").await;
    tamper(&t, "update events set seq = 4 where seq = 100").await;
    assert_eq!(verify(&t).await, Err(Fault::Changed(3)));
}

#[tokio::test]
async fn retention_removes_the_oldest_and_the_rest_stays_verifiable() {
    let t = TestApp::with(&[("SEKISHO_LOG_RETENTION", "30d")]).await;
    t.register("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    t.clock.advance(20 * DAY);
    t.sign_in_api("ada@example.com").await;
    t.app.core.run_housekeeping().await.expect("a sweep");
    let (before, _) = verify(&t).await.expect("whole");
    t.clock.advance(12 * DAY);
    t.app.core.run_housekeeping().await.expect("a sweep");
    let kinds: Vec<(i64, String)> =
        sqlx::query_as("select seq, kind from events order by seq").fetch_all(t.db.reader()).await.expect("a list");
    assert!(kinds[0].0 > 2, "the oldest are gone: {kinds:?}");
    assert_eq!(kinds.last().map(|(_, kind)| kind.as_str()), Some("log_trimmed"));
    assert!(kinds.iter().any(|(seq, _)| *seq == before));
    assert!(verify(&t).await.is_ok());
    // Who removes entries by hand can't make it look like retention.
    tamper(&t, &format!("delete from events where seq = {}", kinds[0].0)).await;
    assert_eq!(verify(&t).await, Err(Fault::Missing(kinds[0].0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_entries_make_one_chain() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let sign_ins = (0..8).map(|n| {
        let mut client = t.anonymous();
        let password = if n % 2 == 0 { PASSWORD } else { "wrong" };
        let body = json!({ "email": "ada@example.com", "password": password });
        tokio::spawn(async move { client.post("/api/v1/tokens", body).await.status })
    });
    futures::future::join_all(sign_ins).await;
    assert_eq!(verify(&t).await.expect("whole").0, 9);
}

#[tokio::test]
async fn nothing_from_outside_can_forge_a_line() {
    let t = TestApp::new().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let mut forger = t.anonymous();
    forger.headers.push(("user-agent", "x\u{9b}31m =HYPERLINK(\"http://evil\")".into()));
    let body = json!({ "email": "a@b.co\r\n2026 sign_in root", "password": "=1+1" });
    forger.post("/api/v1/tokens", body).await;
    forger.headers[0].1 = "=HYPERLINK(\"http://evil\")".into();
    forger.post("/api/v1/tokens", json!({ "email": "a@b.co", "password": "x" })).await;
    let csv = admin.post(EXPORT, json!({ "format": "csv", "kind": "sign_in_failed" })).await;
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"sekisho-log.csv\"");
    let csv = csv.text();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(
        !csv.contains('\u{9b}') && !csv.contains("a@b.co") && !csv.contains(",=") && !csv.contains(",\"="),
        "{csv}"
    );
    let lines = admin.post(EXPORT, json!({ "format": "jsonl" })).await.text();
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
    assert!(lines.contains("log_exported"), "who takes the log along is in the log");
    assert!(!lines.contains("@example.com"), "an export names nobody's address");
}

#[tokio::test]
async fn the_log_is_searched_by_person_kind_time_and_place() {
    let t = filled().await;
    let (mut admin, _) = t.admin("root@example.com").await;
    let mut elsewhere = t.anonymous();
    elsewhere.ip = "2001:db8:1:2:3::4".parse().expect("an address");
    elsewhere.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    let mut count = async |query: &str| {
        let answer = admin.get(&format!("/api/v1/admin/events?{query}")).await;
        answer.json()["items"].as_array().map_or_else(|| panic!("{query}: {}", answer.text()), Vec::len)
    };
    assert_eq!(count("person=ADA%40example.com&kind=sign_in").await, 4);
    assert_eq!(count("person=nobody%40example.com").await, 0);
    assert_eq!(count("network=2001:db8:1:2::/64").await, 1);
    assert_eq!(count("network=2001:db8:1:2:3::4&kind=sign_in_failed&person=ada%40example.com").await, 1);
    assert_eq!(count("network=2001:db8:1:2:3::5").await, 0);
    assert_eq!(count("to=2026-01-01T00:00").await, 0);
    assert_eq!(count("from=2026-01-01T00:00&kind=registered").await, 2);
    assert_eq!(count("from=2199-01-01T00:00").await, 0);
    let bad = admin.get("/api/v1/admin/events?kind=x&from=soon&to=later&network=10.0.0.0/8").await;
    let problem = bad.problem(422, "invalid_input");
    let fields: Vec<_> = problem["errors"].as_array().expect("a list").iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["kind", "from", "to", "network"]);
}

#[tokio::test]
async fn a_stolen_session_takes_no_export_of_the_log_along() {
    let t = TestApp::new().await;
    let (mut api, _) = t.admin("root@example.com").await;
    let mut browser = t.sign_in_browser("root@example.com").await;
    t.clock.advance(11 * MINUTE);
    let wanted = json!({ "format": "csv" });
    api.post(EXPORT, wanted.clone()).await.problem(401, "step_up_required");
    let fields = [("format", "csv"), ("kind", "registered")];
    let asked = browser.form("/admin/events/export", &fields).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text().contains("You asked for: Export the log"));
    assert_eq!(asked.page().form("/admin/events/export").field("kind"), "registered");
    let export = browser.form("/admin/events/export", &[&fields[..], &[("step_up_password", PASSWORD)]].concat()).await;
    assert_eq!((export.status.as_u16(), export.text().lines().count()), (200, 2));
    assert_eq!(api.post("/api/v1/me/step-up", json!({ "password": PASSWORD })).await.status, 204);
    assert_eq!(api.post(EXPORT, wanted.clone()).await.status, 200);

    // A link, an image or a page of another site's asks in vain.
    api.get(EXPORT).await.problem(405, "method_not_allowed");
    assert_eq!(browser.get("/admin/events/export?format=csv").await.status, 405);
    browser.headers.push(("sec-fetch-site", "cross-site".into()));
    assert_eq!(browser.form("/admin/events/export", &fields).await.status, 403);
    let (mut ada, _) = t.api("ada@example.com").await;
    ada.post(EXPORT, wanted).await.problem(403, "forbidden");
}
