//! `/admin/users`: all accounts; and `/admin/users/{id}`: one of them, with what an administrator can do.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{PAGE, Person, Standing, Tabs, called, events::LogTable, link, role_badges, sessions::SessionTable};
use crate::{
    http::{error::HttpError, form::EmptyForm, path::Path, query::Query},
    locale::Lang,
    pages::{
        form::{FormErrorNotice, FormErrors},
        layout::{Done, Layout, When},
        paging::{Paging, cursor},
        step_up::RecentlyAuthenticated,
        visitor::Administrator,
    },
};
use sekisho_core::{
    Error, EventFilter, Identity, NamedEvent, OwnedSession, Role, User, UserFilter, administration::AccessChange,
    session::SignedIn, session::parse_id,
};
use sekisho_model::{AuthMethod, RoleName};

/// Entries of the log on a user's own page.
const LATEST: usize = 20;

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
    let empty = users.is_empty();
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
        {if empty {
            view! { <p>{lang.t("admin-users-empty")}</p> }.into_any()
        } else {
            view! {
                <div class="card table dense" tabindex="0" role="region" aria-label=lang.t("admin-users")>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{lang.t("admin-user")}</th>
                                <th scope="col">{lang.t("admin-roles")}</th>
                                <th scope="col">{lang.t("admin-created")}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }}
        <Paging lang list newest older />
    }
}

#[component]
fn UserRow(lang: Lang, user: User) -> impl IntoView {
    let roles = role_badges(&user);
    view! {
        <tr>
            <td><Person id=user.id name=user.name email=user.email /></td>
            <td><Standing lang roles disabled=user.disabled_at.is_some() /></td>
            <td data-label=lang.t("admin-created")><When at=user.created_at /></td>
        </tr>
    }
}

/// What was just done here, as the redirect after it says.
#[derive(Deserialize)]
pub struct UserQuery {
    done: Option<String>,
    /// Where the list of live sessions is to begin.
    before: Option<String>,
}

pub async fn show(
    who: Administrator,
    Path(id): Path<String>,
    Query(after): Query<UserQuery>,
) -> Result<Response, HttpError> {
    let done = match after.done.as_deref() {
        Some("roles") => Some("admin-done-roles"),
        Some("disabled") => Some("admin-done-disabled"),
        Some("enabled") => Some("admin-done-enabled"),
        Some("signed-out") => Some("admin-done-signed-out"),
        Some("ended") => Some("admin-done-ended"),
        Some("unlinked") => Some("admin-done-unlinked"),
        _ => None,
    };
    page(who, &id, cursor(after.before), done, None, FormErrors::default()).await
}

#[derive(Deserialize)]
pub struct SetRolesForm {
    #[serde(default)]
    roles: Vec<String>,
}

