//! `/admin/users`: all accounts.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{PAGE, Person, Standing, Tabs, link, role_badges};
use crate::{
    http::{error::HttpError, query::Query},
    locale::Lang,
    pages::{
        layout::{Layout, When},
        paging::{Paging, cursor},
        table::Table,
        visitor::Administrator,
    },
};
use sekisho_core::{User, UserFilter};
use sekisho_model::RoleName;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct UsersQuery {
    q: String,
    /// `disabled`, or `role:` and a role's name.
    filter: String,
    before: Option<String>,
}

pub async fn list(who: Administrator, Query(search): Query<UsersQuery>) -> Result<Response, HttpError> {
    let visitor = who.visitor;
    let lang = visitor.lang;
    let core = &visitor.app.core;
    let UsersQuery { q, filter, before } = search;
    let q = q.trim().to_owned();
    let roles = core.roles.list().await?.into_iter().map(|role| role.name.to_string());
    let roles: Vec<_> = roles.filter(|name| name != RoleName::USER).collect();
    let wanted = UserFilter {
        search: Some(q.clone()).filter(|q| !q.is_empty()),
        role: roles.iter().find(|role| filter.strip_prefix("role:") == Some(role.as_str())).cloned(),
        disabled: filter == "disabled",
    };
    let before = cursor(before);
    let newest = before.is_none();
    let (users, older) = core.administration.search_users(&wanted, before.as_deref(), PAGE).await?;
    let page = Layout::new(visitor, "admin-users").at("/admin");
    Ok(page.render(move || view! { <UsersPage lang q filter roles users newest older /> }).await)
}

#[component]
fn UsersPage(
    lang: Lang,
    q: String,
    filter: String,
    roles: Vec<String>,
    users: Vec<User>,
    newest: bool,
    older: Option<String>,
) -> impl IntoView {
    let list = link("/admin/users", &[("q", q.as_str()), ("filter", filter.as_str())]);
    let others = roles.iter().filter(|role| *role != RoleName::ADMIN);
    let choices = [("", "admin-filter-all"), ("role:admin", "admin-filter-admins"), ("disabled", "admin-disabled")]
        .map(|(value, label)| (value.to_owned(), lang.t(label)))
        .into_iter()
        .chain(others.map(|role| (format!("role:{role}"), lang.t1("admin-filter-role", "role", role.as_str()))))
        .map(|(value, label)| view! { <option selected=value == filter value=value>{label}</option> })
        .collect_view();
    let rows = users.into_iter().map(|user| view! { <UserRow lang user /> }).collect_view();
    view! {
        <Tabs lang at="/admin/users" />
        <h1>{lang.t("admin-users")}</h1>
        <form class="filter" method="get" action="/admin/users" role="search">
            <div class="field">
                <label for="q">{lang.t("admin-search")}</label>
                <input id="q" name="q" type="search" value=q maxlength="254" autocomplete="off" />
            </div>
            <div class="field">
                <label for="filter">{lang.t("admin-filter")}</label>
                <select id="filter" name="filter">{choices}</select>
            </div>
            <button class="secondary">{lang.t("admin-search-submit")}</button>
        </form>
        <Table lang label="admin-users" columns=&["admin-user", "admin-roles", "admin-created"] empty="admin-users-empty"
            rows />
        <Paging lang list newest older />
    }
}

#[component]
fn UserRow(lang: Lang, user: User) -> impl IntoView {
    let roles = role_badges(&user);
    view! {
        <tr>
            <td><Person id=user.id.to_string() name=user.name email=user.email /></td>
            <td><Standing lang roles disabled=user.disabled_at.is_some() /></td>
            <td data-label=lang.t("admin-created")><When at=user.created_at /></td>
        </tr>
    }
}
