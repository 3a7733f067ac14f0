//! Negotiation, and that the messages, their variables and the keys in the sources agree.

mod catalog;
mod sources;

use std::collections::BTreeSet;

use sekisho_model::{EndReason, EventKind, MailKind};

use self::{catalog::Catalog, sources::Source};
use super::*;
use crate::islands::KeeperMessages;

/// The keys that the code puts together at run time; `*` stands for what is filled in.
/// [`composed_keys`] and, for the codes of errors and fields, the tests below say with what.
const COMPOSED: [&str; 13] = [
    "error-*",
    "field-*",
    "event-*",
    "reason-*",
    "end-reason-*",
    "home-*-title",
    "home-*-text",
    "message-*-subject",
    "message-*-text",
    "message-*-button",
    "message-*-ignore",
    "message-notice-*-subject",
    "message-notice-*-text",
];

/// What nothing but a key begins with, so that a key in a table or an argument is known for one.
const KEY_FAMILIES: [&str; 14] = [
    "account-",
    "admin-",
    "devices-",
    "end-reason-",
    "error-",
    "event-",
    "field-",
    "home-",
    "message-",
    "nav-",
    "reason-",
    "register-",
    "security-",
    "step-up-",
];

#[test]
fn the_language_with_the_highest_quality_value_is_chosen() {
    for (accept, lang) in [
        ("ja-JP,ja;q=0.9,en;q=0.8", Lang::Ja),
        ("fr, ja;q=0.3, en;q=0.7", Lang::En),
        ("en;q=0.3 , ja ; q=0.7", Lang::Ja),
        ("ja;q=0.5,en;q=0.5", Lang::Ja),
        ("en;q=0.5,ja;q=0.5", Lang::En),
        ("ja;q=0, en;q=0.1", Lang::En),
        ("en;q=0,ja;q=0.001", Lang::Ja),
    ] {
        assert_eq!(Lang::negotiate(accept), lang, "{accept}");
    }
}

#[test]
fn regions_scripts_and_extensions_of_a_language_get_that_language() {
    for accept in ["ja", "JA", "ja-JP", "ja-jp", "ja-Hira-JP", "ja-Latn", "ja-JP-u-ca-japanese", "ja-x-kansai"] {
        assert_eq!(Lang::negotiate(accept), Lang::Ja, "{accept}");
    }
    for accept in ["en", "en-GB,ja;q=0.9", "en-Latn-US,ja;q=0.9", "en-JP, ja;q=0.5"] {
        assert_eq!(Lang::negotiate(accept), Lang::En, "{accept}");
    }
}

#[test]
fn english_is_the_language_where_none_fits() {
    for accept in ["", "*", "de", "de-DE,fr;q=0.5,*;q=0.1", "jav", "zh-Hant-JP", "ja;q=0"] {
        assert_eq!(Lang::negotiate(accept), Lang::En, "{accept}");
    }
}

#[test]
fn a_malformed_header_is_no_error_and_its_good_parts_count() {
    for accept in [";;q=,x", ",", "-", "--,-ja", "ja;q=x", "ja;q=NaN", "ja;q=-1", "日本語", "\u{0}\u{7f}", "q=1", "j a"]
    {
        assert_eq!(Lang::negotiate(accept), Lang::En, "{accept}");
    }
    assert_eq!(Lang::negotiate("en;q=no, 日本語, ,ja;q=0.1"), Lang::Ja);
    assert_eq!(Lang::negotiate(&format!("{}ja", "x-y;q=0.9,".repeat(1_000))), Lang::Ja);
    assert_eq!(Lang::negotiate(&"a-".repeat(10_000)), Lang::En);
}

#[test]
fn every_language_defines_the_same_messages_in_the_same_order() {
    let [first, others @ ..] = Lang::ALL.map(Catalog::read);
    for other in others {
        assert_eq!(first.keys, other.keys);
    }
}

#[test]
fn a_message_takes_the_same_variables_in_every_language() {
    let [first, others @ ..] = Lang::ALL.map(Catalog::read);
    for other in others {
        for key in &first.keys {
            assert_eq!(first.variables(key), other.variables(key), "{key}");
        }
    }
}

