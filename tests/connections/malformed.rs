//! Requests that the parser or a limit refuses: the answer is whole, and arrives.

use super::{LIVE, ask, connect, is_whole, start};
use crate::harness::process::Folder;

#[tokio::test]
async fn what_the_parser_refuses_carries_the_security_headers_and_under_api_a_problem() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let long = "x".repeat(40_000);
    let very_long = "x".repeat(80_000);
    for (request, status, code) in [
        ("GET /PATH HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET /PATH HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET /PATH HTTP/7.0\r\n\r\n".to_owned(), 400, "bad_request"),
        ("\u{7f}(] /PATH HTTP/1.1\r\n\r\n".to_owned(), 400, "bad_request"),
        (format!("GET /PATH?{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "uri_too_long"),
        (format!("GET /PATH?{very_long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "uri_too_long"),
        (format!("GET /PATH HTTP/1.1\r\nHost: a\r\nx: {very_long}\r\n\r\n"), 431, "headers_too_large"),
        (format!("GET /PATH HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(120)), 431, "headers_too_large"),
        // Those are our own.
        ("GET /PATH HTTP/1.1\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET /PATH HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET /PATH HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400, "bad_request"),
    ] {
        for (path, is_api) in [("api/v1/me", true), ("login", false)] {
            let request = request.replace("PATH", path);
            // On a fresh connection, and on one that has served a request.
            for before in ["", LIVE] {
                let mut stream = connect([127, 0, 0, 1], address).await;
                if !before.is_empty() {
                    assert!(ask(&mut stream, before.as_bytes()).await.starts_with("HTTP/1.1 200 "));
                }
                let answer = ask(&mut stream, request.as_bytes()).await;
                let shown: String = request.chars().take(80).collect();
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
                for header in
                    ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "x-request-id: "]
                {
                    assert!(answer.contains(header), "{header} to {shown}: {answer}");
                }
                let as_problem = answer.contains("content-type: application/problem+json\r\n");
                // What hyper could not read as far as the path is answered in plain text.
                assert_eq!(as_problem, is_api, "{shown}: {answer}");
                assert!(!is_api || answer.contains(&format!("\"code\":\"{code}\"")), "{shown}: {answer}");
                assert!(is_whole(answer.as_bytes()), "{answer}");
            }
        }
    }
    let mut old = connect([127, 0, 0, 1], address).await;
    assert!(
        ask(&mut old, b"GET /health/live HTTP/1.0\r\n\r\n").await.contains(" 200 OK\r\n"),
        "HTTP/1.0 needs no Host"
    );
    server.kill("-TERM");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_its_length_and_the_client_sees_it() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let head =
        "POST /api/v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n";
    // Asked first, as curl does: nothing is sent.
    let mut polite = connect([127, 0, 0, 1], address).await;
    let answer = ask(&mut polite, format!("{head}Expect: 100-continue\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too_large\""), "{answer}");
    // Sent without asking: the answer is not lost by a reset.
    let mut rude = connect([127, 0, 0, 1], address).await;
    let answer = ask(&mut rude, format!("{head}\r\n{}", "x".repeat(1_000_000)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.kill("-TERM");
}
