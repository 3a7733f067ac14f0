//! A session as a card, with the button that ends it.

use leptos::prelude::*;

use super::{
    client::NamedClient,
    icon::Picture,
    times::{Ago, Reader},
};
use crate::locale::Lang;
use sekisho_core::{Session, device_names::MAX_DEVICE_NAME};
use sekisho_model::SessionKind;

/// What a device is called in a table of an administrator.
pub fn device_name(lang: Lang, session: &Session) -> String {
    NamedClient::of_session(lang, session, None).name
}

/// What a kind of session is called.
pub fn kind_name(lang: Lang, kind: SessionKind) -> String {
    lang.t(match kind {
        SessionKind::Browser => "devices-kind-browser",
        SessionKind::Api => "devices-kind-api",
    })
}

/// When a session ends by itself: `Signs out in 52 min if you are away, tomorrow 20:15 at the latest`.
pub fn deadline_text(lang: Lang, session: &Session) -> Option<String> {
    let reader = Reader::of_page();
    let idle = session.idle_expires_at.map(|at| reader.left(at));
    let absolute = session.expires_at.map(|at| reader.moment(at));
    // Within the same time, being away makes no difference.
    let idle =
        idle.filter(|_| session.expires_at.is_none_or(|at| session.idle_expires_at.is_some_and(|idle| idle < at)));
    match (idle, absolute) {
        (Some(idle), Some(absolute)) => {
            Some(lang.t_with("devices-ends-idle-latest", &[("idle", &idle), ("latest", &absolute)]))
        }
        (Some(idle), None) => Some(lang.t1("devices-ends-idle", "idle", idle)),
        (None, Some(absolute)) => Some(lang.t1("devices-ends-latest", "latest", absolute)),
        (None, None) => None,
    }
}

/// One device, with the button that ends it.
#[component]
pub fn DeviceCard(
    lang: Lang,
    session: Session,
    /// What its owner calls it.
    #[prop(default = None)]
    own_name: Option<String>,
    #[prop(default = false)] current: bool,
    /// The token of a sign-in held up by the device limit, which ending this device completes.
    #[prop(optional)]
    pending: Option<String>,
) -> impl IntoView {
    let NamedClient { name, client, version, icon } = NamedClient::of_session(lang, &session, own_name.as_deref());
    let end_label = lang.t1("devices-end-label", "device", name.clone());
    let deadline = deadline_text(lang, &session);
    let action = match (pending.is_some(), current) {
        (true, _) => "/login/room",
        // Signing out needs no proof.
        (false, true) => "/logout",
        (false, false) => "/devices/end",
    };
    let id = session.id.to_string();
    let rename = pending.is_none().then(|| {
        view! { <Rename lang id=id.clone() name=name.clone() own_name=own_name.unwrap_or_default() /> }
    });
    let active = match current {
        true => view! { <dd>{lang.t("devices-active-now")}</dd> }.into_any(),
        false => view! { <dd><Ago at=session.last_active_at /></dd> }.into_any(),
    };
    view! {
        <li class="card" aria-current=current.then_some("true") data-kind=session.kind.as_str()>
            <Picture icon />
            <div class="device-name">
                <h2>{name}</h2>
                {(session.kind == SessionKind::Api).then(|| view! {
                    <span class="badge">{kind_name(lang, session.kind)}</span>
                })}
                {current.then(|| view! { <span class="badge" data-kind="current">{lang.t("devices-this")}</span> })}
            </div>
            <div class="device-facts">
                {client.map(|client| view! { <p>{client}</p> })}
                <dl>
                    <div><dt>{lang.t("devices-last-active")}</dt>{active}</div>
                    <div><dt>{lang.t("devices-signed-in")}</dt><dd><Ago at=session.created_at /></dd></div>
                    {version.map(|version| view! {
                        <div><dt>{lang.t("devices-version")}</dt><dd>{version}</dd></div>
                    })}
                    <div><dt>{lang.t("devices-address")}</dt><dd>{session.ip}</dd></div>
                </dl>
                {deadline.map(|text| view! { <p class="hint">{text}</p> })}
                {rename}
            </div>
            <form method="post" action=action class="end">
                {pending.map(|token| view! { <input type="hidden" name="waiting" value=token /> })}
                <input type="hidden" name="id" value=id />
                <button class="secondary" aria-label=end_label>{lang.t("devices-end")}</button>
            </form>
        </li>
    }
}

/// A name of one's own for a device, folded away.
#[component]
fn Rename(lang: Lang, id: String, name: String, own_name: String) -> impl IntoView {
    let field = format!("name-{id}");
    view! {
        <details class="rename">
            <summary aria-label=lang.t1("devices-rename-label", "device", name)>{lang.t("devices-rename")}</summary>
            <form method="post" action="/devices/rename">
                <input type="hidden" name="session" value=id />
                <div class="field">
                    <label for=field.clone()>{lang.t("devices-name")}</label>
                    <input id=field.clone() name="device" value=own_name maxlength=MAX_DEVICE_NAME.to_string()
                        autocomplete="off" aria-describedby=format!("{field}-hint") />
                    <p class="hint" id=format!("{field}-hint")>{lang.t("devices-name-hint")}</p>
                </div>
                <button class="secondary small">{lang.t("devices-name-save")}</button>
            </form>
        </details>
    }
}
