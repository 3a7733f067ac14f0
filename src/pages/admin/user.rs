//! `/admin/users/{id}`: one account, with what an administrator can do.

use std::sync::Arc;

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{PAGE, Standing, Tabs, called, events::LogTable, link, role_badges, sessions::SessionTable};
use crate::{
    http::{error::HttpError, path::Path, query::Query},
    locale::Lang,
    pages::{
        form::{FormErrorNotice, FormErrors, describe, error_text},
        layout::{Done, Layout, When},
        paging::{Paging, cursor},
        visitor::Administrator,
    },
};
use sekisho_core::{
    EventFilter, Identity, NamedEvent, OwnedSession, Role, UnixMillis, User, parse_id, session::SignedIn,
};
use sekisho_model::{AuthMethod, RoleName};

pub(crate) mod actions;

/// Entries of the log on a user's own page.
const LATEST: usize = 20;

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
        Some("reset") => Some("admin-done-reset"),
        Some("kept") => Some("admin-done-kept"),
        _ => None,
    };
    page(who, &id, cursor(after.before), done, None, FormErrors::default()).await
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
    let user = core.administration.find_user(&parse_id(id)?).await?;
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
    let (factors, reset_at) = (user.auth_methods.can_present_second_factor(), user.factor_reset_at);
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
        <Done lang done />
        <FormErrorNotice lang form_errors=form_errors.clone() />
        <Profile lang user github unlink />
        {factors.then(|| view! { <SecondFactors lang path=path.clone() reset_at own /> })}
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
                <div><dt>{lang.t("admin-id")}</dt><dd><code>{user.id.to_string()}</code></dd></div>
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

/// What an administrator can do for somebody who lost their second factors.
#[component]
fn SecondFactors(
    lang: Lang,
    path: String,
    /// When a requested removal is due.
    reset_at: Option<UnixMillis>,
    own: bool,
) -> impl IntoView {
    let body = match reset_at {
        Some(at) => view! {
            <p>{lang.t("admin-factors-pending")} " " <When at /></p>
            <form class="actions" method="post" action=format!("{path}/keep-factors")>
                <button class="secondary">{lang.t("admin-factors-keep")}</button>
            </form>
        }
        .into_any(),
        None if own => view! { <p><a href="/account/security">{lang.t("account-security-open")}</a></p> }.into_any(),
        None => view! {
            <p>{lang.t("admin-factors-text")}</p>
            <form class="actions" method="post" action=format!("{path}/reset-factors")>
                <button class="danger">{lang.t("admin-factors-reset")}</button>
            </form>
        }
        .into_any(),
    };
    view! {
        <section class="card" aria-labelledby="factors">
            <h2 id="factors">{lang.t("admin-factors")}</h2>
            {body}
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
    let error = form_errors.field("roles", lang);
    let described = describe("roles", false, error.is_some());
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
            // Not a draft: what somebody may do is never put back by a page.
            <form method="post" action=format!("{path}/roles") data-draft="off">
                <fieldset class="choices" aria-labelledby="roles" aria-describedby=described>{choices}</fieldset>
                {error_text("roles", error)}
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
