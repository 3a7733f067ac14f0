//! `/security`: one's own log, a page at a time.

use axum::response::{Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    layout::{Layout, When},
    paging::{Paging, cursor},
    table::Table,
    visitor::Member,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{Event, UnixMillis, session::device_name};

const PAGE: usize = 20;

#[derive(Deserialize)]
pub struct SecurityQuery {
    before: Option<String>,
}

pub async fn show(member: Member, Query(range): Query<SecurityQuery>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let before = cursor(range.before);
    let newest = before.is_none();
    let (events, older) = visitor.app.core.security_log.list(&signed_in.user.id, before.as_deref(), PAGE).await?;
    let notices = visitor.app.core.security_log.notices(&signed_in.user).await?;
    let session_id = signed_in.session.id.clone();
    let dismissing = match visitor.app.core.security_log.may_acknowledge(&signed_in.session) {
        false => Dismissing::NewDevice,
        true if notices.iter().all(|event| event.session_id.as_deref() == Some(session_id.as_str())) => Dismissing::Own,
        true => Dismissing::Possible,
    };
    let page = Layout::new(visitor, "security-title").at("/security");
    Ok(page.render(move || view! { <SecurityPage lang notices dismissing events newest older /> }).await)
}

#[derive(Deserialize)]
pub struct NoticesSeenForm {
    /// The time of the latest that was shown, in Unix milliseconds.
    until: UnixMillis,
}

/// `POST /security/seen`
pub async fn seen(member: Member, Form(seen): Form<NoticesSeenForm>) -> Result<Redirect, HttpError> {
    let Member { visitor, signed_in } = member;
    visitor.app.core.security_log.acknowledge(&signed_in, seen.until, &visitor.context).await?;
    Ok(Redirect::to("/security"))
}

/// Whether this session may dismiss notices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dismissing {
    Possible,
    /// Its device is too new.
    NewDevice,
    /// They are all about what it did itself.
    Own,
}

/// What the person should know of, until they say that they have seen it.
#[component]
fn Notices(lang: Lang, notices: Vec<Event>, dismissing: Dismissing) -> impl IntoView {
    let until = notices.iter().map(|event| event.at).max();
    let refused = match dismissing {
        Dismissing::Possible => None,
        Dismissing::NewDevice => Some("security-notices-new-device"),
        Dismissing::Own => Some("security-notices-own"),
    };
    let entries = notices
        .into_iter()
        .map(|event| {
            view! {
                <li>
                    <strong>{lang.t(&format!("event-{}", event.kind))}</strong>
                    <span class="hint"><When at=event.at /> " · " {event.ip} " · " {device_name(&event.user_agent)}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card notices" aria-labelledby="notices">
            <h2 id="notices">{lang.t("security-notices")}</h2>
            <p>{lang.t("security-notices-text")}</p>
            <ul>{entries}</ul>
            {refused.map(|key| view! { <p class="hint">{lang.t(key)}</p> })}
            <form method="post" action="/security/seen" class="actions">
                <input type="hidden" name="until" value=until />
                {refused.is_none().then(|| view! {
                    <button class="secondary">{lang.t("security-notices-seen")}</button>
                })}
                <a class="button secondary" href="/account/password">{lang.t("account-password-change")}</a>
            </form>
        </section>
    }
}

#[component]
fn SecurityPage(
    lang: Lang,
    notices: Vec<Event>,
    dismissing: Dismissing,
    events: Vec<Event>,
    newest: bool,
    older: Option<String>,
) -> impl IntoView {
    let rows = events.into_iter().map(|event| view! { <Entry lang event /> }).collect_view();
    view! {
        <h1>{lang.t("security-title")}</h1>
        <p class="lead">{lang.t("security-lead")}</p>
        {(!notices.is_empty()).then(|| view! { <Notices lang notices dismissing /> })}
        <Table lang label="security-title" columns=&["security-what", "security-when", "security-where"]
            empty="security-empty" dense=false rows />
        <Paging lang list="/security".to_owned() newest older />
    }
}

#[component]
fn Entry(lang: Lang, event: Event) -> impl IntoView {
    let reason = event.reason.map(|reason| lang.t(&format!("reason-{reason}")));
    view! {
        <tr data-outcome=event.outcome>
            <td>
                {lang.t(&format!("event-{}", event.kind))}
                {reason.map(|reason| view! { <span class="hint">{reason}</span> })}
            </td>
            <td><When at=event.at /></td>
            // An administrator's address is not for the people they look after.
            <td>{event.actor_id.is_none().then_some(event.ip)}</td>
        </tr>
    }
}
