//! The messages of the islands, in one language. The server looks each of them up by its field's name: `sign_in` of
//! [`KeeperMessages`] is `keeper-sign-in` in `islands.ftl`. `%n%` is a number that only the browser knows.

use sekisho_model::EndReason as Reason;
use serde::{Deserialize, Serialize};

use super::protocol::EndReason;

macro_rules! messages {
    ($(#[$meta:meta])* $name:ident, $prefix:literal: $($field:ident),* $(,)?) => {
        $(#[$meta])*
        #[derive(Clone, Default, Deserialize, Serialize)]
        #[serde(from = "Vec<String>", into = "Vec<String>")]
        pub struct $name {
            $(pub(crate) $field: String,)*
        }

        // Serialised as a list, not a map: smaller in the page's HTML, and in the WASM that reads it.
        impl From<Vec<String>> for $name {
            fn from(messages: Vec<String>) -> Self {
                let mut messages = messages.into_iter();
                Self { $($field: messages.next().unwrap_or_default(),)* }
            }
        }

        impl From<$name> for Vec<String> {
            fn from(messages: $name) -> Self {
                vec![$(messages.$field,)*]
            }
        }

        impl $name {
            /// The locale keys of [`Self::from_lookup`], with `_` for `-`.
            pub const KEYS: &[&str] = &[$(concat!($prefix, stringify!($field)),)*];

            /// `lookup` returns the text of a locale key.
            pub fn from_lookup(lookup: impl Fn(&str) -> String) -> Self {
                Self { $($field: lookup(&concat!($prefix, stringify!($field)).replace('_', "-")),)* }
            }
        }
    };
}

messages! {
    /// Of the session keeper.
    KeeperMessages, "keeper-":
    idle_title, idle_text, absolute_title, absolute_text, seconds_left, stay, dismiss, sign_out, offline,
    sign_in_title, sign_in_text, email, password, sign_in, wrong_password, sign_in_failed, sign_in_page,
    code_text, code, wrong_code, passkey,
    draft_restored, draft_discard,
    sign_out_title, sign_out_text, sign_out_stay, sign_out_discard,
    end_reason_signed_out, end_reason_idle_timeout, end_reason_absolute_timeout, end_reason_revoked_by_user,
    end_reason_revoked_by_admin, end_reason_device_limit, end_reason_password_changed, end_reason_account_disabled,
    end_reason_refresh_reuse, end_reason_unknown,
}

impl KeeperMessages {
    /// Why a session ended, for the person.
    pub fn end_reason(&self, reason: EndReason) -> &str {
        match reason {
            EndReason::Known(Reason::SignedOut) => &self.end_reason_signed_out,
            EndReason::Known(Reason::IdleTimeout) => &self.end_reason_idle_timeout,
            EndReason::Known(Reason::AbsoluteTimeout) => &self.end_reason_absolute_timeout,
            EndReason::Known(Reason::RevokedByUser) => &self.end_reason_revoked_by_user,
            EndReason::Known(Reason::RevokedByAdmin) => &self.end_reason_revoked_by_admin,
            EndReason::Known(Reason::DeviceLimit) => &self.end_reason_device_limit,
            EndReason::Known(Reason::PasswordChanged) => &self.end_reason_password_changed,
            EndReason::Known(Reason::AccountDisabled) => &self.end_reason_account_disabled,
            EndReason::Known(Reason::RefreshReuse) => &self.end_reason_refresh_reuse,
            EndReason::Unknown => &self.end_reason_unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(ftl: &str) -> Vec<&str> {
        ftl.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect()
    }

    #[test]
    fn every_language_has_exactly_these_messages() {
        let expected: Vec<String> = KeeperMessages::KEYS.iter().map(|key| key.replace('_', "-")).collect();
        for ftl in [include_str!("../../locales/en/islands.ftl"), include_str!("../../locales/ja/islands.ftl")] {
            assert_eq!(keys_of(ftl), expected);
        }
    }
}
