//! What messages say, in which headers, and that nothing in them is more than text.

use std::collections::BTreeSet;

use lettre::Message;
use sekisho_core::{
    mail::{Mail, MailContent, Origin, SendError},
    settings::Url,
};
use sekisho_model::EventKind;
use serde_json::json;

use super::{letter::is_harmless, message::MessageRenderer};
use crate::config::mail::parse_sender;

const BASE: &str = "https://sign-in.example.com";
const TOKEN: &str = "sk_et_0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE";
/// 2026-11-21T23:11:42Z
const AT: i64 = 1_795_302_702_000;

fn renderer() -> MessageRenderer {
    let from = parse_sender("Sekisho <sign-in@example.com>").expect("a sender");
    MessageRenderer::new(from, Url::parse(BASE).expect("a URL"))
}

fn origin(device: &str) -> Origin {
    let origin = json!({ "at": AT, "ip": "203.0.113.9", "device": device, "user_agent": "", "request_id": null });
    serde_json::from_value(origin).expect("an origin")
}

fn mail(to: &str, locale: &str, content: MailContent) -> Mail {
    Mail {
        id: "0199c0de-0000-7000-8000-000000000001".into(),
        to: to.into(),
        name: Some("Ada Lovelace".into()),
        locale: Some(locale.into()),
        created_at: AT,
        content,
    }
}

fn notice(event: EventKind, token: Option<&str>) -> MailContent {
    let new_email = (event == EventKind::EmailChanged).then(|| "new@example.com".into());
    MailContent::Notice { event, by: origin("Firefox · Linux"), new_email, token: token.map(Into::into) }
}

/// All kinds, each with the page that its button opens.
fn all() -> Vec<(MailContent, Option<String>)> {
    let (token, by) = (TOKEN.to_owned(), origin("Firefox · Linux"));
    let with_token = |path: &str| Some(format!("{BASE}{path}?token={TOKEN}"));
    let asked = [
        (MailContent::VerifyEmail { token: token.clone() }, with_token("/verify-email")),
        (MailContent::AccountExists { by: by.clone() }, Some(format!("{BASE}/login"))),
        (MailContent::ResetPassword { token: token.clone(), by }, with_token("/reset-password")),
        (MailContent::ConfirmEmail { token, old_email: "old@example.com".into() }, with_token("/confirm-email")),
    ];
    let notices = EventKind::NOTICES
        .into_iter()
        .flat_map(|event| [(notice(event, Some(TOKEN)), with_token("/not-me")), (notice(event, None), None)]);
    asked.into_iter().chain(notices).collect()
}

/// A rendered message: its headers, and its text and HTML decoded.
struct Rendered {
    headers: Vec<(String, String)>,
    text: String,
    html: String,
}

impl Rendered {
    fn of(mail: &Mail) -> Self {
        Self::read(&renderer().render(mail).expect("it can be rendered"))
    }

    fn read(message: &Message) -> Self {
        let raw = String::from_utf8(message.formatted()).expect("UTF-8");
        assert_eq!(raw.matches('\n').count(), raw.matches("\r\n").count(), "each line ends in CRLF (RFC 5321, 2.3.8)");
        assert_eq!(raw.matches('\r').count(), raw.matches("\r\n").count());
        let (head, body) = raw.split_once("\r\n\r\n").expect("a body");
        let boundary = head.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a boundary").0;
        let parts: Vec<_> = body.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4, "two parts");
        let [text, html] = [parts[1], parts[2]].map(|part| part.split_once("\r\n\r\n").expect("a part"));
        assert!(text.0.contains("Content-Type: text/plain; charset=utf-8"), "{}", text.0);
        assert!(html.0.contains("Content-Type: text/html; charset=utf-8"), "{}", html.0);
        Self { headers: unfold(head), text: decode(text), html: decode(html) }
    }

    fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(n, _)| n == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }
}

fn unfold(head: &str) -> Vec<(String, String)> {
    let head = head.replace("\r\n ", " ");
    head.split("\r\n")
        .map(|line| line.split_once(": ").map(|(name, value)| (name.into(), value.into())).expect(line))
        .collect()
}

