//! `/devices`: everything that is signed in to one's account, each to be ended.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    error_page::ErrorPage,
    form::Form,
    layout::{Done, Layout, When},
    login,
    step_up::{Confirmed, Nothing},
    visitor::Member,
};
use crate::{
    auth::{
        reason::Reason,
        session::{Which, parse_id},
    },
    db::sessions::Session,
    error::Error,
    locale::Lang,
};

#[derive(Deserialize)]
pub struct After {
    done: Option<String>,
}

#[derive(Deserialize)]
pub struct Choice {
    id: String,
}

pub async fn show(member: Member, Query(after): Query<After>) -> Result<Response, ErrorPage> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let sessions = visitor.app.auth.sessions(&signed_in.user.id).await?;
    let current = signed_in.session.id.clone();
    let done = match after.done.as_deref() {
        Some("one") => Some("devices-ended-one"),
        Some("others") => Some("devices-ended-others"),
        _ => None,
    };
    let page = Layout::new(visitor, "devices-title").at("/devices");
    Ok(page.render(move || view! { <DevicesPage lang sessions current done /> }).await)
}

/// `POST /devices/end`
pub async fn end(member: Member, Form(choice): Form<Choice>) -> Result<Response, ErrorPage> {
    let Member { visitor, signed_in } = &member;
    if choice.id == signed_in.session.id {
        return login::logout(visitor.clone()).await;
    }
    let which = Which::One { user_id: &signed_in.user.id, id: parse_id(&choice.id)? };
    let ended = visitor.app.auth.end(which, Reason::RevokedByUser, Some(&visitor.caller)).await?;
    if ended == 0 {
        return Err(ErrorPage(Error::NotFound));
    }
    Ok(Redirect::to("/devices?done=one").into_response())
}

/// `POST /devices/end-others`
pub async fn end_others(confirmed: Confirmed<Member, Nothing>) -> Result<Response, ErrorPage> {
    let Member { visitor, signed_in } = &confirmed.who;
    let which = Which::Others { user_id: &signed_in.user.id, keep: &signed_in.session.id };
    visitor.app.auth.end(which, Reason::RevokedByUser, Some(&visitor.caller)).await?;
    Ok(Redirect::to("/devices?done=others").into_response())
}

#[component]
fn DevicesPage(lang: Lang, sessions: Vec<Session>, current: String, done: Option<&'static str>) -> impl IntoView {
    let (this, others): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|session| session.id == current);
    let alone = others.is_empty();
    let devices = this
        .into_iter()
        .chain(others)
        .map(|session| view! { <Device lang current=session.id == current session waiting=None /> });
    view! {
        <h1>{lang.t("devices-title")}</h1>
        <p class="lead">{lang.t("devices-lead")}</p>
        {done.map(|key| view! { <Done text=lang.t(key) /> })}
        <ul class="devices">{devices.collect_view()}</ul>
        {if alone {
            view! { <p class="hint">{lang.t("devices-only-this")}</p> }.into_any()
        } else {
            view! {
                <form method="post" action="/devices/end-others">
                    <button class="danger">{lang.t("devices-end-others")}</button>
                </form>
            }
            .into_any()
        }}
    }
}

/// One device, with the button that ends it.
#[component]
pub fn Device(
    lang: Lang,
    session: Session,
    #[prop(default = false)] current: bool,
    /// A sign-in that waits for room: ending this device lets it in.
    #[prop(optional_no_strip)]
    waiting: Option<String>,
) -> impl IntoView {
    let name = if session.device.is_empty() { lang.t("devices-unknown") } else { session.device.clone() };
    let kind = if session.kind == "api" { "devices-kind-api" } else { "devices-kind-browser" };
    let end_label = lang.t1("devices-end-label", "device", name.clone());
    let deadline = session.deadline();
    let action = if waiting.is_some() { "/login/room" } else { "/devices/end" };
    view! {
        <li class="card" aria-current=current.then_some("true") data-kind=session.kind.clone()>
            <div class="device-name">
                <h2>{name}</h2>
                <span class="badge">{lang.t(kind)}</span>
                {current.then(|| view! { <span class="badge" data-kind="current">{lang.t("devices-this")}</span> })}
            </div>
            <dl>
                <div><dt>{lang.t("devices-signed-in")}</dt><dd><When at=session.created_at /></dd></div>
                <div><dt>{lang.t("devices-last-active")}</dt><dd><When at=session.last_active_at /></dd></div>
                {deadline.map(|at| view! { <div><dt>{lang.t("devices-ends")}</dt><dd><When at /></dd></div> })}
                <div><dt>{lang.t("devices-address")}</dt><dd>{session.ip}</dd></div>
            </dl>
            <form method="post" action=action>
                {waiting.map(|token| view! { <input type="hidden" name="waiting" value=token /> })}
                <input type="hidden" name="id" value=session.id />
                <button class="secondary" aria-label=end_label>{lang.t("devices-end")}</button>
            </form>
        </li>
    }
}
