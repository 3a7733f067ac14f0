//! What arrives, and what becomes of what does not.

use super::{
    ADA, FROM, app, app_with_mail, assert_waits, counts, deliver, hasty,
    server::{MailServer, header, text},
    unsent,
};
use crate::harness::{HOUR, MINUTE, PASSWORD, context};
use sekisho_core::account::Registration;
use serde_json::json;

#[tokio::test]
async fn a_message_arrives_whole_and_once() {
    let server = MailServer::start(&[]);
    let t = app_with_mail(&server.url()).await;
    assert_eq!((deliver(&t).await, deliver(&t).await), (1, 0));
    assert_eq!(counts(&t).await, (0, 1, 0));
    let message = server.only();
    assert_eq!((&message["from"], &message["to"]), (&json!("sign-in@example.com"), &json!([ADA])));
    assert_eq!(header(&message, "From"), FROM);
    assert_eq!(header(&message, "To"), ADA);
    assert_eq!(header(&message, "Subject"), "Confirm your email address");
    assert_eq!(header(&message, "Auto-Submitted"), "auto-generated");
    assert!(header(&message, "Message-ID").ends_with("@127.0.0.1>"));
    let text = text(&message);
    let token = token_in(text, "verify-email");
    assert_eq!(t.app.core.accounts.verify_email(token, &context(None)).await.ok().as_deref(), Some(ADA));
}

#[tokio::test]
async fn links_lead_to_the_configured_address_whatever_a_request_says() {
    // GHSA-3529-5m8x-rpv3.
    let server = MailServer::start(&[]);
    let t = app(&server.url()).await;
    let mut stranger = t.anonymous();
    stranger.headers = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example;proto=https")]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
    stranger.headers.extend([("x-forwarded-proto", "https".into()), ("origin", "http://127.0.0.1:3000".into())]);
    stranger.headers.push(("user-agent", "https://evil.example/claim".into()));
    t.app
        .core
        .accounts
        .create(Registration { email: ADA, password: PASSWORD, name: None, locale: None }, &context(None))
        .await
        .expect("an account");
    assert_eq!(stranger.form("/forgot-password", &[("email", ADA)]).await.status, 200);
    assert_eq!(deliver(&t).await, 1);
    let message = server.only();
    assert!(!message.to_string().contains("evil"), "{message:#?}");
    let token = token_in(text(&message), "reset-password");
    assert_eq!(t.app.core.accounts.recovering(token).await.expect("a user").user.email, ADA);
}

#[tokio::test]
async fn a_refused_message_fails_for_good_until_it_is_retried() {
    let server = MailServer::start(&["--behaviour", "refuse"]);
    let t = app_with_mail(&server.url()).await;
    assert_eq!(deliver(&t).await, 0);
    let failed = unsent(&t).await;
    assert_eq!((failed.due_at, failed.attempts), (None, 1));
    assert_eq!(failed.error.as_deref(), Some("the mail server answered 550 5.1.1"));
    t.clock.advance(2 * HOUR);
    assert_eq!(deliver(&t).await, 0);
    assert_eq!(unsent(&t).await.attempts, 1, "it is not tried again by itself");

    let server = server.restart(&[]);
    assert_eq!(t.app.core.mails.retry().await.expect("retried"), 1);
    assert_eq!(deliver(&t).await, 1);
    assert!(text(&server.only()).contains("/verify-email?token="));
    assert_eq!(t.app.core.mails.retry().await.expect("retried"), 0);
}

#[tokio::test]
async fn a_message_that_the_server_wants_later_is_sent_later() {
    let server = MailServer::start(&["--behaviour", "later"]);
    let t = app_with_mail(&server.url()).await;
    assert_eq!((deliver(&t).await, deliver(&t).await), (0, 0));
    assert_waits(&t, "the mail server answered 451 4.7.1").await;
    let id = unsent(&t).await.id;
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 1);
    assert_eq!(header(&server.only(), "Message-ID"), format!("<{id}@127.0.0.1>"));
}

#[tokio::test]
async fn a_server_that_hangs_or_drops_the_connection_costs_no_message() {
    let server = MailServer::start(&["--behaviour", "hang"]);
    let t = app_with_mail(&server.url()).await;
    assert_eq!(t.app.core.mails.deliver_due(&hasty(&t)).await.expect("delivered"), 0);
    assert_waits(&t, "the mail server took too long").await;

    let server = server.restart(&["--behaviour", "drop"]);
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 0);
    assert_waits(&t, "the mail server").await;
    assert!(server.received().is_empty());
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 1);
    text(&server.only());
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_tried_again() {
    let mut server = MailServer::start(&[]);
    let t = app_with_mail(&server.url()).await;
    server = server.restart(&["--tls", "implicit"]);
    assert_eq!(t.app.core.mails.deliver_due(&hasty(&t)).await.expect("delivered"), 0);
    // TLS was expected: nobody greets.
    assert_waits(&t, "the mail server can't be reached in time").await;
    let port = server.port;
    drop(server);
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 0);
    assert_waits(&t, "the mail server can't be reached: Connection refused").await;
    t.clock.advance(MINUTE);
    let server = MailServer::start(&["--port", &port.to_string()]);
    assert_eq!((deliver(&t).await, server.received().len()), (1, 1));
}

#[tokio::test]
async fn a_wrong_password_at_the_mail_server_costs_no_message() {
    let server = MailServer::start(&["--login", "ada@example.com:p:a/s%s"]);
    let url = |password: &str| format!("smtp://ada%40example.com:{password}@127.0.0.1:{}", server.port);
    let t = app_with_mail(&url("wrong")).await;
    assert_eq!(deliver(&t).await, 0);
    assert_waits(&t, "the mail server answered 535 5.7.8").await;

    let t = t.restart_with(&[("SEKISHO_SMTP_URL", &url("p%3Aa%2Fs%25s"))]).await;
    t.clock.advance(MINUTE);
    assert_eq!(deliver(&t).await, 1);
    assert_eq!(server.only()["user"], "ada@example.com");

    // And without credentials, the server asks for them (530).
    let t = app_with_mail(&server.url()).await;
    assert_eq!(deliver(&t).await, 0);
    assert_waits(&t, "the mail server answered 530 5.7.0").await;
}

/// The token of the link to a page.
fn token_in<'a>(text: &'a str, page: &str) -> &'a str {
    let (_, link) = text.split_once(&format!("http://127.0.0.1:3000/{page}?token=")).expect("a link");
    link.split_whitespace().next().expect("a token")
}
