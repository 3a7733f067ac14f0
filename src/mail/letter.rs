//! What messages say, by kind, in the recipient's language. Of what a stranger chose, only what can't pass for a link of
//! ours gets in: addresses, names and devices come from forms and headers.

use sekisho_core::{
    UnixMillis,
    mail::{Mail, MailContent, Origin},
    settings::Url,
};
use sekisho_model::{EventKind, MailKind};
use time::{OffsetDateTime, macros::format_description};

use crate::locale::Lang;

const MINUTE: UnixMillis = 60_000;
const HOUR: UnixMillis = 60 * MINUTE;
const DAY: UnixMillis = 24 * HOUR;

/// A message before it is text or HTML.
pub struct Letter {
    pub lang: Lang,
    /// The subject, and the heading.
    pub subject: String,
    pub text: String,
    /// Labels and values.
    pub details: Vec<(String, String)>,
    /// What leads to the button.
    pub lead: Option<String>,
    pub button: Option<Button>,
    pub notes: Vec<Note>,
    /// Who sends it.
    pub footer: String,
}

/// The one thing to do.
pub struct Button {
    pub label: String,
    pub url: String,
    /// What stands above the URL as text, for those who can't click it.
    pub hint: String,
}

/// What is good to know.
pub struct Note {
    pub text: String,
    pub url: Option<String>,
}

/// `None`: a request that was not resolved yet.
pub fn write(mail: &Mail, base_url: &Url) -> Option<Letter> {
    let lang = mail.locale.as_deref().and_then(Lang::from_code).unwrap_or(Lang::En);
    let writer = Writer { lang, base_url, link_lifetime: mail.content.link_lifetime() };
    let account = (lang.t("message-account"), mail.to.clone());
    Some(match &mail.content {
        MailContent::RecoveryRequest { .. } => return None,
        MailContent::VerifyEmail { token } => {
            let kind = MailKind::VerifyEmail;
            Letter { details: vec![account], ..writer.action(kind, writer.link("/verify-email", token)) }
        }
        MailContent::AccountExists { by } => {
            let letter = writer.action(MailKind::AccountExists, base_url.join("/login"));
            let forgot = Note { text: lang.t("message-forgot"), url: Some(base_url.join("/forgot-password")) };
            let notes = [forgot].into_iter().chain(letter.notes).collect();
            Letter { details: writer.details(account, by), notes, ..letter }
        }
        MailContent::ResetPassword { token, by } => {
            let letter = writer.action(MailKind::ResetPassword, writer.link("/reset-password", token));
            Letter { details: writer.details(account, by), ..letter }
        }
        MailContent::ConfirmEmail { token, old_email } => {
            let new_email = (lang.t("message-new-email"), mail.to.clone());
            // Whoever asks for the change chose the old address too: it is left out where it could pass for a link.
            let (local, domain) = old_email.rsplit_once('@').unwrap_or_default();
            let harmless = is_harmless(local) && !old_email.contains('/') && !domain.is_empty();
            let old_email = harmless.then(|| (account.0, old_email.clone()));
            let details = old_email.into_iter().chain([new_email]).collect();
            Letter { details, ..writer.action(MailKind::ConfirmEmail, writer.link("/confirm-email", token)) }
        }
        MailContent::Notice { event, by, new_email, token } => {
            let mut letter = writer.notice(*event, by, account, token.as_deref());
            if let Some(new_email) = new_email {
                letter.details.insert(1, (lang.t("message-new-email"), new_email.clone()));
            }
            letter
        }
    })
}

struct Writer<'a> {
    lang: Lang,
    base_url: &'a Url,
    /// Of the token in the link, in milliseconds.
    link_lifetime: Option<UnixMillis>,
}

