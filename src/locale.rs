//! The languages: Fluent texts, built in from every file of `locales/<language>/`. A key without a text shows itself,
//! and fails a test.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use fluent_langneg::{NegotiationStrategy, convert_vec_str_to_langids_lossy, negotiate_languages};
use rust_embed::Embed;
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

/// A folder for each language. A debug build reads it from the disk when it starts.
#[derive(Embed)]
#[folder = "locales"]
#[include = "*.ftl"]
struct Locales;

/// A language of the pages and of error texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English, where no other fits.
    En,
    /// Japanese.
    Ja,
}

impl Lang {
    /// In the order of the variants, which is that of their bundles.
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

    /// The language with exactly this code, such as `ja`; [`Self::negotiate`] is for what a browser sends.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The language that best fits an `Accept-Language` header (RFC 9110, section 12.5.4); English if none does.
    pub fn negotiate(accept: &str) -> Self {
        static AVAILABLE: LazyLock<Vec<LanguageIdentifier>> =
            LazyLock::new(|| convert_vec_str_to_langids_lossy(Lang::ALL.map(Lang::code)));
        let best = negotiate_languages(&requested(accept), &AVAILABLE, None, NegotiationStrategy::Lookup);
        best.first().and_then(|id| Self::from_code(id.language.as_str())).unwrap_or(Self::En)
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

    /// The text of a key with these values in it.
    pub fn t_with<'a>(self, key: &str, values: &[(&'a str, &'a str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, *value);
        }
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
        static BUNDLES: LazyLock<[Bundle; Lang::ALL.len()]> = LazyLock::new(|| Lang::ALL.map(load));
        &BUNDLES[self as usize]
    }
}

/// The languages of an `Accept-Language` header, best first. fluent-langneg negotiates by order alone, so the quality
/// values are applied here; what is not a language tag, and `*`, is left out.
fn requested(accept: &str) -> Vec<LanguageIdentifier> {
    let mut weighted: Vec<(f32, LanguageIdentifier)> = accept
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            // Extensions and private use, such as -u-ca-japanese, begin with a singleton; they choose no text.
            let subtags = parts.next()?.split('-').take_while(|subtag| subtag.len() > 1);
            let id = subtags.collect::<Vec<_>>().join("-").parse().ok()?;
            let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
            (weight > 0.0).then_some((weight, id))
        })
        .collect();
    weighted.sort_by(|(a, _), (b, _)| b.total_cmp(a)); // stable: of equal weights, the first
    weighted.into_iter().map(|(_, id)| id).collect()
}

/// All files of the language's folder, in one bundle: a message can use one of another file.
fn load(lang: Lang) -> Bundle {
    let id: LanguageIdentifier = lang.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false); // the values stand in HTML, where their direction is known
    let folder = format!("{}/", lang.code());
    for path in Locales::iter().filter(|path| path.starts_with(&folder)) {
        let Some(file) = Locales::get(&path) else { continue };
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, errors)| {
            tracing::error!(%path, ?errors, "a locale file is malformed");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(%path, ?errors, "a locale file repeats a key");
        }
    }
    bundle
}

#[cfg(test)]
mod tests;
