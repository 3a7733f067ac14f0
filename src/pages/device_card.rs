//! A session as a card, with the button that ends it.

use leptos::prelude::*;

use super::layout::When;
use crate::locale::Lang;
use sekisho_core::Session;
use sekisho_model::SessionKind;

/// What a device is called.
pub fn device_name(lang: Lang, session: &Session) -> String {
    if session.device.is_empty() { lang.t("devices-unknown") } else { session.device.clone() }
}

/// What a kind of session is called.
pub fn kind_name(lang: Lang, kind: SessionKind) -> String {
    lang.t(match kind {
        SessionKind::Browser => "devices-kind-browser",
        SessionKind::Api => "devices-kind-api",
    })
}

/// One device, with the button that ends it.
#[component]
pub fn DeviceCard(
    lang: Lang,
    session: Session,
    #[prop(default = false)] current: bool,
    /// The token of a sign-in held up by the device limit, which ending this device completes.
    #[prop(optional)]
    pending: Option<String>,
) -> impl IntoView {
    let name = device_name(lang, &session);
    let end_label = lang.t1("devices-end-label", "device", name.clone());
    let deadline = session.deadline();
    let action = match (pending.is_some(), current) {
        (true, _) => "/login/room",
        // Signing out needs no proof.
        (false, true) => "/logout",
        (false, false) => "/devices/end",
    };
    view! {
        <li class="card" aria-current=current.then_some("true") data-kind=session.kind.as_str()>
            <div class="device-name">
                <h2>{name}</h2>
                <span class="badge">{kind_name(lang, session.kind)}</span>
                {current.then(|| view! { <span class="badge" data-kind="current">{lang.t("devices-this")}</span> })}
            </div>
            <dl>
                <div><dt>{lang.t("devices-signed-in")}</dt><dd><When at=session.created_at /></dd></div>
                <div><dt>{lang.t("devices-last-active")}</dt><dd><When at=session.last_active_at /></dd></div>
                {deadline.map(|at| view! { <div><dt>{lang.t("devices-ends")}</dt><dd><When at /></dd></div> })}
                <div><dt>{lang.t("devices-address")}</dt><dd>{session.ip}</dd></div>
            </dl>
            <form method="post" action=action>
                {pending.map(|token| view! { <input type="hidden" name="waiting" value=token /> })}
                <input type="hidden" name="id" value=session.id.to_string() />
                <button class="secondary" aria-label=end_label>{lang.t("devices-end")}</button>
            </form>
        </li>
    }
}