impl Writer<'_> {
    /// A message that asks its recipient for something, which they can leave.
    fn action(&self, kind: MailKind, url: String) -> Letter {
        let lang = self.lang;
        let ignore = Note { text: lang.t(&format!("message-{kind}-ignore")), url: None };
        Letter {
            lang,
            subject: lang.t(&format!("message-{kind}-subject")),
            text: lang.t(&format!("message-{kind}-text")),
            details: Vec::new(),
            lead: None,
            button: Some(self.button(lang.t(&format!("message-{kind}-button")), url)),
            notes: self.expiry().into_iter().chain([ignore]).collect(),
            footer: self.footer(),
        }
    }

    /// A message about what happened.
    fn notice(&self, event: EventKind, by: &Origin, account: (String, String), token: Option<&str>) -> Letter {
        let lang = self.lang;
        let (details, lead, button, mut notes) = match token {
            Some(token) => {
                let button = self.button(lang.t("message-not-me-button"), self.link("/not-me", token));
                let effect = Note { text: lang.t("message-not-me-effect"), url: None };
                let notes = [effect].into_iter().chain(self.expiry()).collect();
                (self.details(account, by), Some(lang.t("message-not-me")), Some(button), notes)
            }
            // The device and the address are the administrator's: not for the account's owner.
            None => {
                let administrator = (event != EventKind::NotMe).then(|| lang.t("message-administrator"));
                (vec![account, self.time(by)], administrator, None, Vec::new())
            }
        };
        if event == EventKind::NewDevice {
            notes.push(Note { text: lang.t("message-turn-off"), url: Some(self.base_url.join("/account")) });
        }
        Letter {
            lang,
            subject: lang.t(&format!("message-notice-{event}-subject")),
            text: lang.t(&format!("message-notice-{event}-text")),
            details,
            lead,
            button,
            notes,
            footer: self.footer(),
        }
    }

    /// The base URL, a page, and a token, which is base64url and needs no encoding.
    fn link(&self, path: &str, token: &str) -> String {
        self.base_url.join(&format!("{path}?token={token}"))
    }

    fn button(&self, label: String, url: String) -> Button {
        Button { label, url, hint: self.lang.t("message-link") }
    }

    fn details(&self, account: (String, String), by: &Origin) -> Vec<(String, String)> {
        let known = is_harmless(&by.device) && by.device.chars().all(|c| c == '·' || c == ' ' || c.is_ascii_graphic());
        let device = match by.device.trim() {
            device if known && !device.is_empty() => device.to_owned(),
            _ => self.lang.t("message-unknown-device"),
        };
        let device = (self.lang.t("message-device"), device);
        vec![account, self.time(by), device, (self.lang.t("message-ip"), by.ip.clone())]
    }

    /// In UTC: where the recipient is, nobody knows.
    fn time(&self, by: &Origin) -> (String, String) {
        let nanos = i128::from(by.at) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let written = match self.lang {
            Lang::En => {
                at.format(format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"))
            }
            Lang::Ja => at.format(format_description!(
                "[year]年[month padding:none]月[day padding:none]日 [hour]:[minute]（UTC）"
            )),
        };
        (self.lang.t("message-time"), written.unwrap_or_default())
    }

    fn expiry(&self) -> Option<Note> {
        let text = |lifetime| self.lang.t1("message-expires", "time", self.duration(lifetime));
        self.link_lifetime.map(|lifetime| Note { text: text(lifetime), url: None })
    }

    fn duration(&self, duration: UnixMillis) -> String {
        let lang = self.lang;
        match duration {
            _ if duration % DAY == 0 && duration > DAY => lang.t1("message-days", "count", duration / DAY),
            _ if duration % HOUR == 0 => lang.t1("message-hours", "count", duration / HOUR),
            _ => lang.t1("message-minutes", "count", duration / MINUTE),
        }
    }

    fn footer(&self) -> String {
        self.lang.t1("message-footer", "site", self.base_url.to_string())
    }
}

/// Whether no mail program makes a link of it, and it shows as it is written.
pub fn is_harmless(text: &str) -> bool {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let dot = |c: char| matches!(c, '.' | '。' | '．' | '｡');
    let mut pairs = text.chars().zip(text.chars().skip(1));
    let domain = pairs.any(|(first, second)| dot(first) && second.is_alphabetic());
    !domain && !text.contains('@') && !text.contains("://") && !text.contains(invisible)
}

impl Letter {
    /// As plain text.
    pub fn to_text(&self) -> String {
        let mut parts = vec![self.subject.clone(), self.text.clone()];
        let details: Vec<_> = self.details.iter().map(|(label, value)| format!("{label}: {value}")).collect();
        parts.push(details.join("\n"));
        parts.extend(self.lead.clone());
        parts.extend(self.button.as_ref().map(|button| format!("{}:\n{}", button.label, button.url)));
        parts.extend(self.notes.iter().map(|note| match &note.url {
            Some(url) => format!("{}\n{url}", note.text),
            None => note.text.clone(),
        }));
        parts.push(format!("-- \n{}", self.footer)); // RFC 3676, section 4.3
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n") + "\n"
    }
}
