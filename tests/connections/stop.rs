//! SIGTERM: requests in flight are answered, all other connections closed.

use std::time::{Duration, Instant};

use tokio::{io::AsyncWriteExt, task::JoinSet};

use super::{LIVE, ask, connect, start};
use crate::harness::process::Folder;

#[tokio::test]
async fn a_stop_does_not_wait_for_connections_that_are_idle_or_half_read() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let mut open = Vec::new();
    for begin in [
        "",
        LIVE,
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx",
        "POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ] {
        for _ in 0..20 {
            let mut stream = connect([127, 0, 0, 1], address).await;
            stream.write_all(begin.as_bytes()).await.expect("sent");
            open.push(stream);
        }
    }
    // A request that is served is one that came after all of them.
    let mut last = connect([127, 0, 0, 1], address).await;
    assert!(ask(&mut last, LIVE.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    let start = Instant::now();
    assert!(server.kill("-TERM").status.success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_request_in_flight_gets_its_answer_when_the_server_stops() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let person = r#"{"email":"ada@example.com","password":"correct horse battery staple"}"#;
    let request = format!(
        "POST /api/v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{person}",
        person.len()
    );
    // More of them than there are cores to hash, so that some wait when the server is told to stop.
    let mut answers = JoinSet::new();
    for n in 0..8 {
        let request = request.replace("ada@", &format!("ad{n}@"));
        let mut stream = connect([127, 0, 0, 1], address).await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        answers.spawn(async move { ask(&mut stream, b"").await });
    }
    // The first answer says that the server has read requests, and the rest of them are in flight.
    let first = answers.join_next().await.expect("one").expect("no panic");
    assert!(first.starts_with("HTTP/1.1 201 "), "{first}");
    let stopped = tokio::task::spawn_blocking(move || server.kill("-TERM"));
    for answer in answers.join_all().await {
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    assert!(stopped.await.expect("no panic").status.success());
}
