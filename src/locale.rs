//! The languages: Fluent texts from `locales/`, built in. A key without a text shows itself, and fails a test.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    En,
    Ja,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    /// The BCP 47 code, as in `<html lang>` and an account's `locale`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language's own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ja => "日本語",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The first language of an `Accept-Language` header that the pages speak, by weight; else English.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (0.0, Self::En);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let primary = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
            let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if let Some(lang) = Self::from_code(&primary.to_ascii_lowercase())
                && weight > best.0
            {
                best = (weight, lang);
            }
        }
        best.1
    }

    /// The text of a key.
    pub fn t(self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text of a key with one value in it.
    pub fn t1<'a>(self, key: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        let mut args = FluentArgs::new();
        args.set(name, value);
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, lang = self.code(), "a text is missing");
            return key.to_owned();
        };
        bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }

    fn bundle(self) -> &'static Bundle {
        static EN: LazyLock<Bundle> = LazyLock::new(|| {
            bundle(Lang::En, [include_str!("../locales/en/main.ftl"), include_str!("../locales/en/islands.ftl")])
        });
        static JA: LazyLock<Bundle> = LazyLock::new(|| {
            bundle(Lang::Ja, [include_str!("../locales/ja/main.ftl"), include_str!("../locales/ja/islands.ftl")])
        });
        match self {
            Self::En => &EN,
            Self::Ja => &JA,
        }
    }
}

fn bundle(lang: Lang, texts: [&str; 2]) -> Bundle {
    let id: LanguageIdentifier = lang.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false); // the values stand in HTML, where their direction is known
    for text in texts {
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(?errors, "a locale file has faults");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "a locale file repeats a key");
        }
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&str> {
        text.lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_in_the_same_order() {
        assert_eq!(keys(include_str!("../locales/en/main.ftl")), keys(include_str!("../locales/ja/main.ftl")));
        assert_eq!(keys(include_str!("../locales/en/islands.ftl")), keys(include_str!("../locales/ja/islands.ftl")));
    }

    #[test]
    fn every_file_parses() {
        for text in [
            include_str!("../locales/en/main.ftl"),
            include_str!("../locales/ja/main.ftl"),
            include_str!("../locales/en/islands.ftl"),
            include_str!("../locales/ja/islands.ftl"),
        ] {
            assert!(FluentResource::try_new(text.to_owned()).is_ok());
        }
    }

    #[test]
    fn the_language_follows_the_browser_by_weight() {
        assert_eq!(Lang::negotiate("ja-JP,ja;q=0.9,en;q=0.8"), Lang::Ja);
        assert_eq!(Lang::negotiate("fr, ja;q=0.3, en;q=0.7"), Lang::En);
        assert_eq!(Lang::negotiate("ja;q=0, en;q=0.1"), Lang::En);
        assert_eq!(Lang::negotiate("de"), Lang::En);
        assert_eq!(Lang::negotiate(";;q=,x"), Lang::En);
    }
}
