//! Parses profile fields: name, about, locale. Rejects control characters and overlong text.

use crate::error::FieldError;

const MAX_NAME: usize = 100;
const MAX_ABOUT: usize = 2_000;
/// The supported languages (BCP 47): the values of an account's `locale`.
pub const LOCALES: [&str; 2] = ["en", "ja"];

/// Parses a display name: 1 to 100 characters on one line.
///
/// # Errors
/// The field `name`, with the code `name-empty`, `name-control` or `name-too-long`.
pub fn parse_name(raw: &str) -> Result<String, FieldError> {
    let name = raw.trim();
    let code = match name.chars().count() {
        0 => "name-empty",
        1..=MAX_NAME if name.chars().any(char::is_control) => "name-control",
        1..=MAX_NAME => return Ok(name.to_owned()),
        _ => "name-too-long",
    };
    Err(FieldError::new("name", code))
}

pub(super) fn parse_about(raw: &str) -> Result<String, FieldError> {
    let about = raw.trim().replace("\r\n", "\n");
    let unprintable = |c: char| c.is_control() && c != '\n' && c != '\t';
    if about.chars().count() > MAX_ABOUT {
        return Err(FieldError::new("about", "about-too-long"));
    }
    if about.contains(unprintable) {
        return Err(FieldError::new("about", "about-control"));
    }
    Ok(about)
}

pub(super) fn parse_locale(locale: Option<String>) -> Result<Option<String>, FieldError> {
    match locale {
        Some(locale) if !LOCALES.contains(&locale.as_str()) => Err(FieldError::new("locale", "locale-unknown")),
        locale => Ok(locale),
    }
}
