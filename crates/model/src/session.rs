//! Kinds of sessions, authentication methods and end reasons.

use crate::word::words;

words! {
    /// The kind of a session, by its credential.
    SessionKind, "kind of session", {
        /// A cookie.
        Browser = "browser",
        /// Refresh and access tokens.
        Api = "api",
    }
}

words! {
    /// How a user authenticated.
    AuthMethod, "authentication method", {
        /// A password.
        Password = "password",
        /// OAuth with GitHub.
        Github = "github",
    }
}

words! {
    /// Why a session ended; used in API errors, on the sign-in page, in the log and in the browser.
    EndReason, "end reason", {
        /// The user signed out on this device.
        SignedOut = "signed_out",
        /// No activity for the policy's idle timeout.
        IdleTimeout = "idle_timeout",
        /// The policy's absolute timeout since sign-in passed.
        AbsoluteTimeout = "absolute_timeout",
        /// The user revoked it from another device.
        RevokedByUser = "revoked_by_user",
        /// An administrator revoked it.
        RevokedByAdmin = "revoked_by_admin",
        /// Evicted at the device limit by a newer sign-in.
        DeviceLimit = "device_limit",
        /// The password was changed or reset.
        PasswordChanged = "password_changed",
        /// The account was disabled.
        AccountDisabled = "account_disabled",
        /// Refresh token reuse: a copy was stolen.
        RefreshReuse = "refresh_reuse",
    }
}
