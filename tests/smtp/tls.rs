//! Nothing leaves for another machine without TLS.

use super::{
    ADA, FROM, app_with_mail, assert_waits, deliver,
    server::{MailServer, text},
};
use crate::harness::{
    PASSWORD,
    process::{Folder, Server},
};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

#[tokio::test]
async fn no_password_and_no_message_leave_without_tls() {
    // 0.0.0.0 is this machine, and no loopback address.
    let server = MailServer::start(&["--login", "ada:secret"]);
    let url = format!("smtp://ada:secret@0.0.0.0:{}", server.port);
    let t = app_with_mail(&url).await;
    assert_eq!(deliver(&t).await, 0);
    assert_waits(&t, "STARTTLS is not supported").await;
    assert_eq!((server.login(), server.received().len()), (None, 0));

    // An unknown certificate.
    for (tls, scheme) in [("starttls", "smtp"), ("implicit", "smtps")] {
        let server = MailServer::start(&["--login", "ada:secret", "--tls", tls]);
        let t = app_with_mail(&format!("{scheme}://ada:secret@0.0.0.0:{}", server.port)).await;
        assert_eq!(deliver(&t).await, 0);
        assert_waits(&t, "invalid peer certificate: UnknownIssuer").await;
        assert_eq!((server.login(), server.received().len()), (None, 0), "{tls}");
    }
}

/// "NO STARTTLS" (USENIX Security 2021): what comes before the handshake is not taken for an encrypted answer.
#[tokio::test]
async fn an_answer_appended_to_that_of_starttls_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let t = app_with_mail(&format!("smtp://ada:secret@0.0.0.0:{}", listener.local_addr().expect("one").port())).await;
    let attacker = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut said = Vec::new();
        stream.write_all(b"220 mail.test\r\n").await.expect("written");
        stream.read_buf(&mut said).await.expect("EHLO");
        stream.write_all(b"250-mail.test\r\n250 STARTTLS\r\n").await.expect("written");
        stream.read_buf(&mut said).await.expect("STARTTLS");
        let injected = "250-mail.test\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 ok\r\n";
        stream.write_all(format!("220 go on\r\n{injected}").as_bytes()).await.expect("written");
        stream.read_to_end(&mut said).await.map(drop).unwrap_or_default();
    };
    let (sent, ()) = tokio::join!(deliver(&t), attacker);
    assert_eq!(sent, 0);
    assert_waits(&t, "received corrupt message of type").await;
}

#[tokio::test]
async fn the_server_sends_over_tls() {
    for (tls, scheme) in [("starttls", "smtp"), ("implicit", "smtps")] {
        let mail = MailServer::start(&["--login", "ada:secret", "--tls", tls]);
        let folder = Folder::new();
        let certificate = mail.certificate();
        let url = format!("{scheme}://ada:secret@0.0.0.0:{}", mail.port);
        let settings = [
            ("SEKISHO_SMTP_URL", url.as_str()),
            ("SEKISHO_MAIL_FROM", FROM),
            ("SSL_CERT_FILE", certificate.to_str().expect("UTF-8")),
        ];
        let server = Server::start(&folder, &settings);
        server.post("/api/v1/users", json!({ "email": ADA, "password": PASSWORD })).await;
        let arrived = async {
            while mail.received().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(20), arrived).await;
        let log = std::fs::read_to_string(folder.0.join("log")).expect("a log");
        assert!(arrived.is_ok(), "{log}");
        let message = mail.only();
        assert_eq!((&message["tls"], &message["user"]), (&json!(true), &json!("ada")));
        assert!(text(&message).contains(&format!("{}/verify-email?token=", server.url)));
        assert!(!log.contains(ADA) && !log.contains("sk_et_"), "{log}");
        assert!(server.kill("-TERM").status.success());
    }
}
