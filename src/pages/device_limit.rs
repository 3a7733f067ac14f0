//! The page of `/login/room`: all devices are in use, and the person, who has proved who they are, chooses which one
//! has to go.

use axum::response::{IntoResponse, Response};
use leptos::prelude::*;

use super::{device_card::DeviceCard, layout::Layout, pending_sign_in::suspend, visitor::Visitor};
use crate::http::error::HttpError;
use sekisho_core::{Error, Session, sign_in::PendingSignIn};

/// Keeps the pending sign-in and shows the sessions that there are now.
pub async fn ask(
    visitor: Visitor,
    pending: PendingSignIn,
    devices: Box<[Session]>,
    return_to: String,
) -> Result<Response, Error> {
    let (cookie, _, token) = suspend(&visitor, &pending, return_to).await?;
    let lang = visitor.lang;
    let status = HttpError::from(Error::DeviceLimit(Box::default())).status();
    let page = Layout::new(visitor, "device-limit-title").status(status).render(move || {
        let devices = devices
            .into_iter()
            .map(|session| view! { <DeviceCard lang session pending=token.expose().to_owned() /> })
            .collect_view();
        view! {
            <h1>{lang.t("device-limit-title")}</h1>
            <p class="lead">{lang.t("device-limit-text")}</p>
            <ul class="devices">{devices}</ul>
            <p class="actions"><a class="button secondary" href="/login">{lang.t("step-up-cancel")}</a></p>
        }
    });
    Ok((cookie, page.await).into_response())
}
