//! `sekisho mail`, and a wrong configuration.

use super::{ADA, FROM, server::MailServer};
use crate::harness::{
    PASSWORD,
    process::{Folder, Server, command},
};
use serde_json::json;
use std::time::Duration;

// The command line

#[tokio::test]
async fn the_command_line_shows_what_was_not_sent_and_has_it_tried_again() {
    let folder = Folder::new();
    let mail = MailServer::start(&["--behaviour", "refuse"]);
    let url = mail.url();
    let settings = [("SEKISHO_SMTP_URL", url.as_str()), ("SEKISHO_MAIL_FROM", FROM)];
    let server = Server::start(&folder, &settings);
    let run = |subcommand: &str| {
        let output = command(&folder, &settings).args(["mail", subcommand]).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let becomes = async |said: &str| {
        for _ in 0..200 {
            if run("status").contains(said) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{said}, not {}", run("status"));
    };
    assert_eq!(run("status"), "Of the last 7 days: 0 waiting, 0 sent, 0 failed.\n");
    server.post("/api/v1/users", json!({ "email": ADA, "password": PASSWORD })).await;
    becomes("0 waiting, 0 sent, 1 failed.").await;
    let status = run("status");
    for said in ["verify_email", "none: failed", "the mail server answered 550 5.1.1"] {
        assert!(status.contains(said), "{said} in {status}");
    }
    assert!(!status.contains("example.com"), "{status}");

    let _mail = mail.restart(&[]);
    assert!(run("retry").starts_with("To be tried now: 1."));
    becomes("0 waiting, 1 sent, 0 failed.").await;
    assert!(run("retry").starts_with("To be tried now: 0."));
    server.kill("-TERM");
}

#[test]
fn a_wrong_mail_server_stops_the_start_without_showing_its_password() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("taken"), "").expect("a file");
    for (url, said) in [
        ("smtps://ada:secret-word@mail.example.com/x", "SEKISHO_SMTP_URL: must be smtps://"),
        ("file:taken/outbox", "SEKISHO_SMTP_URL: the folder taken/outbox can't be made"),
    ] {
        let settings = [("SEKISHO_SMTP_URL", url), ("SEKISHO_MAIL_FROM", FROM), ("SEKISHO_LISTEN", "127.0.0.1:0")];
        let output = command(&folder, &settings).output().expect("the binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("sekisho: {said}")) && !stderr.contains("secret-word"), "{stderr}");
    }
}
