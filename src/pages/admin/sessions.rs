//! `/admin/sessions`: everything that is signed in, each to be ended, and all of it at once.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{PAGE, Person, Tabs};
use crate::{
    http::{error::HttpError, query::Query},
    locale::Lang,
    pages::{
        device_card::{device_name, kind_name},
        layout::{Done, Layout, When},
        paging::{Paging, cursor, with},
        return_to::local_path,
        step_up::RecentlyAuthenticated,
        table::Table,
        visitor::Administrator,
    },
};
use sekisho_core::{Error, OwnedSession, parse_id};
use sekisho_model::SessionId;

const PATH: &str = "/admin/sessions";

#[derive(Deserialize)]
pub struct SessionsQuery {
    before: Option<String>,
    done: Option<String>,
}

#[derive(Deserialize)]
pub struct EndSessionForm {
    id: String,
    /// The page that this was asked for on.
    back: Option<String>,
}

#[derive(Deserialize)]
pub struct RevokeAllForm {
    /// A box that is to be ticked first.
    sure: Option<String>,
}

pub async fn show(who: Administrator, Query(range): Query<SessionsQuery>) -> Result<Response, HttpError> {
    let Administrator { visitor, signed_in } = who;
    let lang = visitor.lang;
    let before = cursor(range.before);
    let (sessions, older) = visitor.app.core.administration.all_sessions(before.as_deref(), PAGE).await?;
    let current = signed_in.session.id.clone();
    let done = match range.done.as_deref() {
        Some("ended") => Some("admin-done-ended"),
        Some("global-sign-out") => Some("admin-done-global-sign-out"),
        _ => None,
    };
    let page = Layout::new(visitor, "admin-sessions").at("/admin");
    Ok(page.render(move || view! { <SessionsPage lang sessions current before older done /> }).await)
}

/// `POST /admin/sessions/end`
pub async fn end(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, EndSessionForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    visitor.app.core.administration.end_session(&parse_id(&form.id)?, &visitor.context).await?;
    Ok(Redirect::to(&with(&local_path(form.back.as_deref()), "done=ended")).into_response())
}

/// `POST /admin/sessions/end-all`
pub async fn end_all(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, RevokeAllForm>,
) -> Result<Response, HttpError> {
    let Administrator { visitor, signed_in } = &who;
    if form.sure.is_none() {
        return Err(Error::field("sure", "missing").into());
    }
    visitor.app.core.global_sign_out.revoke_all_sessions(&signed_in.session.id, &visitor.context).await?;
    Ok(Redirect::to(&with(PATH, "done=global-sign-out")).into_response())
}

#[component]
fn SessionsPage(
    lang: Lang,
    sessions: Vec<OwnedSession>,
    current: SessionId,
    before: Option<String>,
    older: Option<String>,
    done: Option<&'static str>,
) -> impl IntoView {
    let newest = before.is_none();
    let back = before.map_or_else(|| PATH.to_owned(), |before| with(PATH, &format!("before={before}")));
    view! {
        <Tabs lang at=PATH />
        <h1>{lang.t("admin-sessions")}</h1>
        <p class="lead">{lang.t("admin-sessions-lead")}</p>
        <Done lang done />
        <SessionTable lang sessions current back label="admin-sessions" people=true />
        <Paging lang list=PATH.to_owned() newest older />
        <section class="card" aria-labelledby="global-sign-out">
            <h2 id="global-sign-out">{lang.t("admin-global-sign-out")}</h2>
            <p>{lang.t("admin-global-sign-out-text")}</p>
            // Not a draft: nothing ticks this box but a person.
            <form method="post" action="/admin/sessions/end-all" data-draft="off">
                <div class="choices">
                    <label>
                        <input type="checkbox" name="sure" value="yes" required />
                        <span>{lang.t("admin-global-sign-out-sure")}</span>
                    </label>
                </div>
                <button class="danger">{lang.t("admin-global-sign-out-submit")}</button>
            </form>
        </section>
    }
}

/// Live sessions, each with the button that ends it.
#[component]
pub fn SessionTable(
    lang: Lang,
    sessions: Vec<OwnedSession>,
    /// The session that looks at them: it is ended by signing out.
    current: SessionId,
    /// The page to return to.
    back: String,
    /// The table's name, a locale key.
    label: &'static str,
    /// Whether they are of several people.
    people: bool,
) -> impl IntoView {
    let rows = sessions.into_iter().map(|owned| {
        let current = owned.session.id == current;
        view! { <SessionRow lang owned current back=back.clone() people /> }
    });
    let columns: &[_] = match people {
        true => &["admin-user", "admin-device", "devices-signed-in", "devices-last-active"],
        false => &["admin-device", "devices-signed-in", "devices-last-active"],
    };
    view! { <Table lang label columns actions="devices-end" rows=rows.collect_view() /> }
}

#[component]
fn SessionRow(lang: Lang, owned: OwnedSession, current: bool, back: String, people: bool) -> impl IntoView {
    let OwnedSession { session, email, name } = owned;
    let device = device_name(lang, &session);
    let end_label = lang.t1("devices-end-label", "device", format!("{device} ({email})"));
    let person = people.then(|| view! { <td><Person id=session.user_id.to_string() name email /></td> });
    let end = if current {
        view! { <span class="badge" data-kind="current">{lang.t("admin-this-session")}</span> }.into_any()
    } else {
        view! {
            <form method="post" action="/admin/sessions/end">
                <input type="hidden" name="id" value=session.id.to_string() />
                <input type="hidden" name="back" value=back />
                <button class="secondary small" aria-label=end_label>{lang.t("devices-end")}</button>
            </form>
        }
        .into_any()
    };
    view! {
        <tr>
            {person}
            <td>
                {device} " " <span class="badge">{kind_name(lang, session.kind)}</span>
                <span class="under">{session.ip}</span>
            </td>
            <td data-label=lang.t("devices-signed-in")><When at=session.created_at /></td>
            <td data-label=lang.t("devices-last-active")><When at=session.last_active_at /></td>
            <td class="acts">{end}</td>
        </tr>
    }
}