/// Quoted-printable or base64 (RFC 2045, section 6), as far as is needed here.
fn decode((head, body): (&str, &str)) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = if head.contains("base64") {
        STANDARD.decode(body.replace("\r\n", "")).expect("base64")
    } else if head.contains("quoted-printable") {
        let body = body.replace("=\r\n", "");
        let (mut bytes, mut rest) = (Vec::new(), body.as_bytes());
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (first, tail) {
                (b'=', [a, b, tail @ ..]) => {
                    let hex = [*a, *b].map(char::from).iter().collect::<String>();
                    bytes.push(u8::from_str_radix(&hex, 16).expect("hexadecimal digits"));
                    rest = tail;
                }
                (byte, _) => bytes.push(*byte),
            }
        }
        bytes
    } else {
        assert!(head.contains("7bit"), "{head}");
        body.as_bytes().to_vec()
    };
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

/// The URLs that the HTML links to.
fn links(html: &str) -> Vec<&str> {
    html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn each_kind_has_its_headers_and_the_same_links_as_text_and_as_html() {
    let mut subjects = BTreeSet::new();
    let kinds = all().into_iter().map(|(content, _)| match content {
        MailContent::Notice { event, .. } => event.to_string(),
        content => content.kind().to_string(),
    });
    let kinds = kinds.collect::<BTreeSet<_>>().len();
    for locale in ["en", "ja"] {
        for (content, button) in all() {
            let message = Rendered::of(&mail("ada@example.com", locale, content.clone()));
            assert_eq!(
                message.names(),
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "Message-ID",
                    "Auto-Submitted",
                    "Content-Language",
                    "MIME-Version",
                    "Content-Type"
                ]
            );
            assert_eq!(message.header("From"), "Sekisho <sign-in@example.com>");
            assert_eq!(message.header("Message-ID"), "<0199c0de-0000-7000-8000-000000000001@sign-in.example.com>");
            assert_eq!(message.header("Date"), "Sat, 21 Nov 2026 23:11:42 +0000");
            assert_eq!(message.header("Auto-Submitted"), "auto-generated");
            assert_eq!(message.header("Content-Language"), locale);
            assert!(message.header("Content-Type").starts_with("multipart/alternative; "));
            assert!(message.html.contains(&format!("<html lang=\"{locale}\"")), "{}", message.html);
            assert!(!message.text.contains("message-") && !message.html.contains("message-"), "{}", message.text);
            subjects.insert(message.header("Subject").to_owned());

            let links = links(&message.html);
            for url in &links {
                assert!(url.starts_with(&format!("{BASE}/")), "{url}");
                assert!(message.text.lines().any(|line| line == *url), "{url} is a line of its own in the text");
            }
            match &button {
                Some(url) => {
                    assert_eq!(links.iter().filter(|link| *link == url).count(), 2, "a button, and the URL as text");
                }
                None => assert!(links.iter().all(|link| *link == format!("{BASE}/account")), "{links:?}"),
            }
            // No token but the button's.
            let tokens = message.text.matches("sk_et_").count();
            assert_eq!(tokens, usize::from(button.is_some_and(|url| url.contains("token="))));
        }
    }
    assert_eq!(subjects.len(), 2 * kinds, "each kind in each language has its own subject");
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    for (content, _) in all() {
        let html = Rendered::of(&mail("ada@example.com", "en", content)).html.to_lowercase();
        for remote in
            ["<img", "<link", "<script", "<iframe", "<style", "src=", "url(", "@import", "background=", "<form"]
        {
            assert!(!html.contains(remote), "{remote} in {html}");
        }
        let body = html.replace("href=\"https://", "").replace("https://sign-in.example.com", "");
        assert!(!body.contains("http"), "{body}");
    }
}

