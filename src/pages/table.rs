//! Lists that are shown as a table.

use leptos::prelude::*;

use crate::locale::Lang;

/// A table; or a line that says so, where it would be empty. A table too wide for the screen scrolls, by keyboard as
/// well (WCAG 2.1.1): hence the focusable region.
#[component]
pub fn Table<R: IntoView + 'static>(
    lang: Lang,
    /// The table's name, a locale key.
    label: &'static str,
    /// The column headings, locale keys.
    columns: &'static [&'static str],
    /// The heading of a last column with buttons, a locale key; only a screen reader says it.
    #[prop(optional)]
    actions: Option<&'static str>,
    /// Shown instead of a table without rows, a locale key.
    #[prop(optional)]
    empty: Option<&'static str>,
    /// Less space between columns, for tables with many.
    #[prop(default = true)]
    dense: bool,
    rows: Vec<R>,
) -> impl IntoView {
    if let Some(empty) = empty.filter(|_| rows.is_empty()) {
        return view! { <p>{lang.t(empty)}</p> }.into_any();
    }
    let columns = columns.iter().map(|key| view! { <th scope="col">{lang.t(key)}</th> }).collect_view();
    let actions = actions.map(|key| view! { <th scope="col"><span class="visually-hidden">{lang.t(key)}</span></th> });
    let class = if dense { "card table dense" } else { "card table" };
    view! {
        <div class=class tabindex="0" role="region" aria-label=lang.t(label)>
            <table>
                <thead>
                    <tr>{columns} {actions}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
