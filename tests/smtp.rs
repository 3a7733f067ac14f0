//! E-mail to a real SMTP server: what arrives, how often, and what becomes of what does not.

use std::time::Duration;

use sekisho::{
    config::mail::MailServer as Server,
    mail::{
        mailer,
        message::MessageRenderer,
        smtp::{SmtpMailer, Timeouts},
    },
};
use sekisho_core::{MailStatus, account::Registration};

use crate::harness::{PASSWORD, TestApp, context};

mod command_line;
mod delivery;
mod injection;
mod outbox;
mod server;
mod tls;

const ADA: &str = "ada@example.com";
const FROM: &str = "Sekisho <sign-in@example.com>";

/// With a mail server.
async fn app(url: &str) -> TestApp {
    TestApp::with(&[("SEKISHO_SMTP_URL", url), ("SEKISHO_MAIL_FROM", FROM)]).await
}

/// With a message in the outbox: one that verifies an address.
async fn app_with_mail(url: &str) -> TestApp {
    let t = app(url).await;
    register(&t, ADA).await;
    t
}

async fn register(t: &TestApp, email: &str) {
    let new = Registration { email, password: PASSWORD, name: Some("Ada"), locale: Some("en") };
    t.app.core.accounts.register(new, &context(None)).await.expect("registered");
}

/// Sends what is due; returns how many.
async fn deliver(t: &TestApp) -> usize {
    let mailer = mailer(t.app.config.mail.as_ref().expect("a mail server")).expect("a mailer");
    t.app.core.mails.deliver_due(&*mailer).await.expect("delivered")
}

/// Waiting, sent, failed.
async fn counts(t: &TestApp) -> (i64, i64, i64) {
    t.app.core.mails.status().await.expect("a status").0
}

async fn unsent(t: &TestApp) -> MailStatus {
    let (_, mut unsent) = t.app.core.mails.status().await.expect("a status");
    assert_eq!(unsent.len(), 1, "{unsent:?}");
    unsent.remove(0)
}

/// Asserts that the only message failed for now, with this error and no address in it, and is tried again.
async fn assert_waits(t: &TestApp, error: &str) {
    let unsent = unsent(t).await;
    let said = unsent.error.expect("an error");
    assert!(said.contains(error) && !said.contains('@'), "{said}");
    assert!(unsent.due_at.expect("it is tried again") > t.clock.now());
    assert_eq!(counts(t).await, (1, 0, 0));
}

/// A mailer in short time, so that a test need not wait.
fn hasty(t: &TestApp) -> SmtpMailer {
    let config = t.app.config.mail.clone().expect("a mail server");
    let Server::Smtp(server) = config.server else { panic!("a folder") };
    let renderer = MessageRenderer::new(config.from, config.base_url);
    let ms = Duration::from_millis;
    SmtpMailer::new(server, renderer, Timeouts { connect: ms(300), send: ms(300), quit: ms(300) }).expect("a mailer")
}
