//! Messages to a mail server. One connection per message: a pool would hand out a connection that a cancelled attempt
//! left in the middle of a message.

use std::{error::Error as _, time::Duration};

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::{ClientId, Extension},
};
use secrecy::ExposeSecret;
use sekisho_core::{
    mail::{Mail, Mailer, SendError},
    revocation::BoxFuture,
};
use tokio::{net::TcpStream, time::timeout};
use url::Host;

use super::message::MessageRenderer;
use crate::config::mail::{Encryption, SmtpServer};
use unbuffered::Unbuffered;

mod unbuffered;

/// How long each part of an attempt may take; together less than the core waits.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect, encrypt and authenticate.
    pub connect: Duration,
    /// To hand a message over.
    pub send: Duration,
    /// To say goodbye.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), send: seconds(15), quit: seconds(1) }
    }
}

/// Sends messages to a mail server, each over a connection of its own.
pub struct SmtpMailer {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    hello: ClientId,
    renderer: MessageRenderer,
    timeouts: Timeouts,
}

impl SmtpMailer {
    /// # Errors
    /// TLS can't be set up: the system's certificate authorities can't be read.
    pub fn new(server: SmtpServer, renderer: MessageRenderer, timeouts: Timeouts) -> Result<Self, Error> {
        let tls = match server.encryption {
            Encryption::None => None,
            Encryption::Tls | Encryption::StartTls => Some(TlsParameters::new(host_name(&server.host))?),
        };
        let hello = match Host::parse(&renderer.host()) {
            Ok(Host::Ipv4(address)) => ClientId::Ipv4(address),
            Ok(Host::Ipv6(address)) => ClientId::Ipv6(address),
            _ => ClientId::Domain(renderer.host()),
        };
        Ok(Self { server, tls, hello, renderer, timeouts })
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), SendError> {
        let message = self.renderer.render(mail)?;
        // Whatever goes wrong before a message is on its way is the deployment's fault, not the message's: a wrong
        // password (535), an unknown certificate, a server that takes nothing in (554).
        let mut connection = match timeout(self.timeouts.connect, self.connect()).await {
            Ok(connected) => connected?,
            Err(_) => return Err(SendError::Temporary("the mail server can't be reached in time".into())),
        };
        let ascii = message.envelope().to().iter().all(|address| AsRef::<str>::as_ref(address).is_ascii());
        let sent = if ascii || connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            match timeout(self.timeouts.send, connection.send(message.envelope(), &message.formatted())).await {
                Ok(sent) => sent.map_err(|error| refused(&error)),
                Err(_) => return Err(SendError::Temporary("the mail server took too long".into())),
            }
        } else {
            Err(SendError::Permanent("the mail server takes ASCII addresses only: no SMTPUTF8 (RFC 6531)".into()))
        };
        // It has the message, or has refused it: what it says to this changes nothing.
        if !connection.has_broken() {
            let _ = timeout(self.timeouts.quit, connection.quit()).await;
        }
        sent.map(drop)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let failed = |error: Error| SendError::Temporary(describe(&error));
        let SmtpServer { host, port, encryption, login } = &self.server;
        let address = (host_name(host), *port);
        let mut connection = match (encryption, self.tls.clone()) {
            (Encryption::StartTls, Some(tls)) => {
                let unreachable = |error| SendError::Temporary(format!("the mail server can't be reached: {error}"));
                let stream = Unbuffered(TcpStream::connect(address).await.map_err(unreachable)?);
                let plain = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
                let mut connection = plain.map_err(failed)?;
                connection.starttls(tls, &self.hello).await.map_err(failed)?;
                connection
            }
            (_, implicit) => {
                let timeout = Some(self.timeouts.connect);
                let connected = AsyncSmtpConnection::connect_tokio1(address, timeout, &self.hello, implicit, None);
                connected.await.map_err(failed)?
            }
        };
        if let Some(login) = login {
            let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(failed)?;
        }
        Ok(connection)
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.deliver(mail))
    }
}

/// As the resolver and a certificate have it: an IPv6 address without brackets.
fn host_name(host: &Host) -> String {
    match host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

fn refused(error: &Error) -> SendError {
    // Authentication is missing or failed (RFC 4954, section 6): the deployment's fault, also when it shows this late.
    let authentication = error.status().is_some_and(|code| ["530", "534", "535", "538"].contains(&&*code.to_string()));
    match error.is_permanent() && !authentication {
        true => SendError::Permanent(describe(error)),
        false => SendError::Temporary(describe(error)),
    }
}

/// For the log and `sekisho mail status`: of what the server said, nothing but its codes, as servers repeat addresses.
fn describe(error: &Error) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match error.status() {
        Some(code) => match enhanced_code(&cause) {
            Some(enhanced) => format!("the mail server answered {code} {enhanced}"),
            None => format!("the mail server answered {code}"),
        },
        None if error.is_response() => "the mail server closed the connection, or speaks no SMTP".into(),
        None if error.is_client() => format!("the mail server does not fit: {cause}"),
        None => format!("the mail server can't be reached: {cause}"),
    }
}

/// The enhanced status code (RFC 3463) that a reply begins with: `5.1.1`.
fn enhanced_code(reply: &str) -> Option<&str> {
    let code = reply.split_whitespace().next()?;
    let parts: Vec<_> = code.split('.').collect();
    let number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(number)).then_some(code)
}
