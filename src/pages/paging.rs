//! Lists that are shown a page at a time, the newest first.

use leptos::prelude::*;

use crate::locale::Lang;

/// Where a list goes on, and back to its beginning.
#[component]
pub fn Paging(
    lang: Lang,
    /// The list's path, with its filter.
    list: String,
    newest: bool,
    older: Option<String>,
) -> impl IntoView {
    let older = older.map(|before| with(&list, &format!("before={before}")));
    (older.is_some() || !newest).then(|| {
        view! {
            <p class="actions">
                {(!newest).then(|| view! { <a class="button secondary" href=list>{lang.t("list-newest")}</a> })}
                {older.map(|href| view! {
                    <a class="button secondary" rel="next" href=href>{lang.t("list-older")}</a>
                })}
            </p>
        }
    })
}

/// A path of ours with one more pair, which needs no encoding.
pub fn with(path: &str, pair: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{pair}")
}

/// The cursor to begin a list at, if it can be one.
pub fn cursor(before: Option<String>) -> Option<String> {
    before.filter(|id| uuid::Uuid::try_parse(id).is_ok())
}