/// `POST /admin/users/{id}/roles`
pub async fn set_roles(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, SetRolesForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    match visitor
        .app
        .core
        .administration
        .change_access(parse_id(&id)?, AccessChange::roles(&form.roles), Some(&visitor.context))
        .await
    {
        Ok(_) => Ok(back(&id, "roles")),
        Err(error) => page(who, &id, None, None, Some(form.roles), FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/disable`: anybody but oneself.
pub async fn disable(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    if id == who.signed_in.user.id {
        return Err(Error::Forbidden.into());
    }
    match visitor
        .app
        .core
        .administration
        .change_access(parse_id(&id)?, AccessChange::disabled(true), Some(&visitor.context))
        .await
    {
        Ok(_) => Ok(back(&id, "disabled")),
        Err(error) => page(who, &id, None, None, None, FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/enable`
pub async fn enable(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    visitor
        .app
        .core
        .administration
        .change_access(parse_id(&id)?, AccessChange::disabled(false), Some(&visitor.context))
        .await?;
    Ok(back(&id, "enabled"))
}

/// `POST /admin/users/{id}/sign-out`
pub async fn sign_out(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    visitor.app.core.administration.sign_out_user(parse_id(&id)?, &visitor.context).await?;
    Ok(back(&id, "signed-out"))
}

/// `POST /admin/users/{id}/unlink`
pub async fn unlink(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    match visitor.app.core.identities.unlink(parse_id(&id)?, &visitor.context).await {
        Ok(()) => Ok(back(&id, "unlinked")),
        Err(error) => page(who, &id, None, None, None, FormErrors::of(error)?).await,
    }
}

fn back(id: &str, done: &str) -> Response {
    Redirect::to(&format!("/admin/users/{id}?done={done}")).into_response()
}

/// `chosen`: the roles that were asked for and not given.
async fn page(
    who: Administrator,
    id: &str,
    before: Option<String>,
    done: Option<&'static str>,
    chosen: Option<Vec<String>>,
    form_errors: FormErrors,
) -> Result<Response, HttpError> {
    let Administrator { visitor, signed_in } = who;
    let lang = visitor.lang;
    let core = &visitor.app.core;
    let user = core.administration.find_user(id).await?;
    let github = core.identities.linked(&user.id).await?;
    let owned = |session| OwnedSession { session, email: user.email.clone(), name: user.name.clone() };
    let newest = before.is_none();
    let (sessions, older) = core.sessions.list(&user.id, before.as_deref(), PAGE).await?;
    let sessions = sessions.into_iter().map(owned).collect();
    let filter = EventFilter { user_id: Some(user.id.clone()), ..EventFilter::default() };
    let (entries, _) = core.administration.search_events(&filter, None, LATEST).await?;
    let roles = core.roles.list().await?;
    let chosen = chosen.unwrap_or_else(|| role_badges(&user));
    let shown = UserView { user, github, sessions, newest, older, entries, roles, chosen };
    let page = Layout::new(visitor, "admin-user").at("/admin").form_errors(&form_errors);
    Ok(page.render(move || view! { <UserPage lang shown current=signed_in done form_errors /> }).await)
}

/// What a user's page is drawn from.
struct UserView {
    user: User,
    github: Option<Identity>,
    sessions: Vec<OwnedSession>,
    newest: bool,
    older: Option<String>,
    entries: Vec<NamedEvent>,
    roles: Vec<Role>,
    chosen: Vec<String>,
}

#[component]
fn UserPage(
    lang: Lang,
    shown: UserView,
    current: Arc<SignedIn>,
    done: Option<&'static str>,
    form_errors: FormErrors,
) -> impl IntoView {
    let UserView { user, github, sessions, newest, older, entries, roles, chosen } = shown;
    let path = format!("/admin/users/{}", user.id);
    let log = link("/admin/events", &[("person", user.id.as_str())]);
    let own = user.id == current.user.id;
    let disabled = user.disabled_at.is_some();
    let signed_in = !sessions.is_empty();
    let unlink =
        (github.is_some() && user.auth_methods.contains(AuthMethod::Password)).then(|| format!("{path}/unlink"));
    view! {
        <Tabs lang at="/admin/users" />
        <h1>{called(&user.name, &user.email)}</h1>
        <p class="lead">
            {user.email.clone()} " " <Standing lang roles=role_badges(&user) disabled />
            {own.then(|| view! { <span class="badge" data-kind="current">{lang.t("admin-you")}</span> })}
        </p>
        {done.map(|key| view! { <Done text=lang.t(key) /> })}
        <FormErrorNotice lang form_errors=form_errors.clone() />
        <Profile lang user github unlink />
        <RolesForm lang path=path.clone() roles chosen form_errors />
        <section class="card" aria-labelledby="access">
            <h2 id="access">{lang.t("admin-access")}</h2>
            {if own {
                view! { <p>{lang.t("admin-access-own")} " " <a href="/devices">{lang.t("devices-title")}</a></p> }
                    .into_any()
            } else {
                view! { <Access lang path=path.clone() disabled signed_in /> }.into_any()
            }}
        </section>
        // Nameless: the tables in them are the landmarks.
        <section class="block">
            <h2>{lang.t("admin-live")}</h2>
            {if signed_in {
                let current = current.session.id.clone();
                view! {
                    <SessionTable lang sessions current back=path.clone() label="admin-live" people=false />
                    <Paging lang list=path newest older />
                }
                .into_any()
            } else {
                view! { <p class="hint">{lang.t("admin-live-empty")}</p> }.into_any()
            }}
        </section>
        <section class="block">
            <h2>{lang.t("admin-log-latest")}</h2>
            <LogTable lang entries label="admin-log-latest" people=false />
            <p class="actions"><a class="button secondary" href=log>{lang.t("admin-log-all")}</a></p>
        </section>
    }
}

#[component]
fn Profile(
    lang: Lang,
    user: User,
    github: Option<Identity>,
    /// Where GitHub is unlinked, if that leaves a way in.
    unlink: Option<String>,
) -> impl IntoView {
    let language = user.locale.as_deref().and_then(Lang::from_code).map(|lang| lang.name().to_owned());
    let password = user.auth_methods.contains(AuthMethod::Password).then(|| lang.t("password"));
    let ways = password.into_iter().chain(github.map(|identity| format!("GitHub ({})", identity.login)));
    let ways = ways.collect::<Vec<_>>().join(", ");
    view! {
        <section class="card" aria-labelledby="profile">
            <h2 id="profile">{lang.t("account-profile")}</h2>
            <dl class="facts">
                <div><dt>{lang.t("admin-created")}</dt><dd><When at=user.created_at /></dd></div>
                {user.disabled_at.map(|at| view! {
                    <div><dt>{lang.t("admin-disabled-since")}</dt><dd><When at /></dd></div>
                })}
                <div>
                    <dt>{lang.t("account-language")}</dt>
                    <dd>{language.unwrap_or_else(|| lang.t("account-language-auto"))}</dd>
                </div>
                <div><dt>{lang.t("account-sign-in-title")}</dt><dd>{ways}</dd></div>
                <div><dt>{lang.t("admin-id")}</dt><dd><code>{user.id}</code></dd></div>
                {(!user.about.is_empty()).then(|| view! {
                    <div><dt>{lang.t("account-about")}</dt><dd>{user.about}</dd></div>
                })}
            </dl>
            {unlink.map(|action| view! {
                <form class="actions" method="post" action=action>
                    <button class="danger">{lang.t("account-github-unlink")}</button>
                </form>
            })}
        </section>
    }
}

#[component]
fn RolesForm(
    lang: Lang,
    path: String,
    roles: Vec<Role>,
    chosen: Vec<String>,
    form_errors: FormErrors,
) -> impl IntoView {
    let error = form_errors.fields.iter().find(|error| error.field == "roles");
    let error = error.map(|error| lang.t(&format!("field-{}", error.code)));
    let described = error.is_some().then_some("roles-fault");
    let choices = roles.into_iter().filter(|role| role.name.as_str() != RoleName::USER).map(|role| {
        let name = role.name.to_string();
        let permissions = match role.name.as_str() {
            RoleName::ADMIN => lang.t("admin-everything"),
            _ => role.permissions.to_string(),
        };
        view! {
            <label>
                <input type="checkbox" name="roles" checked=chosen.contains(&name) value=name.clone() />
                <span>{name} " " <span class="hint">{permissions}</span></span>
            </label>
        }
    });
    let choices = choices.collect_view();
    view! {
        <section class="card" aria-labelledby="roles">
            <h2 id="roles">{lang.t("admin-roles")}</h2>
            <form method="post" action=format!("{path}/roles")>
                <fieldset class="choices" aria-labelledby="roles" aria-describedby=described>{choices}</fieldset>
                {error.map(|error| view! { <p class="fault" id="roles-fault">{error}</p> })}
                <button class="secondary">{lang.t("admin-roles-save")}</button>
            </form>
        </section>
    }
}

/// Signing somebody out, and keeping them out.
#[component]
fn Access(lang: Lang, path: String, disabled: bool, signed_in: bool) -> impl IntoView {
    let sign_out = format!("{path}/sign-out");
    let switch = if disabled {
        view! {
            <form method="post" action=format!("{path}/enable")>
                <button class="secondary">{lang.t("admin-enable")}</button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <form method="post" action=format!("{path}/disable")>
                <button class="danger">{lang.t("admin-disable")}</button>
            </form>
        }
        .into_any()
    };
    view! {
        <p>{lang.t(if disabled { "admin-access-disabled" } else { "admin-access-text" })}</p>
        <div class="actions">
            {signed_in.then(|| view! {
                <form method="post" action=sign_out>
                    <button class="danger">{lang.t("admin-sign-out")}</button>
                </form>
            })}
            {switch}
        </div>
    }
}
