//! The offer to add a passkey, after a sign-in by password. It takes no for an answer.

use axum::{extract::State, http::HeaderMap, response::Redirect};
use leptos::prelude::*;

use super::{return_to::referring_path, script::use_script, visitor::Member};
use crate::{http::error::HttpError, locale::Lang, state::AppState};
use sekisho_core::{UnixMillis, session::SignedIn};
use sekisho_model::AuthMethod;

/// How long after the sign-in it is offered, in milliseconds.
const OFFERED_FOR: UnixMillis = 5 * 60_000;

/// Whether the page offers a passkey.
pub fn is_due(app: &AppState, SignedIn { user, session, .. }: &SignedIn) -> bool {
    app.core.passkey.is_available()
        && session.method == AuthMethod::Password
        && !user.auth_methods.contains(AuthMethod::Passkey)
        && user.passkey_offer_declined_at.is_none()
        && app.core.clock.now() - session.created_at < OFFERED_FOR
}

/// The offer.
#[component]
pub fn OfferPasskey(
    lang: Lang,
    /// When the session began.
    since: UnixMillis,
) -> impl IntoView {
    use_script();
    view! {
        <section id="passkey-offer" class="notice" data-kind="info" aria-labelledby="passkey-offer-title" hidden
            data-sign-in=since>
            <div class="passkey-offer">
                <p id="passkey-offer-title"><strong>{lang.t("passkey-offer-title")}</strong></p>
                <p>{lang.t("passkey-offer-text")}</p>
                <form method="post" action="/account/passkeys/decline" class="actions">
                    <a class="button" href="/account/security#passkeys">{lang.t("passkeys-add")}</a>
                    <button class="secondary">{lang.t("passkey-offer-decline")}</button>
                </form>
            </div>
        </section>
    }
}

/// `POST /account/passkeys/decline`: it is not offered again.
pub async fn decline(
    State(app): State<AppState>,
    headers: HeaderMap,
    Member { visitor, signed_in }: Member,
) -> Result<Redirect, HttpError> {
    app.core.passkeys.decline_offer(&signed_in.user.id, &visitor.context).await?;
    Ok(Redirect::to(&referring_path(&headers, &app.origin)))
}