#[test]
fn a_notice_says_when_where_and_what_to_do() {
    let content = notice(EventKind::EmailChanged, Some(TOKEN));
    let english = Rendered::of(&mail("ada@example.com", "en", content.clone()));
    for said in [
        "Account: ada@example.com",
        "New address: new@example.com",
        "Time: 21 November 2026, 23:11 UTC",
        "Device: Firefox · Linux",
        "IP address: 203.0.113.9",
        "The link works once and expires in 7 days.",
    ] {
        assert!(english.text.lines().any(|line| line == said), "{said} in {}", english.text);
    }
    assert!(english.html.contains(">This wasn’t me</a>"), "{}", english.html);
    let japanese = Rendered::of(&mail("ada@example.com", "ja", content));
    assert!(japanese.text.contains("日時: 2026年11月21日 23:11（UTC）"), "{}", japanese.text);
    assert!(japanese.text.contains("有効期間は7日間です"), "{}", japanese.text);
}

#[test]
fn what_an_administrator_did_shows_neither_their_device_nor_a_link() {
    let message = Rendered::of(&mail("ada@example.com", "en", notice(EventKind::PasswordChanged, None)));
    assert!(message.text.contains("An administrator did this."));
    for hidden in ["203.0.113.9", "Firefox", "token", "not-me"] {
        assert!(!message.text.contains(hidden) && !message.html.contains(hidden), "{hidden}");
    }
}

#[test]
fn a_link_says_how_long_it_works() {
    let said = |content| Rendered::of(&mail("ada@example.com", "en", content)).text;
    let (token, by) = (TOKEN.to_owned(), origin("curl/8.5"));
    assert!(said(MailContent::VerifyEmail { token: token.clone() }).contains("in 24 hours"));
    assert!(said(MailContent::ResetPassword { token: token.clone(), by }).contains("in 30 minutes"));
    let confirm = said(MailContent::ConfirmEmail { token, old_email: "old@example.com".into() });
    assert!(confirm.contains("in 30 minutes") && confirm.contains("Account: old@example.com"), "{confirm}");
}

#[test]
fn an_unknown_language_is_english() {
    for locale in [None, Some("de"), Some("")] {
        let english = mail("ada@example.com", "en", MailContent::VerifyEmail { token: TOKEN.into() });
        let message = Rendered::of(&Mail { locale: locale.map(Into::into), ..english });
        assert_eq!(message.header("Subject"), "Confirm your email address");
    }
}

#[test]
fn markup_is_text() {
    let new_email = Some("<img/src=x>&\"@example.com".to_owned());
    let by = origin("<b>\"x\"&amp;</b>");
    let content = MailContent::Notice { event: EventKind::EmailChanged, by, new_email, token: Some(TOKEN.into()) };
    let message = Rendered::of(&mail("ada@example.com", "en", content));
    assert!(message.text.contains("Device: <b>\"x\"&amp;</b>"), "{}", message.text);
    assert!(message.html.contains("&lt;b&gt;") && message.html.contains("&amp;amp;"), "{}", message.html);
    assert!(!message.html.contains("<b>") && !message.html.contains("<img"), "{}", message.html);
}

#[test]
fn what_strangers_choose_becomes_no_link() {
    for text in ["Ada", "Ada Lovelace", "Dr. Ada", "A.1", "関所", "curl/8.5", "Firefox · Linux", "<b>"] {
        assert!(is_harmless(text), "{text}");
    }
    for text in [
        "https://evil.example",
        "evil.example",
        "Prize at www.evil.example/x",
        "evil。example",
        "ada@evil.example",
        "x://y",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\nb",
        "a\u{0}",
    ] {
        assert!(!is_harmless(text), "{text:?}");
    }
    // A device is a request's User-Agent header.
    let by = origin("https://evil.example/claim");
    let content = MailContent::ResetPassword { token: TOKEN.into(), by };
    let message = Rendered::of(&mail("ada@example.com", "en", content));
    assert!(message.text.contains("Device: Unknown device") && !message.html.contains("evil"), "{}", message.text);
}

