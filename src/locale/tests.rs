//! Negotiation, and that the texts of all languages are there.

use super::*;

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

fn keys(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
        .collect()
}

#[test]
fn both_languages_have_the_same_keys_in_the_same_order() {
    assert_eq!(keys(include_str!("../../locales/en/main.ftl")), keys(include_str!("../../locales/ja/main.ftl")));
    assert_eq!(keys(include_str!("../../locales/en/islands.ftl")), keys(include_str!("../../locales/ja/islands.ftl")));
}

#[test]
fn every_file_parses() {
    for text in [
        include_str!("../../locales/en/main.ftl"),
        include_str!("../../locales/ja/main.ftl"),
        include_str!("../../locales/en/islands.ftl"),
        include_str!("../../locales/ja/islands.ftl"),
    ] {
        assert!(FluentResource::try_new(text.to_owned()).is_ok());
    }
}
