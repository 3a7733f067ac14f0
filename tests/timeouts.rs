use sekisho_core::{SessionSelector, session::credential::CookieToken};
use sekisho_model::{EndReason, SessionId};

use crate::harness::{Client, DAY, HOUR, MINUTE, TestApp, context};

/// Sent to the sign-in page, which tells this.
async fn signed_out_because(browser: &mut Client, text: &str) {
    assert_eq!(browser.get("/devices").await.location(), "/login?next=%2Fdevices");
    let page = browser.get("/login?next=%2Fdevices").await.text();
    assert!(page.contains(text), "{text} in {page}");
}

#[tokio::test]
async fn an_idle_browser_is_signed_out_and_told_so() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    t.clock.advance(HOUR - MINUTE);
    assert_eq!(browser.get("/devices").await.status, 200);
    t.clock.advance(HOUR + 1);
    signed_out_because(&mut browser, "because nothing happened for a while").await;
    // Going back in time revives nothing: the end is written.
    t.clock.advance(-HOUR);
    signed_out_because(&mut browser, "because nothing happened for a while").await;
}

#[tokio::test]
async fn activity_rolls_the_idle_deadline_but_never_the_absolute_one() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    for _ in 0..28 {
        t.clock.advance(50 * MINUTE);
        assert_eq!(browser.get("/").await.status, 200);
        assert_eq!(browser.get("/devices").await.status, 200);
    }
    t.clock.advance(40 * MINUTE + 1);
    signed_out_because(&mut browser, "because the time limit of your sign-in was reached").await;
}

#[tokio::test]
async fn a_poll_and_a_token_are_no_activity_and_a_report_is() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let mut reported = t.sign_in_browser("ada@example.com").await;
    for _ in 0..2 {
        t.clock.advance(29 * MINUTE);
        assert_eq!(browser.send("POST", "/session/token", None, axum::body::Body::empty()).await.status, 200);
        let report = reported.send("POST", "/session/activity", None, axum::body::Body::empty()).await;
        assert_eq!(report.status, 200);
    }
    t.clock.advance(3 * MINUTE);
    signed_out_because(&mut browser, "because nothing happened for a while").await;
    assert_eq!(reported.get("/devices").await.status, 200);
}

#[tokio::test]
async fn the_deadline_is_written_at_most_once_in_the_roll_interval() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let mut deadline = async || {
        let answer = browser.send("POST", "/session/activity", None, axum::body::Body::empty()).await.json();
        answer["idle_expires_at"].as_str().expect("a time").to_owned()
    };
    let first = deadline().await;
    t.clock.advance(50_000);
    assert_eq!(deadline().await, first);
    t.clock.advance(11_000);
    assert!(deadline().await > first);
}

#[tokio::test]
async fn a_low_policy_has_no_idle_timeout_and_a_high_one_is_short() {
    let low = TestApp::with(&[("SEKISHO_PROFILE", "low")]).await;
    let mut browser = low.browser("ada@example.com").await;
    low.clock.advance(29 * DAY);
    assert_eq!(browser.get("/devices").await.status, 200);
    low.clock.advance(DAY + 1);
    signed_out_because(&mut browser, "because the time limit").await;

    let high = TestApp::with(&[("SEKISHO_PROFILE", "high"), ("SEKISHO_MFA", "optional")]).await;
    let mut browser = high.browser("ada@example.com").await;
    high.clock.advance(15 * MINUTE + 1);
    signed_out_because(&mut browser, "because nothing happened").await;
    let mut browser = high.sign_in_browser("ada@example.com").await;
    for _ in 0..10 {
        high.clock.advance(11 * MINUTE);
        assert_eq!(browser.get("/").await.status, 200);
    }
    high.clock.advance(10 * MINUTE + 1);
    signed_out_because(&mut browser, "because the time limit").await;
}

#[tokio::test]
async fn a_browsers_access_token_ends_with_its_session() {
    let t = TestApp::with(&[("SEKISHO_SESSION_IDLE", "5m")]).await;
    let mut browser = t.browser("ada@example.com").await;
    t.clock.advance(2 * MINUTE);
    let token = browser.send("POST", "/session/token", None, axum::body::Body::empty()).await.json();
    let seconds = token["expires_in"].as_i64().expect("seconds");
    assert!((3 * 60 - 30..=3 * 60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn housekeeping_ends_what_is_over_and_removes_what_is_old() {
    let t = TestApp::new().await;
    let count = async |table: &'static str| -> i64 {
        let sql = match table {
            "sessions" => "select count(*) from sessions",
            "ended" => "select count(*) from sessions where ended_reason = 'idle_timeout'",
            _ => "select count(*) from refresh_tokens",
        };
        sqlx::query_scalar(sql).fetch_one(t.db.reader()).await.expect("a count")
    };
    t.browser("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    t.app.core.run_housekeeping().await.expect("sweeps");
    assert_eq!((count("sessions").await, count("ended").await), (2, 0));
    t.clock.advance(2 * HOUR);
    t.app.core.run_housekeeping().await.expect("sweeps");
    assert_eq!((count("sessions").await, count("ended").await), (2, 1));
    t.clock.advance(31 * DAY);
    t.app.core.run_housekeeping().await.expect("sweeps");
    assert_eq!((count("sessions").await, count("ended").await, count("refresh_tokens").await), (1, 1, 0));
    t.clock.advance(31 * DAY);
    t.app.core.run_housekeeping().await.expect("sweeps");
    assert_eq!(count("sessions").await, 0);
}

#[tokio::test]
async fn a_request_in_flight_never_revives_an_ended_session() {
    let t = TestApp::with(&[("SEKISHO_STRATEGY", "hybrid")]).await;
    let mut browser = t.browser("ada@example.com").await;
    let id: SessionId = browser.session_id().await.parse().expect("an id");
    let core = &t.app.core;
    let mut row = core.sessions.find(&id).await.expect("reads").expect("a row");
    let cookie: tower_sessions::session::Id = browser.cookies["sekisho"].parse().expect("an id");
    let token = || CookieToken::new(cookie.0.to_le_bytes());
    let data = async || {
        let data = sqlx::query_scalar::<_, String>("select data from sessions where id = $1").bind(id.as_str());
        data.fetch_one(t.db.reader()).await.expect("a row")
    };
    core.sessions.save_page_data(token(), r#"{"kept":1}"#).await.expect("saved");
    assert_eq!(data().await, r#"{"kept":1}"#, "live, it is saved");
    browser.form("/logout", &[]).await;

    core.sessions.save_page_data(token(), "{}").await.expect("nothing to do");
    assert_eq!(data().await, r#"{"kept":1}"#);
    t.clock.advance(2 * MINUTE);
    core.sessions.touch(&mut row, &context(None)).await.expect("nothing to do");
    assert_eq!(core.sessions.end(SessionSelector::of(&row), EndReason::IdleTimeout, None).await.expect("done"), 0);
    let ended = core.sessions.find(&id).await.expect("reads").expect("a row");
    assert_eq!(ended.ended_reason.0, Some(EndReason::SignedOut));
    assert_eq!(ended.last_active_at, ended.created_at);
    // And a secret that is taken makes no second session.
    let twin = "insert into sessions (id, user_id, kind, token_hash, device, ip, user_agent, method, created_at, \
                authenticated_at, last_active_at) select 'twin', user_id, kind, token_hash, device, ip, user_agent, \
                method, created_at, authenticated_at, last_active_at from sessions where id = $1";
    assert!(sqlx::query(twin).bind(id.as_str()).execute(t.db.writer()).await.is_err());
}
