//! `/devices`: everything that is signed in to one's account, each to be ended.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    client::NamedClient,
    device_card::DeviceCard,
    layout::Layout,
    log::Devices,
    paging::{Paging, cursor},
    sign_out,
    step_up::RecentlyAuthenticated,
    visitor::Member,
};
use crate::{
    http::{error::HttpError, form::EmptyForm, query::Query},
    locale::Lang,
};
use sekisho_core::{Error, Session, SessionSelector, parse_id};
use sekisho_model::EndReason;

/// Devices on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub struct DevicesQuery {
    /// What was just done here, as the redirect after it says.
    done: Option<String>,
    /// Which one it was done to.
    device: Option<String>,
    before: Option<String>,
}

#[derive(Deserialize)]
pub struct EndSessionForm {
    id: String,
}

#[derive(Deserialize)]
pub struct RenameForm {
    session: String,
    device: String,
}

pub async fn show(member: Member, Query(shown): Query<DevicesQuery>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let before = cursor(shown.before);
    let newest = before.is_none();
    let (mut sessions, older) = visitor.app.core.sessions.list(&signed_in.user.id, before.as_deref(), PAGE).await?;
    // This one comes first, wherever it stands.
    sessions.retain(|session| session.id != signed_in.session.id);
    let this = newest.then(|| signed_in.session.clone());
    let listed = this.iter().chain(&sessions).map(|session| session.id.as_str());
    let ids: Vec<_> = listed.chain(shown.device.as_deref()).collect();
    let devices = visitor.app.core.device_names.find(&signed_in.user.id, &ids).await?;
    let device = shown.device.and_then(|id| devices.get(&id));
    let device = device.map(|device| NamedClient::of_device(lang, device).name);
    let done = match (shown.done.as_deref(), device) {
        (Some("one"), Some(device)) => Some(lang.t1("devices-done-which", "device", device)),
        (Some("one"), None) => Some(lang.t("devices-done-one")),
        (Some("others"), _) => Some(lang.t("devices-done-others")),
        (Some("renamed"), _) => Some(lang.t("devices-done-renamed")),
        _ => None,
    };
    let page = Layout::new(visitor, "devices-title").at("/devices");
    Ok(page.render(move || view! { <DevicesPage lang this others=sessions devices older done /> }).await)
}

/// `POST /devices/rename`: an intruder must not give their session a name that looks like the owner's.
pub async fn rename(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, RenameForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &who;
    let id = parse_id(&form.session)?;
    visitor.app.core.device_names.rename(signed_in, &id, &form.device, &visitor.context).await?;
    Ok(Redirect::to("/devices?done=renamed").into_response())
}

/// `POST /devices/end`: as sensitive as ending them all, or whoever sits at an unlocked browser could sign the owner
/// out.
pub async fn end(
    RecentlyAuthenticated { who, form: choice }: RecentlyAuthenticated<Member, EndSessionForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &who;
    if choice.id == signed_in.session.id.as_str() {
        return sign_out::submit(visitor.clone()).await;
    }
    let which = SessionSelector::One { user_id: &signed_in.user.id, id: &parse_id(&choice.id)? };
    let ended = visitor.app.core.sessions.end(which, EndReason::RevokedByUser, Some(&visitor.context)).await?;
    if ended == 0 {
        return Err(Error::NotFound.into());
    }
    // An id, which needs no encoding.
    Ok(Redirect::to(&format!("/devices?done=one&device={}", choice.id)).into_response())
}

/// `POST /devices/end-others`
pub async fn end_others(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &confirmed.who;
    let which = SessionSelector::AllBut { user_id: &signed_in.user.id, keep: &signed_in.session.id };
    visitor.app.core.sessions.end(which, EndReason::RevokedByUser, Some(&visitor.context)).await?;
    Ok(Redirect::to("/devices?done=others").into_response())
}

#[component]
fn DevicesPage(
    lang: Lang,
    /// The device that asks, on the first page.
    this: Option<Session>,
    others: Vec<Session>,
    devices: Devices,
    older: Option<String>,
    done: Option<String>,
) -> impl IntoView {
    let own_name = |session: &Session| devices.get(session.id.as_str()).and_then(|device| device.name.clone());
    let newest = this.is_some();
    let alone = newest && others.is_empty() && older.is_none();
    let this = this.map(|session| view! { <DeviceCard lang current=true own_name=own_name(&session) session /> });
    let others = others.into_iter().map(|session| view! { <DeviceCard lang own_name=own_name(&session) session /> });
    view! {
        <h1>{lang.t("devices-title")}</h1>
        <p class="lead">{lang.t("devices-lead")}</p>
        {done.map(|text| view! { <p class="notice" data-kind="done" role="status">{text}</p> })}
        <ul class="devices">{this} {others.collect_view()}</ul>
        <Paging lang list="/devices".to_owned() newest older />
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
