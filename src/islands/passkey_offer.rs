//! Shows the offer of a passkey after a sign-in, once, in a browser that can make one.

use leptos::{prelude::*, task::spawn_local};

use super::protocol::{PASSKEY_OFFER, storage_key::PASSKEY_OFFERED};
use crate::browser::{session_storage, webauthn};

/// `session` tells one sign-in from another. Without JavaScript nothing is shown.
#[island]
pub fn PasskeyOffer(session: String) -> impl IntoView {
    Effect::new(move || {
        let session = session.clone();
        spawn_local(async move {
            if session_storage::get(PASSKEY_OFFERED).as_deref() != Some(&session)
                && webauthn::has_platform_authenticator().await
                && let Some(offer) = document().get_element_by_id(PASSKEY_OFFER)
            {
                session_storage::set(PASSKEY_OFFERED, &session);
                let _ = offer.remove_attribute("hidden");
            }
        });
    });
}
