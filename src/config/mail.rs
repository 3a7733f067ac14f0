//! `SEKISHO_SMTP_URL` and `SEKISHO_MAIL_FROM`. Refuses to send over a network without TLS.

use std::path::PathBuf;

use lettre::message::{Mailbox, Mailboxes};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use sekisho_core::settings::Url;
use url::Host;

/// What [`MailServer::parse`] takes, for the person who got it wrong.
pub const SERVER_EXPECTED: &str = "smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST:587 or file:FOLDER, with \
     special characters in USER and PASSWORD percent-encoded";
/// What [`parse_sender`] takes.
pub const SENDER_EXPECTED: &str = "one mailbox such as Sekisho <sign-in@example.com>";

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// Where they go.
    pub server: MailServer,
    /// The sender.
    pub from: Mailbox,
    /// Where their links lead.
    pub base_url: Url,
}

/// Where messages go.
#[derive(Clone, Debug)]
pub enum MailServer {
    /// To a mail server.
    Smtp(SmtpServer),
    /// Into a folder, to try things out: none is sent.
    Folder(PathBuf),
}

/// A mail server that takes messages in for delivery (RFC 6409).
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: Host,
    /// Its TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// Credentials, if it asks for any.
    pub login: Option<Login>,
}

/// How the connection is encrypted; never "if the server offers it", which an attacker on the way can remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte on (RFC 8314).
    Tls,
    /// STARTTLS before anything else, or no message (RFC 3207).
    StartTls,
    /// None: to this machine only.
    None,
}

/// Credentials at the mail server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// Their password.
    pub password: SecretString,
}

impl MailServer {
    /// Parses `SEKISHO_SMTP_URL`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("file:") {
            Some(folder) => parse_folder(folder).map(Self::Folder),
            None => SmtpServer::parse(text).map(Self::Smtp),
        }
    }
}

/// The path of a `file:` URL, which may be relative here; one with a host is refused, as a mistyped relative path is.
fn parse_folder(path: &str) -> Option<PathBuf> {
    let path = match path.strip_prefix("//") {
        Some(absolute) => Some(absolute).filter(|path| path.starts_with('/'))?,
        None => path,
    };
    (!path.is_empty()).then(|| path.into())
}

impl SmtpServer {
    fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let host = Host::parse(url.host_str()?).ok()?;
        let (encryption, port) = match url.scheme() {
            "smtps" => (Encryption::Tls, 465),
            "smtp" if is_loopback(&host) => (Encryption::None, 587),
            "smtp" => (Encryption::StartTls, 587),
            _ => return None,
        };
        let decode = |text| percent_decode_str(text).decode_utf8().ok().filter(|text| !text.is_empty());
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                Some(Login { user: decode(user)?.into(), password: decode(password?)?.into_owned().into() })
            }
        };
        let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let port = Some(url.port().unwrap_or(port)).filter(|port| *port != 0)?;
        plain.then_some(Self { host, port, encryption, login })
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// One ASCII address, with or without a name.
pub fn parse_sender(text: &str) -> Option<Mailbox> {
    if text.contains(char::is_control) {
        return None;
    }
    let mailboxes: Vec<_> = text.parse::<Mailboxes>().ok()?.into_iter().collect();
    let [mailbox] = <[Mailbox; 1]>::try_from(mailboxes).ok()?;
    // lettre's parser stops where it does not understand, and forgets the rest.
    let whole = text.trim_end().trim_end_matches('>').ends_with(AsRef::<str>::as_ref(&mailbox.email));
    (whole && AsRef::<str>::as_ref(&mailbox.email).is_ascii()).then_some(mailbox)
}
