//! The administrator's pages: overview, users, sessions, the audit log and roles.
//!
//! Each page takes an [`Administrator`](super::visitor::Administrator), and each act a
//! [`RecentlyAuthenticated`](super::step_up::RecentlyAuthenticated) one: whoever signed in too long ago is asked for
//! the password first. An act answers with a redirect to the page it was on, or draws that page with what is wrong. No
//! hash of a password or a token comes into these pages.

use leptos::prelude::*;
use url::form_urlencoded::Serializer;

use crate::locale::Lang;
use sekisho_core::User;
use sekisho_model::RoleName;

pub(crate) mod events;
pub(crate) mod overview;
pub(crate) mod plot;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod user;
pub(crate) mod users;

/// Entries on a page of a list.
const PAGE: usize = 50;

/// The administrator's own navigation.
#[component]
fn Tabs(lang: Lang, at: &'static str) -> impl IntoView {
    let entries = [
        ("/admin", "admin-overview"),
        ("/admin/users", "admin-users"),
        ("/admin/sessions", "admin-sessions"),
        ("/admin/events", "admin-log"),
        ("/admin/roles", "admin-roles"),
    ];
    let entries = entries.map(|(href, label)| {
        view! { <li><a href=href aria-current=(href == at).then_some("page")>{lang.t(label)}</a></li> }
    });
    view! {
        <nav class="tabs" aria-label=lang.t("admin-nav")>
            <ul>{entries.collect_view()}</ul>
        </nav>
    }
}

/// Who somebody is, and the way to their page.
#[component]
fn Person(id: String, name: String, email: String) -> impl IntoView {
    let called = called(&name, &email);
    view! {
        <a href=format!("/admin/users/{id}")>{called}</a>
        {(!name.is_empty()).then(|| view! { <span class="under">{email}</span> })}
    }
}

/// The roles other than `user`, and whether the account is disabled.
#[component]
fn Standing(lang: Lang, roles: Vec<String>, disabled: bool) -> impl IntoView {
    let roles = roles.into_iter().map(|role| view! { <span class="badge">{role}</span> " " });
    view! {
        {roles.collect_view()}
        {disabled.then(|| view! { <span class="badge" data-kind="disabled">{lang.t("admin-disabled")}</span> })}
    }
}

/// The roles other than `user`.
fn role_badges(user: &User) -> Vec<String> {
    user.role_names().filter(|role| *role != RoleName::USER).map(Into::into).collect()
}

/// What somebody is called: by name, or by address if they gave none.
fn called(name: &str, email: &str) -> String {
    if name.is_empty() { email.to_owned() } else { name.to_owned() }
}

/// `path` with those of the pairs that have a value.
fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    match Serializer::new(String::new()).extend_pairs(given).finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::paging::with;

    #[test]
    fn links_keep_what_was_asked_for() {
        assert_eq!(link("/admin/users", &[("q", ""), ("filter", "")]), "/admin/users");
        let list = link("/admin/users", &[("q", "a&b=ö"), ("filter", "")]);
        assert_eq!(list, "/admin/users?q=a%26b%3D%C3%B6");
        assert_eq!(with(&list, "before=x"), "/admin/users?q=a%26b%3D%C3%B6&before=x");
        assert_eq!(with("/admin/sessions", "done=ended"), "/admin/sessions?done=ended");
    }
}
