//! How often a message is sent, whoever dies over it.

use super::{ADA, app, app_with_mail, counts, deliver, register, server::MailServer, unsent};
use crate::harness::{HOUR, MINUTE, PASSWORD, TestApp, process::Folder};
use sekisho_core::{
    mail::{Mail, Mailer, SendError},
    revocation::BoxFuture,
};
use std::{collections::BTreeSet, os::unix::fs::PermissionsExt};
use tokio::sync::Notify;

#[tokio::test]
async fn two_workers_at_once_send_a_message_once() {
    let server = MailServer::start(&[]);
    let t = app(&server.url()).await;
    let other = t.second_node().await;
    for n in 0..5 {
        register(&t, &format!("person{n}@example.com")).await;
    }
    let (first, second) = tokio::join!(deliver(&t), deliver(&other));
    assert_eq!(first + second, 5);
    let received = server.received();
    let recipients: BTreeSet<_> = received.iter().map(|message| message["to"].to_string()).collect();
    assert_eq!((received.len(), recipients.len()), (5, 5));
}

/// Never done; whoever waits for it dies.
struct StuckMailer {
    entered: Notify,
}

impl Mailer for StuckMailer {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async {
            self.entered.notify_one();
            std::future::pending().await
        })
    }
}

/// A process dies while it sends a message.
async fn die_sending(t: &TestApp) {
    let stuck = StuckMailer { entered: Notify::new() };
    tokio::select! {
        _ = t.app.core.mails.deliver_due(&stuck) => panic!("it should hang"),
        () = stuck.entered.notified() => {}
    }
}

#[tokio::test]
async fn a_message_that_a_process_died_over_is_sent_once_more() {
    let server = MailServer::start(&[]);
    let t = app_with_mail(&server.url()).await;
    die_sending(&t).await;
    assert_eq!(deliver(&t).await, 0, "it is claimed");
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 0);
    t.clock.advance(2 * MINUTE);
    assert_eq!(deliver(&t).await, 1);
    t.clock.advance(HOUR);
    assert_eq!(deliver(&t).await, 0);
    server.only();
    assert_eq!(counts(&t).await, (0, 1, 0));
}

#[tokio::test]
async fn a_message_that_two_processes_died_over_is_not_sent_a_third_time() {
    let server = MailServer::start(&[]);
    let t = app_with_mail(&server.url()).await;
    for _ in 0..2 {
        die_sending(&t).await;
        t.clock.advance(3 * MINUTE);
    }
    assert_eq!(deliver(&t).await, 0);
    let failed = unsent(&t).await;
    assert_eq!(failed.error.as_deref(), Some("interrupted twice; it may have been sent"));
    assert_eq!((failed.due_at, server.received().len()), (None, 0));
}

#[tokio::test]
async fn an_expired_message_is_not_sent() {
    let server = MailServer::start(&[]);
    let t = app_with_mail(&server.url()).await;
    t.clock.advance(25 * HOUR);
    assert_eq!((deliver(&t).await, server.received().len()), (0, 0));
    assert_eq!(unsent(&t).await.error.as_deref(), Some("expired before it could be sent"));
    assert_eq!(t.app.core.mails.retry().await.expect("retried"), 0);
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_written() {
    let t = TestApp::new().await;
    let mut browser = t.browser(ADA).await;
    t.clock.advance(MINUTE);
    let mut other = t.anonymous();
    other.ip = [203, 0, 113, 9].into();
    assert_eq!(other.form("/login", &[("email", ADA), ("password", PASSWORD)]).await.status, 303);
    let new = "another long password, just as good";
    let change = [("current_password", PASSWORD), ("new_password", new)];
    assert_eq!(browser.form("/account/password", &change).await.status, 303);
    assert_eq!(t.app.core.mails.status().await.expect("a status").0, (0, 0, 0));
    let (rows, tokens): (i64, i64) =
        sqlx::query_as("select (select count(*) from mails), (select count(*) from email_tokens)")
            .fetch_one(t.db.reader())
            .await
            .expect("counted");
    assert_eq!((rows, tokens), (0, 0));
}

#[tokio::test]
async fn messages_go_into_a_folder_that_only_its_owner_can_read() {
    let folder = Folder::new();
    let outbox = folder.0.join("data/outbox");
    let t = app_with_mail(&format!("file:{}", outbox.display())).await;
    assert_eq!((deliver(&t).await, deliver(&t).await), (1, 0));
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    let files: Vec<_> =
        std::fs::read_dir(&outbox).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!((files.len(), mode(&outbox), mode(&files[0])), (1, 0o700, 0o600));
    assert_eq!(files[0].extension().and_then(|e| e.to_str()), Some("eml"));
    let message = std::fs::read_to_string(&files[0]).expect("a message");
    assert!(message.contains(&format!("\r\nTo: {ADA}\r\n")) && message.contains("/verify-email?token"), "{message}");
}
