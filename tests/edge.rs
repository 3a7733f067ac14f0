//! What strangers send to the edge of the house: bodies, headers and work that is made for it.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;

use crate::harness::{Client, PASSWORD, TestApp};

/// All of zxcvbn's l33t substitutions: each combination of them would be tried.
const L33T: &str = "4@8({[<3691!|0$5+7%2";

fn worst() -> serde_json::Value {
    let context: Vec<String> = (3..60_000 / 200).map(|n| "a".repeat(n % 200)).collect();
    json!({ "password": L33T.repeat(5), "context": context })
}

/// On one thread: work done on it would hold up everything else until all of it is done.
#[tokio::test]
async fn strangers_can_not_freeze_the_server_by_the_password_meter() {
    let t = TestApp::new().await;
    let flood: Vec<_> = (0..100)
        .map(|_| {
            let mut client = t.anonymous();
            tokio::spawn(async move { client.post("/fn/password-strength", worst()).await })
        })
        .collect();
    let mut answered = 0;
    while !flood.iter().all(|request| request.is_finished()) {
        assert_eq!(t.anonymous().get("/health/live").await.status, 200);
        answered += 1;
        tokio::task::yield_now().await;
    }
    assert!(answered > 20, "{answered} requests were answered meanwhile");
    let mut scored = 0;
    for request in flood {
        let answer = request.await.expect("no panic");
        if answer.status == 200 {
            scored += 1;
        } else {
            answer.problem(503, "busy");
            assert_eq!(answer.header("retry-after"), "2");
        }
    }
    assert!(scored > 0 && scored < 100, "{scored} of 100 were scored");
}

#[tokio::test]
async fn strangers_can_not_freeze_the_server_by_registering() {
    let t = TestApp::new().await;
    let flood: Vec<_> = (0..20)
        .map(|n| {
            let mut client = t.anonymous();
            let person =
                json!({ "email": format!("u{n}@example.com"), "password": L33T.repeat(5), "name": "a".repeat(80) });
            tokio::spawn(async move { client.post("/api/v1/users", person).await.status })
        })
        .collect();
    let mut answered = 0;
    while !flood.iter().all(|request| request.is_finished()) {
        assert_eq!(t.anonymous().get("/health/live").await.status, 200);
        answered += 1;
        tokio::task::yield_now().await;
    }
    for request in flood {
        assert_eq!(request.await.expect("no panic"), 201);
    }
    assert!(answered > 20, "{answered} requests were answered meanwhile");
}

