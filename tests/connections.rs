//! The binary's sockets, from the side of those who wish it ill: slow, silent, malformed and too many of them.
//! Every address of 127/8 is this machine's, so that each can be another client.

mod load;
mod malformed;
mod slow;
mod stop;

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::harness::process::{Folder, Server};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: a.example\r\n\r\n";

fn start(folder: &Folder) -> (Server, SocketAddr) {
    let server = Server::start(folder, &[("SEKISHO_RATE_LIMIT", "off")]);
    let address = server.url.trim_start_matches("http://").parse().expect("an address");
    (server, address)
}

async fn connect(client: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((client, 0))).expect("an address of 127/8");
    socket.connect(server).await.expect("connected")
}

/// Sends, and reads until the server closes or has answered.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    // It may close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let mut piece = [0; 16_384];
    while let Ok(Ok(n)) = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut piece)).await {
        answer.extend_from_slice(&piece[..n]);
        if n == 0 || is_whole(&answer) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| body.len() >= length)
}
