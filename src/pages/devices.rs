//! `/devices`: everything that is signed in to one's account, each to be ended.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    device_card::DeviceCard,
    layout::{Done, Layout},
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
    before: Option<String>,
}

#[derive(Deserialize)]
pub struct EndSessionForm {
    id: String,
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
    let done = match shown.done.as_deref() {
        Some("one") => Some("devices-done-one"),
        Some("others") => Some("devices-done-others"),
        _ => None,
    };
    let page = Layout::new(visitor, "devices-title").at("/devices");
    Ok(page.render(move || view! { <DevicesPage lang this others=sessions older done /> }).await)
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
    Ok(Redirect::to("/devices?done=one").into_response())
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
    older: Option<String>,
    done: Option<&'static str>,
) -> impl IntoView {
    let newest = this.is_some();
    let alone = newest && others.is_empty() && older.is_none();
    let this = this.map(|session| view! { <DeviceCard lang current=true session /> });
    let others = others.into_iter().map(|session| view! { <DeviceCard lang session /> });
    view! {
        <h1>{lang.t("devices-title")}</h1>
        <p class="lead">{lang.t("devices-lead")}</p>
        <Done lang done />
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
