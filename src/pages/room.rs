//! `/login/room`: all devices are in use, and the person, who has proved who they are, chooses which one goes.

use axum::{
    Extension,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    cookie::{self, SetDevice},
    devices::Device,
    layout::Layout,
    session_store,
    visitor::Visitor,
};
use crate::http::{error::HttpError, form::Form};
use sekisho_core::{
    ceremony::BROWSER_PREFIX, db::sessions::Session, error::Error, room::Waiting, secret::OpaqueToken,
    session::parse_id,
};

#[derive(Deserialize)]
pub struct Choice {
    waiting: String,
    id: String,
}

/// `POST /login/room`: signs the chosen device out and this one in.
pub async fn submit(visitor: Visitor, Form(choice): Form<Choice>) -> Result<Response, HttpError> {
    let id = parse_id(&choice.id)?;
    let browser = visitor.browser.clone().ok_or(Error::CeremonyGone)?;
    let replaces = visitor.signed_in.as_ref().map(|signed_in| &signed_in.session);
    let auth = &visitor.app.auth;
    match auth.make_room(&browser, &choice.waiting, id, replaces, &visitor.context).await {
        Ok((token, Waiting { next, email, password_changed_at, .. })) => {
            session_store::attach(&visitor.cookie, token).await?;
            let device = SetDevice(auth.renew_device_cookie(&email, password_changed_at, &visitor.context));
            Ok((Extension(device), Redirect::to(&next)).into_response())
        }
        Err((Error::DeviceLimit(devices), Some(waiting))) => Ok(ask(visitor.clone(), waiting, devices).await?),
        Err((error, _)) => Err(error.into()),
    }
}

/// Keeps the sign-in and shows what is signed in now.
pub async fn ask(visitor: Visitor, waiting: Waiting, devices: Box<[Session]>) -> Result<Response, Error> {
    let browser = visitor.browser.clone().unwrap_or_else(|| OpaqueToken::generate(BROWSER_PREFIX));
    let token = visitor.app.auth.wait_for_room(&browser, &waiting).await?;
    let cookie = AppendHeaders([cookie::set_browser(&visitor.app, &browser)]);
    let lang = visitor.lang;
    let status = HttpError::from(Error::DeviceLimit(Box::default())).status();
    let page = Layout::new(visitor, "room-title").status(status).render(move || {
        let devices = devices
            .into_iter()
            .map(|session| view! { <Device lang session waiting=Some(token.expose().to_owned()) /> })
            .collect_view();
        view! {
            <h1>{lang.t("room-title")}</h1>
            <p class="lead">{lang.t("room-text")}</p>
            <ul class="devices">{devices}</ul>
            <p class="actions"><a class="button secondary" href="/login">{lang.t("step-up-cancel")}</a></p>
        }
    });
    Ok((cookie, page.await).into_response())
}
