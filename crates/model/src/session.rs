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
        /// A passkey with user verification (WebAuthn): two factors in one.
        Passkey = "passkey",
        /// A code of an authenticator app (RFC 6238).
        Totp = "totp",
        /// A single-use recovery code.
        RecoveryCode = "recovery_code",
        /// A browser that presented a second factor before.
        TrustedBrowser = "trusted_browser",
    }
}

impl AuthMethod {
    /// Whether a sign-in can begin with it.
    pub fn is_first_factor(self) -> bool {
        matches!(self, Self::Password | Self::Github | Self::Passkey)
    }

    /// Whether it can be presented beside a first factor, and so satisfies a policy that requires a second one.
    pub fn is_second_factor(self) -> bool {
        matches!(self, Self::Passkey | Self::Totp)
    }

    /// Authentication method references (RFC 8176). None is registered for a sign-in at another provider.
    pub fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Passkey => &["pop", "user"],
            Self::Totp | Self::RecoveryCode => &["otp"],
            Self::Github | Self::TrustedBrowser => &[],
        }
    }
}

words! {
    /// How strong an authentication was, after the levels of NIST SP 800-63B; the claim `acr`.
    AssuranceLevel, "assurance level", {
        /// One factor.
        One = "urn:sekisho:aal1",
        /// Two factors, or a passkey with user verification.
        Two = "urn:sekisho:aal2",
    }
}

impl AssuranceLevel {
    /// The level of a first factor and what was presented beside it.
    pub fn of(method: AuthMethod, second_factor: Option<AuthMethod>) -> Self {
        match (method, second_factor) {
            (AuthMethod::Passkey, _) => Self::Two,
            (_, Some(second)) if second != AuthMethod::TrustedBrowser => Self::Two,
            _ => Self::One,
        }
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
