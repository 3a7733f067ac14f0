//! Messages as they go out (RFC 5322, RFC 2045): headers, and text beside HTML. The same message has the same Date and
//! Message-ID at each attempt, so that a second copy is recognised as one.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use sekisho_core::{
    mail::{Mail, MailContent, SendError},
    settings::Url,
};

use super::{
    html,
    letter::{self, is_harmless},
};

/// Renders messages, with links to the configured base URL: nothing of a request decides where a link leads
/// (GHSA-3529-5m8x-rpv3).
pub struct MessageRenderer {
    from: Mailbox,
    base_url: Url,
}

impl MessageRenderer {
    /// A renderer for messages from `from` with links to `base_url`.
    pub fn new(from: Mailbox, base_url: Url) -> Self {
        Self { from, base_url }
    }

    /// The host of the base URL: `sign-in.example.com`, `127.0.0.1` or `[::1]`.
    pub fn host(&self) -> String {
        let url = url::Url::parse(&self.base_url.to_string()).ok();
        url.and_then(|url| url.host_str().map(Into::into)).unwrap_or_default()
    }

    /// # Errors
    /// [`SendError::Permanent`]: the message can't be written.
    pub fn render(&self, mail: &Mail) -> Result<Message, SendError> {
        let failed = || SendError::Permanent("the message can't be written".into());
        let address = parse_address(&mail.to)
            .ok_or_else(|| SendError::Permanent("the recipient's address can't be written into a message".into()))?;
        let letter = letter::write(mail, &self.base_url).ok_or_else(failed)?;
        let date = UNIX_EPOCH + Duration::from_millis(mail.created_at.max(0).unsigned_abs());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(display_name(mail), address))
            .subject(&letter.subject)
            .date(date)
            .message_id(Some(format!("<{}@{}>", mail.id, self.host())))
            .raw_header(header("Auto-Submitted", "auto-generated")) // no automatic answers (RFC 3834, section 5)
            .raw_header(header("Content-Language", letter.lang.code())) // RFC 3282
            .multipart(MultiPart::alternative_plain_html(letter.to_text(), html::render(&letter)))
            .map_err(|_| failed())
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The recipient's name. Without one where the address may be a stranger's: whoever has an account chooses its name and
/// could send them any text in it.
fn display_name(mail: &Mail) -> Option<String> {
    let name = match mail.content {
        MailContent::VerifyEmail { .. } | MailContent::ConfirmEmail { .. } => None,
        _ => mail.name.as_deref().map(str::trim),
    }?;
    (!name.is_empty() && name.chars().count() <= 64 && is_harmless(name)).then(|| name.to_owned())
}

/// An address as SMTP takes it, with an ASCII domain. Refuses what needs quotes, and anything that could end a command or
/// a header (CVE-2026-30227), though no such address is ever stored.
fn parse_address(text: &str) -> Option<Address> {
    let special = |c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c);
    let (user, domain) = text.rsplit_once('@').filter(|_| !text.contains(special))?;
    let url::Host::Domain(ascii) = url::Host::parse(domain).ok()? else { return None };
    // Unchanged but for IDNA: a URL's host may have percent-encoded bytes, a domain has letters, digits and hyphens.
    let plain = !domain.contains('%') && ascii.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    plain.then(|| Address::new(user, ascii).ok()).flatten()
}
