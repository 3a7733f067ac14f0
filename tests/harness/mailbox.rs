//! What the server sends by e-mail, without a mail server.

use std::sync::Mutex;

use sekisho_core::{
    mail::{Mail, MailContent, Mailer, SendError},
    revocation::BoxFuture,
};

use super::TestApp;

/// Takes every message.
#[derive(Default)]
pub struct Mailbox(Mutex<Vec<Mail>>);

impl Mailer for Mailbox {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        self.0.lock().expect("no test panics while it holds this").push(mail.clone());
        Box::pin(async { Ok(()) })
    }
}

impl TestApp {
    /// With a mail server, whose messages [`TestApp::mail`] returns.
    pub async fn with_mail(settings: &[(&str, &str)]) -> Self {
        let mail =
            [("SEKISHO_SMTP_URL", "smtp://127.0.0.1:1025"), ("SEKISHO_MAIL_FROM", "Sekisho <sign-in@example.com>")];
        Self::with(&[&mail, settings].concat()).await
    }

    /// Sends what is due; returns it in the order in which it was written.
    pub async fn mail(&self) -> Vec<Mail> {
        let mailbox = Mailbox::default();
        self.app.core.mails.deliver_due(&mailbox).await.expect("mail is delivered");
        mailbox.0.into_inner().expect("no test panics while it holds this")
    }

    /// The only message that is due, and the token in its link.
    pub async fn mail_token(&self) -> (Mail, String) {
        let mails = self.mail().await;
        let [mail] = mails.as_slice() else { panic!("one message: {mails:?}") };
        (mail.clone(), token_of(mail))
    }
}

/// The token in a message's link.
pub fn token_of(mail: &Mail) -> String {
    match &mail.content {
        MailContent::VerifyEmail { token }
        | MailContent::ResetPassword { token, .. }
        | MailContent::ConfirmEmail { token, .. }
        | MailContent::Notice { token: Some(token), .. } => token.clone(),
        content => panic!("a link with a token: {content:?}"),
    }
}