#[tokio::test]
async fn errors_of_functions_are_problems_without_a_word_of_the_framework() {
    let t = TestApp::new().await;
    let post = async |path: &str, content_type: Option<&str>, body: &str| {
        t.anonymous().send("POST", path, content_type, Body::from(body.to_owned())).await
    };
    let json = Some("application/json");
    post("/fn/password-strength", json, "{").await.problem(400, "invalid_json");
    post("/fn/password-strength", json, "").await.problem(400, "invalid_json");
    post("/fn/password-strength", json, "[]").await.problem(422, "invalid_input");
    for (body, field) in [
        (r#"{"context":[]}"#, "password"),
        (r#"{"password":7}"#, "password"),
        (r#"{"password":"x","context":7}"#, "context"),
        (r#"{"password":"x","admin":true}"#, "admin"),
    ] {
        let problem = post("/fn/password-strength", json, body).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
    }
    post("/fn/password-strength", None, "{}").await.problem(415, "unsupported_media_type");
    for path in ["/fn/unknown", "/fn", "/fn/", "/fn/password-strength/x", "/fn/..%2f"] {
        post(path, json, "{}").await.problem(404, "not_found");
    }
    t.anonymous().get("/fn/password-strength").await.problem(405, "method_not_allowed");
    post("/fn/password-strength", json, &"x".repeat(70_000)).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_failed_native_form_redirects_nobody_to_another_site() {
    let t = TestApp::new().await;
    for path in ["/fn/password-strength", "/fn/unknown", "/language", "/login"] {
        let mut victim = t.anonymous();
        victim.headers.push(("referer", "https://evil.example/?x=y".into()));
        victim.headers.push(("accept", "text/html,application/xhtml+xml".into()));
        let answer = victim.form(path, &[("password", "x"), ("language", "xx"), ("email", "x")]).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert_eq!(answer.header("location"), "", "{path}");
        assert!(!answer.text().contains("__err") && !answer.text().contains("evil.example"), "{path}");
    }
}

#[tokio::test]
async fn a_forwarded_address_that_is_not_ascii_does_not_let_an_earlier_one_count() {
    let t = TestApp::with(&[("SEKISHO_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    t.register("ada@example.com").await;
    let mut attacker = t.anonymous();
    attacker.headers.push(("x-forwarded-for", "203.0.113.66".into()));
    attacker.headers.push(("x-forwarded-for", "\u{e9}".into()));
    attacker.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let devices = attacker.get("/devices").await;
    assert!(!devices.text().contains("203.0.113.66"), "{}", devices.text());
    assert!(devices.page().select("dd").iter().any(|detail| detail.text() == "127.0.0.1"), "{}", devices.text());
}

#[tokio::test]
async fn a_request_with_two_hosts_or_an_invalid_one_is_refused() {
    let t = TestApp::new().await;
    let with = |hosts: &[&str]| {
        let mut client = t.anonymous();
        client.headers.extend(hosts.iter().map(|host| ("host", (*host).to_owned())));
        client
    };
    let check = async |client: &mut Client| {
        let page = client.get("/login").await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (400, "text/plain; charset=utf-8"));
        let problem = client.get("/api/v1/me").await;
        problem.problem(400, "bad_request");
        for answer in [page, problem] {
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(!answer.header("x-request-id").is_empty());
        }
    };
    check(&mut with(&["a.example", "a.example"])).await;
    check(&mut with(&["a.example", "evil.example"])).await;
    for host in ["", "a b", "user@a.example", "a.example/x", "\u{e9}.example"] {
        check(&mut with(&[host])).await;
    }
    assert_eq!(with(&["[::1]:3000"]).get("/login").await.status, 200);
}

#[tokio::test]
async fn a_browsers_reports_of_csp_violations_are_counted_and_limited() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    let page = t.anonymous().get("/login").await;
    assert!(page.header("content-security-policy").contains("report-to csp; report-uri /csp-reports"));
    assert_eq!(page.header("reporting-endpoints"), "csp=\"/csp-reports\"");

    let counted = || {
        let text = t.app.core.metrics.encode().expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix("sekisho_csp_reports_total ")).expect("a metric");
        line.parse::<u64>().expect("a number")
    };
    let old = r#"{"csp-report":{"document-uri":"http://127.0.0.1:3000/login?next=/x","violated-directive":"script-src-elem",
        "effective-directive":"script-src-elem","blocked-uri":"inline"}}"#;
    let new = r#"[{"type":"csp-violation","body":{"documentURL":"http://127.0.0.1:3000/","effectiveDirective":"img-src",
        "blockedURL":"https://evil.example/"}}]"#;
    let mut browser = t.anonymous();
    browser.headers.push(("sec-fetch-site", "cross-site".into()));
    browser.headers.push(("origin", "null".into()));
    for (content_type, body) in [("application/csp-report", old), ("application/reports+json", new)] {
        let answer = browser.send("POST", "/csp-reports", Some(content_type), Body::from(body)).await;
        assert_eq!((answer.status, answer.text()), (axum::http::StatusCode::NO_CONTENT, String::new()));
    }
    assert_eq!(counted(), 2);
    for odd in ["", "x", "[]", "{\"csp-report\":[]}"] {
        assert_eq!(browser.send("POST", "/csp-reports", None, Body::from(odd)).await.status, 204);
    }
    assert_eq!(counted(), 2);
    assert_eq!(browser.send("POST", "/csp-reports", None, Body::from("x".repeat(20_000))).await.status, 413);
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(browser.send("POST", "/csp-reports", None, Body::from(old)).await.status.as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 17, "{statuses:?}");
    assert_eq!(counted(), 15);
    t.anonymous().get("/csp-reports").await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn over_https_the_language_cookie_is_bound_to_the_host() {
    for (settings, name) in [
        (vec![("SEKISHO_BASE_URL", "https://sign-in.example")], "__Host-sekisho_language"),
        (vec![], "sekisho_language"),
    ] {
        let t = TestApp::with(&settings).await;
        let mut browser = t.anonymous();
        let answer = browser.form("/language", &[("language", "ja")]).await;
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.starts_with(&format!("{name}=ja; ")) && cookie.contains("; Path=/; ") && !cookie.contains("Domain"),
            "{cookie}"
        );
        assert_eq!(cookie.contains("; Secure"), !settings.is_empty());
        assert_eq!(browser.get("/login").await.page().lang(), "ja");
        // One that a sibling host has set, without the prefix, does not count.
        if !settings.is_empty() {
            let mut sibling = t.anonymous();
            sibling.cookies.insert("sekisho_language".into(), "ja".into());
            assert_eq!(sibling.get("/login").await.page().lang(), "en");
        }
    }
}

/// In-process the body's deadline is real time; the answer's is far longer.
#[tokio::test]
async fn a_body_that_never_comes_is_refused_before_anything_acts_on_it() {
    let t = TestApp::new().await;
    let endless = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let mut slow = t.anonymous();
    let json = Some("application/json");
    let answer = tokio::time::timeout(Duration::from_secs(20), slow.send("POST", "/api/v1/tokens", json, endless));
    let answer = answer.await.expect("in time");
    answer.problem(408, "request_timeout");
    assert_eq!(answer.header("connection"), "close");
}
