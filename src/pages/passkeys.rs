//! The passkeys of an account, as a section of `/account/security`: add, rename, remove.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    layout::When,
    passkey_form::{CeremonyKind, PasskeyFields, PasskeyInput},
    step_up::RecentlyAuthenticated,
    visitor::Member,
};
use crate::{http::error::HttpError, locale::Lang};
use sekisho_core::{Error, Passkey, passkeys::MAX, session::device_name};
use sekisho_model::AuthMethod;

/// What the section shows.
#[derive(Clone)]
pub struct PasskeyList {
    passkeys: Vec<Passkey>,
    /// Whether another can be added.
    can_add: bool,
    /// Whether the only one that is accepted is the account's only way in.
    is_only_way_in: bool,
    /// The name suggested for it.
    device: String,
}

impl PasskeyList {
    /// Of this member; `None` where there are none and can't be any.
    pub async fn of(member: &Member) -> Result<Option<Self>, Error> {
        let core = &member.visitor.app.core;
        let passkeys = core.passkeys.list(&member.signed_in.user.id).await?;
        let available = core.passkey.is_available();
        let usable = passkeys.iter().filter(|passkey| passkey.suspended_at.is_none()).count();
        let methods = &member.signed_in.user.auth_methods;
        let another = methods.iter().any(|method| method.is_first_factor() && method != AuthMethod::Passkey);
        let list = Self {
            is_only_way_in: usable == 1 && !another,
            can_add: available && passkeys.len() < MAX,
            device: device_name(&member.visitor.context.user_agent),
            passkeys,
        };
        Ok((available || !list.passkeys.is_empty()).then_some(list))
    }
}

/// What `?done=…` says of passkeys: a locale key.
pub fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        "passkey-added" => "passkeys-added",
        "passkey-renamed" => "passkeys-renamed",
        "passkey-removed" => "passkeys-removed",
        "passkey-confirmed" => "passkeys-confirmed",
        "passkey-again" => "passkeys-sign-in-again",
        _ => return None,
    })
}

/// To the page with the section, saying what was done.
fn to_section(done: &str) -> Response {
    Redirect::to(&format!("/account/security?done={done}")).into_response()
}

#[derive(Deserialize)]
pub struct EnrolmentForm {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    passkey: PasskeyFields,
}

/// `POST /account/passkeys`. Without a passkey only the step-up was asked for, which the ceremony needs first.
pub async fn enrol(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, EnrolmentForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &who;
    let passkeys = &visitor.app.core.passkeys;
    let Some(response) = form.passkey.response() else {
        return match passkeys.require_enrolment_allowed(signed_in).await {
            Ok(()) => Ok(to_section("passkey-confirmed")),
            // GitHub's proof is too weak.
            Err(Error::StepUpRequired { .. }) => Ok(to_section("passkey-again")),
            Err(error) => Err(error.into()),
        };
    };
    let browser = visitor.browser.as_ref().ok_or(Error::FlowGone)?;
    passkeys.enrol(browser, response, &form.name, signed_in, &visitor.context).await?;
    Ok(to_section("passkey-added"))
}

#[derive(Deserialize)]
pub struct RenameForm {
    id: String,
    name: String,
}

/// `POST /account/passkeys/rename`
pub async fn rename(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, RenameForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &who;
    visitor.app.core.passkeys.rename(&form.id, &form.name, signed_in, &visitor.context).await?;
    Ok(to_section("passkey-renamed"))
}

#[derive(Deserialize)]
pub struct RemoveForm {
    id: String,
}

/// `POST /account/passkeys/remove`
pub async fn remove(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, RemoveForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &who;
    visitor.app.core.passkeys.remove(&form.id, signed_in, &visitor.context).await?;
    Ok(to_section("passkey-removed"))
}

/// The passkeys, and the form that adds one.
#[component]
pub fn PasskeySection(lang: Lang, list: PasskeyList) -> impl IntoView {
    let PasskeyList { passkeys, can_add, is_only_way_in, device } = list;
    let none = passkeys.is_empty().then(|| view! { <p class="hint">{lang.t("passkeys-none")}</p> });
    let items = passkeys
        .into_iter()
        .map(|passkey| {
            let removable = !is_only_way_in || passkey.suspended_at.is_some();
            view! { <PasskeyItem lang passkey removable /> }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="passkeys">
            <h2 id="passkeys">{lang.t("passkeys-title")}</h2>
            <p>{lang.t("passkeys-text")}</p>
            {none}
            <ul class="passkeys">{items}</ul>
            {can_add.then(|| view! {
                <form method="post" action="/account/passkeys">
                    <div class="field">
                        <label for="passkey-name">{lang.t("passkeys-name")}</label>
                        <input id="passkey-name" name="name" value=device maxlength="100" autocomplete="off" />
                    </div>
                    <PasskeyInput lang kind=CeremonyKind::Enrolment label="passkeys-add" />
                    <noscript><p class="hint">{lang.t("passkeys-no-script")}</p></noscript>
                </form>
            })}
        </section>
    }
}

#[component]
fn PasskeyItem(lang: Lang, passkey: Passkey, removable: bool) -> impl IntoView {
    let synced = if passkey.is_synced() { "passkeys-synced" } else { "passkeys-device-bound" };
    let Passkey { id, name, created_at, last_used_at, suspended_at, .. } = passkey;
    let rename_label = lang.t1("passkeys-rename-label", "name", name.clone());
    let remove_label = lang.t1("passkeys-remove-label", "name", name.clone());
    let new_name_label = lang.t1("passkeys-new-name-label", "name", name.clone());
    view! {
        <li>
            <div class="device-name">
                <h3>{name.clone()}</h3>
                <span class="badge">{lang.t(synced)}</span>
                {suspended_at.map(|_| view! {
                    <span class="badge" data-kind="warning">{lang.t("passkeys-suspended")}</span>
                })}
            </div>
            {suspended_at.map(|_| view! { <p class="hint">{lang.t("passkeys-suspended-text")}</p> })}
            <dl>
                <div><dt>{lang.t("passkeys-created")}</dt><dd><When at=created_at /></dd></div>
                <div>
                    <dt>{lang.t("passkeys-last-used")}</dt>
                    <dd>
                        {match last_used_at {
                            Some(at) => view! { <When at /> }.into_any(),
                            None => lang.t("passkeys-never-used").into_any(),
                        }}
                    </dd>
                </div>
            </dl>
            <div class="actions">
                {if removable {
                    view! {
                        <form method="post" action="/account/passkeys/remove">
                            <input type="hidden" name="id" value=id.clone() />
                            <button class="secondary" aria-label=remove_label>{lang.t("passkeys-remove")}</button>
                        </form>
                    }
                    .into_any()
                } else {
                    view! { <p class="hint">{lang.t("passkeys-only")}</p> }.into_any()
                }}
                <details>
                    <summary aria-label=rename_label>{lang.t("passkeys-rename")}</summary>
                    <form method="post" action="/account/passkeys/rename">
                        <input type="hidden" name="id" value=id />
                        <input name="name" value=name maxlength="100" required autocomplete="off"
                            aria-label=new_name_label />
                        <button class="secondary">{lang.t("passkeys-rename-submit")}</button>
                    </form>
                </details>
            </div>
        </li>
    }
}
