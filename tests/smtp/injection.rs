//! Addresses and names.

use super::{
    ADA, FROM,
    server::{MailServer, text},
};
use crate::harness::MockClock;
use sekisho::{
    config::mail::{Encryption, SmtpServer, parse_sender},
    mail::{
        message::MessageRenderer,
        smtp::{SmtpMailer, Timeouts},
    },
};
use sekisho_core::{
    mail::{Mail, MailContent, Mailer, SendError},
    settings::Url,
};
use serde_json::json;

// Addresses and names

/// Renders and sends at once, without an outbox.
async fn send(server: &MailServer, to: &str, name: &str) -> Result<(), SendError> {
    let encryption = Encryption::None;
    let host = url::Host::Ipv4([127, 0, 0, 1].into());
    let server = SmtpServer { host, port: server.port, encryption, login: None };
    let base_url = Url::parse("https://sign-in.example.com").expect("a URL");
    let renderer = MessageRenderer::new(parse_sender(FROM).expect("a sender"), base_url);
    let by = json!({ "at": 0, "ip": "::1", "device": "", "user_agent": "", "request_id": null });
    let by = serde_json::from_value(by).expect("an origin");
    let mail = Mail {
        id: MockClock::default().new_id(),
        to: to.into(),
        name: Some(name.into()),
        locale: None,
        created_at: 0,
        content: MailContent::ResetPassword { token: "sk_et_token".into(), by },
    };
    SmtpMailer::new(server, renderer, Timeouts::default()).expect("a mailer").send(&mail).await
}

/// CVE-2026-30227: what a server takes for an address, a name and a message is what was meant by them, or nothing.
#[tokio::test]
async fn no_address_and_no_name_injects_a_command_a_recipient_or_a_header() {
    let server = MailServer::start(&[]);
    let pieces = [
        "\r\nRCPT TO:<eve@example.com>\r\n",
        "\nRCPT TO:<eve@example.com>",
        "\rRSET\r",
        "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
        "\r\nBcc: eve@example.com\r\n",
        "> SIZE=1 <",
        ">,<eve@example.com",
        "\"",
        "\\",
        "\u{0}",
        "\u{85}",
        "\u{2028}",
        "\u{ff0c}",
        "%0d%0a",
        "=?utf-8?q?=0d=0aBcc:_eve=40example.com?=",
        "@",
        " ",
        ",",
        ";",
        "(x)",
        "é",
        "+",
    ];
    let mut taken = Vec::new();
    for piece in pieces {
        for to in [
            format!("{piece}@example.com"),
            format!("a{piece}b@example.com"),
            format!("\"a{piece}b\"@example.com"),
            format!("ada@exam{piece}ple.com"),
            format!("ada@example.com{piece}"),
            format!("{piece}ada@example.com"),
        ] {
            match send(&server, &to, &format!("A{piece}da")).await {
                Ok(()) => taken.push(to),
                Err(SendError::Permanent(error)) => assert!(!error.contains("example"), "{error}"),
                Err(error) => panic!("{to:?}: {error}"),
            }
        }
        send(&server, ADA, &format!("A{piece}da")).await.expect("sent");
        taken.push(ADA.to_owned());
    }
    let received = server.received();
    assert_eq!(received.len(), taken.len());
    for (message, to) in received.iter().zip(&taken) {
        let (user, domain) = to.rsplit_once('@').expect("an address");
        let ascii = url::Host::parse(domain).unwrap_or_else(|e| panic!("{e}: {to:?}")).to_string();
        let to = format!("{user}@{ascii}");
        assert_eq!(message["to"], json!([to]), "{message:#?}");
        let commands: Vec<_> = message["commands"].as_array().expect("commands").iter().collect();
        assert_eq!(commands.len(), 3, "{commands:?}");
        let names: Vec<_> = message["headers"].as_array().expect("headers").iter().map(|header| &header[0]).collect();
        assert_eq!(
            json!(names),
            json!([
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "Content-Language",
                "MIME-Version",
                "Content-Type"
            ]),
            "{message:#?}"
        );
        text(message);
    }
    assert!(taken.len() > pieces.len() && taken.contains(&"a+b@example.com".to_owned()), "{taken:?}");
}

#[tokio::test]
async fn an_international_address_needs_a_server_that_takes_it() {
    let server = MailServer::start(&[]);
    send(&server, "あだ@例え.jp", "Ada").await.expect("sent");
    let message = server.only();
    assert_eq!(message["to"], json!(["あだ@xn--r8jz45g.jp"]));
    assert!(message["options"].to_string().contains("SMTPUTF8"), "{message:#?}");

    let server = MailServer::start(&["--ascii"]);
    let refused = send(&server, "あだ@example.jp", "Ada").await;
    assert!(matches!(refused, Err(SendError::Permanent(error)) if error.contains("SMTPUTF8")));
    send(&server, "ada@例え.jp", "関所").await.expect("sent: only the local part needs it");
    let message = server.only();
    assert_eq!((&message["to"], &message["to_names"]), (&json!(["ada@xn--r8jz45g.jp"]), &json!(["関所"])));
}