#[test]
fn every_key_in_the_sources_has_a_message_and_is_given_its_variables() {
    let catalog = Catalog::read(Lang::En);
    for source in sources::web() {
        for lookup in source.lookups() {
            for key in lookup.keys {
                if key.contains('{') {
                    assert!(COMPOSED.contains(&pattern(&key).as_str()), "{}: {key} is not in COMPOSED", source.path);
                } else {
                    assert!(catalog.has(&key), "{}: there is no message {key}", source.path);
                    assert_eq!(catalog.variables(&key), lookup.variables, "{}: {key}", source.path);
                }
            }
        }
        let of_families = source.literals().into_iter().filter(|literal| is_of_family(literal));
        for key in of_families.chain(source.label_attributes()) {
            assert!(catalog.has(&key), "{}: there is no message {key}", source.path);
        }
    }
}

#[test]
fn every_event_reason_error_and_field_code_has_a_message() {
    let catalog = Catalog::read(Lang::En);
    let codes = error_keys().into_iter().chain(field_keys());
    for key in composed_keys().into_iter().chain(codes) {
        assert!(catalog.has(&key), "there is no message {key}");
        assert!(catalog.variables(&key).is_empty(), "{key} is given no variables");
    }
}

#[test]
fn no_message_is_unused() {
    let catalog = Catalog::read(Lang::En);
    let in_web: BTreeSet<String> = sources::web().iter().flat_map(Source::literals).collect();
    let in_core: BTreeSet<String> = sources::crates().iter().flat_map(Source::literals).collect();
    let composed = composed_keys();
    let is_used = |key: &str| {
        // Some codes pass through a function before they reach an error, so any literal of that text will do.
        let code = key.strip_prefix("field-").or_else(|| key.strip_prefix("error-"));
        in_web.contains(key)
            || composed.contains(key)
            || catalog.is_referenced(key)
            || code.is_some_and(|code| in_core.contains(code) || in_web.contains(code))
    };
    let unused: Vec<_> = catalog.keys.iter().filter(|key| !is_used(key)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// The keys made of a closed set of names.
fn composed_keys() -> BTreeSet<String> {
    let events = EventKind::ALL.iter().map(|kind| format!("event-{}", kind.as_str()));
    let reasons = EndReason::ALL.iter().flat_map(|reason| [format!("reason-{reason}"), format!("end-reason-{reason}")]);
    let home = ["sessions", "tokens", "truth"];
    let home = home.iter().flat_map(|name| [format!("home-{name}-title"), format!("home-{name}-text")]);
    let islands = KeeperMessages::KEYS.iter().map(|key| key.replace('_', "-"));
    let kinds = [MailKind::VerifyEmail, MailKind::AccountExists, MailKind::ResetPassword, MailKind::ConfirmEmail];
    let parts = ["subject", "text", "button", "ignore"];
    let messages = kinds.iter().flat_map(|kind| parts.map(|part| format!("message-{kind}-{part}")));
    let notices = EventKind::NOTICES.iter().chain(&[EventKind::NotMe]);
    let notices = notices.flat_map(|event| ["subject", "text"].map(|part| format!("message-notice-{event}-{part}")));
    events.chain(reasons).chain(home).chain(islands).chain(messages).chain(notices).collect()
}

/// Those of `Error::code`, and of what GitHub can answer.
fn error_keys() -> BTreeSet<String> {
    let sources = sources::crates().into_iter().chain(sources::web());
    let codes: BTreeSet<String> = sources.flat_map(|source| source.error_codes()).collect();
    assert!(codes.contains("invalid_credentials") && codes.contains("github_state"), "{codes:?}");
    codes.iter().map(|code| format!("error-{code}")).collect()
}

/// Those that are given to `FieldError::new` and `Error::field` as they are.
fn field_keys() -> BTreeSet<String> {
    let sources = sources::crates().into_iter().chain(sources::web());
    let codes: BTreeSet<String> = sources.flat_map(|source| source.field_codes()).collect();
    assert!(codes.contains("email-invalid") && codes.contains("locale-unknown"), "{codes:?}");
    codes.iter().map(|code| format!("field-{code}")).collect()
}

/// `home-{name}-title` as `home-*-title`.
fn pattern(format: &str) -> String {
    let mut parts = format.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |pattern, part| pattern + "*" + part.split_once('}').map_or("", |(_, rest)| rest))
}

fn is_of_family(literal: &str) -> bool {
    let plain = literal.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    plain && KEY_FAMILIES.iter().any(|family| literal.len() > family.len() && literal.starts_with(family))
}
