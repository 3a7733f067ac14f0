//! Slow clients (slowloris, slow bodies, slow readers): each is cut off by a timeout, and many keep nobody else out.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::{LIVE, ask, connect, start};
use crate::harness::process::{Folder, Server};

/// Each of them takes its time on another phase; together as long as one deadline.
#[tokio::test]
async fn slow_headers_slow_bodies_and_silence_end_by_a_deadline() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let head =
        "POST /api/v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
    let chunked = "POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut attacks = JoinSet::new();
    for (begin, drop_by_drop, answered) in [
        ("", "", ""),
        (LIVE, "", "HTTP/1.1 200 "),
        ("GET / HTTP/1.1\r\n", "x: y\r\n", ""),
        (head, "", "HTTP/1.1 408 "),
        (head, "x", "HTTP/1.1 408 "),
        (chunked, "1\r\nx\r\n", "HTTP/1.1 408 "),
    ] {
        attacks.spawn(async move {
            let start = Instant::now();
            let (mut reader, mut writer) = connect([127, 0, 0, 1], address).await.into_split();
            writer.write_all(begin.as_bytes()).await.expect("sent");
            let trickle = tokio::spawn(async move {
                while writer.write_all(drop_by_drop.as_bytes()).await.is_ok() {
                    // The attack itself: each piece would reset a timeout that counts from the last one.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
            let mut answer = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(60), reader.read_to_end(&mut answer)).await;
            trickle.abort();
            assert!(read.is_ok(), "{begin} is held for ever");
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.starts_with(answered) && answer.is_empty() == answered.is_empty(), "{begin}: {answer}");
            assert!(start.elapsed() < Duration::from_secs(30), "{begin}: {:?}", start.elapsed());
        });
    }
    attacks.join_all().await;
    server.kill("-TERM");
}

#[cfg(target_os = "linux")]
fn sockets(server: &Server) -> usize {
    let fds = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).expect("its descriptors");
    let links = fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_cut_off() {
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let before = sockets(&server);
    let mut greedy = connect([127, 0, 0, 1], address).await;
    // Answers are never taken: a write waits once neither side's buffers hold any more, and fails when the server has
    // closed the connection.
    let requests = "GET /register HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let cut_off = async { while greedy.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), cut_off).await.expect("the connection is held for ever");
    assert_eq!(sockets(&server), before, "it costs the server no descriptor any more");
    server.kill("-TERM");
}

/// Under the usual soft limit of 1,024 descriptors, which the server raises itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_slow_connections_from_one_address_keep_nobody_else_out() {
    const SLOW: usize = 5_000;
    let allowed = rlimit::increase_nofile_limit(SLOW as u64 + 2_000).expect("a limit");
    let slow = SLOW.min(usize::try_from(allowed).expect("a number") / 2);
    let folder = Folder::new();
    let (server, address) = start(&folder);
    let mut held = Vec::new();
    for n in 0..slow {
        let mut stream = connect([127, 0, 0, 2], address).await;
        let begin = if n % 2 == 0 {
            "GET / HTTP/1.1\r\n"
        } else {
            "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
        };
        let _ = stream.write_all(begin.as_bytes()).await; // perhaps it is closed by now
        held.push(stream);
    }
    // All but the newest are evicted, and well before their own timeout of ten seconds.
    let evicted = async {
        for stream in &mut held[..slow.saturating_sub(1_500)] {
            closed(stream).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), evicted).await.expect("no more than 1,500 stay open");
    // From another address, and even from the attacker's own: a new connection is served, the oldest has to go.
    for client in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let mut times = Vec::new();
        for _ in 0..100 {
            let start = Instant::now();
            let mut stream = connect(client, address).await;
            let answer = ask(&mut stream, LIVE.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{client:?}: {answer:?}");
            times.push(start.elapsed());
        }
        times.sort();
        eprintln!("{slow} slow connections: median {:?}, p99 {:?}", times[50], times[98]);
        assert!(times[50] < Duration::from_millis(50), "{times:?}");
    }
    let start = Instant::now();
    assert!(server.kill("-TERM").status.success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // The slow ones have been closed by the server.
    closed(held.last_mut().expect("one")).await;
}

/// Waits until the server has closed a connection.
async fn closed(stream: &mut TcpStream) {
    let mut piece = [0; 16_384];
    let end = async { while !matches!(stream.read(&mut piece).await, Ok(0) | Err(_)) {} };
    tokio::time::timeout(Duration::from_secs(60), end).await.expect("the server closes it");
}
