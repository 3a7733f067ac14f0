//! The keeper's part of the page: what the server knows when it renders it.

use serde::{Deserialize, Serialize};

use crate::{browser::clock::Millis, islands::messages::KeeperMessages};

/// Props of the island, and so readable in the page's HTML: no secret in here.
#[derive(Clone, Deserialize, Serialize)]
pub struct KeeperConfig {
    /// Drafts, and what other tabs say, count for this account only.
    pub user_id: String,
    /// Shown when the person is asked to sign in again.
    pub email: String,
    /// Whether the person can sign in again on this page.
    pub has_password: bool,
    /// Whether that can be by a passkey.
    pub has_passkey: bool,
    /// Until the idle deadline, in milliseconds; `None`: no idle timeout.
    pub idle_remaining: Option<Millis>,
    /// Until the absolute deadline, in milliseconds; `None`: no absolute timeout.
    pub absolute_remaining: Option<Millis>,
    /// How long before a deadline to warn, in milliseconds; 0: no warning.
    pub warning: Millis,
    /// How long before its expiry an access token is renewed, in milliseconds.
    pub refresh_lead: Millis,
    /// Activity is reported at most once in this time by all tabs together, in milliseconds.
    pub report_interval: Millis,
    /// In the language of the page.
    pub messages: KeeperMessages,
}