#[test]
fn the_name_goes_to_its_owner_only() {
    let named = |name: &str, content| {
        let message = mail("ada@example.com", "en", content);
        Rendered::of(&Mail { name: Some(name.into()), ..message }).header("To").to_owned()
    };
    let changed = || notice(EventKind::PasswordChanged, Some(TOKEN));
    assert_eq!(named("Ada", changed()), "Ada <ada@example.com>");
    assert_eq!(named("Lovelace, Ada", changed()), "=?utf-8?b?TG92ZWxhY2UsIEFkYQ==?= <ada@example.com>");
    assert_eq!(named("\" <evil@x.y>, \"", changed()), "ada@example.com");
    assert_eq!(named("You won: evil.example", changed()), "ada@example.com");
    assert_eq!(named("あだ", changed()), "=?utf-8?b?44GC44Gg?= <ada@example.com>");
    assert_eq!(named("Ada", MailContent::VerifyEmail { token: TOKEN.into() }), "ada@example.com");
}

#[test]
fn a_name_adds_no_header() {
    let expected = Rendered::of(&mail("ada@example.com", "en", notice(EventKind::NewDevice, Some(TOKEN))));
    for injected in [
        "Ada\r\nBcc: eve@example.com",
        "Ada\nBcc: eve@example.com",
        "Ada\rBcc: eve@example.com",
        "Ada\r\n\r\n<h1>",
        "Ada\u{0}",
        "Ada\u{85}Bcc: x",
        "Ada\u{2028}Bcc: x",
        "\"",
        "\\",
        "\\\"",
        "<",
        ">, eve",
        "=?utf-8?q?=0D=0ABcc:?=",
        "関所\r\nBcc: x",
        &"a".repeat(64),
        &"関".repeat(64),
        &"a ".repeat(500),
    ] {
        let message = mail("ada@example.com", "en", notice(EventKind::NewDevice, Some(TOKEN)));
        let message = renderer().render(&Mail { name: Some(injected.into()), ..message }).expect("rendered");
        assert_eq!(message.envelope().to().len(), 1, "{injected:?}");
        assert_eq!(message.envelope().to()[0].to_string(), "ada@example.com");
        let rendered = Rendered::read(&message);
        assert_eq!(rendered.names(), expected.names(), "{injected:?}");
        assert!(rendered.header("To").ends_with("ada@example.com>") || rendered.header("To") == "ada@example.com");
    }
}

#[test]
fn an_address_that_needs_quotes_or_ends_a_line_gets_no_message() {
    for address in [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@example.com\r\nRCPT TO:<eve@example.com>",
        "ada@example.com\nBcc: eve@example.com",
        "\"ada\r\nRCPT TO:<eve@example.com>\"@example.com",
        "\"a b\"@example.com",
        "ada@example.com>",
        "ada@example.com> SIZE=1",
        "<ada@example.com>",
        "ada@example.com,eve@example.com",
        "ada@example.com eve@example.com",
        "ada@[127.0.0.1]",
        "ada@１２７.0.0.1",
        "ada\u{0}@example.com",
        "ada@exa\u{85}mple.com",
        "ada@exa\u{2028}mple.com",
        "ada\\@example.com",
        "ada@exam%0d%0aple.com",
        "ada@%65xample.com",
        "ada@exa_mple.com",
        "ada@exam\u{ff05}41ple.com",
    ] {
        let refused = renderer().render(&mail(address, "en", MailContent::VerifyEmail { token: TOKEN.into() }));
        let Err(SendError::Permanent(error)) = refused else { panic!("{address:?} was taken") };
        assert!(!error.contains("ada"), "{error}");
    }
}

#[test]
fn an_international_domain_is_sent_in_ascii_and_a_local_part_as_it_is() {
    let sent = |address: &str| {
        let message = renderer().render(&mail(address, "en", MailContent::VerifyEmail { token: TOKEN.into() }));
        message.expect("rendered").envelope().to()[0].to_string()
    };
    assert_eq!(sent("ada@例え.jp"), "ada@xn--r8jz45g.jp");
    assert_eq!(sent("あだ@example.jp"), "あだ@example.jp");
}

#[test]
fn a_message_is_the_same_at_each_attempt_but_for_its_boundary() {
    let mail = mail("ada@example.com", "en", notice(EventKind::NewDevice, Some(TOKEN)));
    let [first, second] = [(); 2].map(|()| Rendered::of(&mail));
    for name in first.names().into_iter().filter(|name| *name != "Content-Type") {
        assert_eq!(first.header(name), second.header(name));
    }
    assert_eq!((first.text, first.html), (second.text, second.html));
}
