//! What the session keeper, an island, is told with the page.

use crate::{
    islands::{KeeperConfig, KeeperMessages},
    locale::Lang,
    state::AppState,
};
use sekisho_core::{clock::millis, session::SignedIn};
use sekisho_model::AuthMethod;

/// What the keeper island is told with the page. It stands in the HTML: no secret in here.
pub fn keeper_config(app: &AppState, signed_in: &SignedIn, lang: Lang) -> KeeperConfig {
    let SignedIn { user, session, .. } = signed_in;
    let policy = &app.core.policy;
    let now = app.core.clock.now();
    KeeperConfig {
        user_id: user.id.to_string(),
        email: user.email.clone(),
        has_password: user.auth_methods.contains(AuthMethod::Password),
        has_passkey: app.core.passkey.is_usable_by(user),
        idle_remaining: session.idle_expires_at.map(|at| at - now),
        absolute_remaining: session.expires_at.map(|at| at - now),
        warning: millis(policy.idle_warning),
        refresh_lead: millis(policy.refresh_lead),
        // A little more, so that a report never comes too early to be written.
        report_interval: millis(policy.roll()) + 250,
        messages: KeeperMessages::from_lookup(|key| lang.t(key)),
    }
}
