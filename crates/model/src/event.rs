//! The kinds of security events.

use crate::word::words;

words! {
    /// A kind of security event; its text is `event-<name>` in the locales.
    EventKind, "kind of event", {
        /// An account was created.
        Registered = "registered",
        /// A session began.
        SignedIn = "sign_in",
        /// A sign-in failed or was rejected.
        SignInFailed = "sign_in_failed",
        /// A sign-in on a device, or from a network, new to the account.
        NewDevice = "new_device",
        /// A reauthentication succeeded.
        SteppedUp = "step_up",
        /// A reauthentication failed.
        StepUpFailed = "step_up_failed",
        /// A session ended.
        SessionEnded = "session_ended",
        /// The password was changed or reset.
        PasswordChanged = "password_changed",
        /// The owner of an address asked to reset the password.
        RecoveryRequested = "recovery_requested",
        /// A forgotten password was reset by e-mail.
        RecoveryUsed = "recovery_used",
        /// The owner reverted a security event that they had not caused.
        NotMe = "not_me",
        /// The e-mail address was verified.
        EmailVerified = "email_verified",
        /// The e-mail address was changed.
        EmailChanged = "email_changed",
        /// A GitHub account was linked.
        GithubLinked = "github_linked",
        /// GitHub accounts were unlinked.
        GithubUnlinked = "github_unlinked",
        /// A second factor was enrolled, or replaced by another.
        SecondFactorAdded = "second_factor_added",
        /// A second factor was removed.
        SecondFactorRemoved = "second_factor_removed",
        /// An administrator requested the removal of second factors, which the user can still stop.
        SecondFactorResetRequested = "second_factor_reset_requested",
        /// A requested removal of second factors was stopped.
        SecondFactorResetCancelled = "second_factor_reset_cancelled",
        /// A wrong or used code, after a right first factor.
        SecondFactorFailed = "second_factor_failed",
        /// A recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// New recovery codes replaced those until then.
        RecoveryCodesRegenerated = "recovery_codes_regenerated",
        /// A browser was exempted from the second factor for a while.
        BrowserTrusted = "browser_trusted",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// A passkey's signature counter went back: a copy of its private key may exist. It is suspended.
        PasskeyCloned = "passkey_cloned",
        /// A used refresh token was replayed and accepted: probably a lost response.
        RefreshReplayed = "refresh_replayed",
        /// Refresh token reuse: a copy was stolen.
        RefreshReuse = "refresh_reuse",
        /// The user exported what is stored about them.
        DataExported = "data_exported",
        /// The account's deletion was requested.
        AccountDeletionRequested = "account_deletion_requested",
        /// A requested deletion was cancelled: the account is kept.
        AccountDeletionCancelled = "account_deletion_cancelled",
        /// The account was removed.
        AccountRemoved = "account_removed",
        /// The account was disabled.
        AccountDisabled = "account_disabled",
        /// The account was enabled again.
        AccountEnabled = "account_enabled",
        /// The account's roles changed.
        RolesChanged = "roles_changed",
        /// A role was created or changed.
        RoleSaved = "role_saved",
        /// A role was deleted.
        RoleRemoved = "role_removed",
        /// An administrator revoked all sessions of all users.
        GlobalSignOut = "everybody_ended",
        /// An administrator exported the log.
        LogExported = "log_exported",
        /// Housekeeping removed entries beyond the retention period.
        LogTrimmed = "log_trimmed",
        /// Tampering with the log was detected.
        LogTampered = "log_tampered",
        /// The next signing key was created.
        KeyRotated = "key_rotated",
        /// A signing key was withdrawn.
        KeyWithdrawn = "key_withdrawn",
        /// Stored keys were re-encrypted with a new secret.
        SecretRotated = "secret_rotated",
    }
}

impl EventKind {
    /// Kinds of which the user is notified (ASVS 6.3.7).
    pub const NOTICES: [Self; 16] = [
        Self::NewDevice,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::RecoveryUsed,
        Self::GithubLinked,
        Self::GithubUnlinked,
        Self::SecondFactorAdded,
        Self::SecondFactorRemoved,
        Self::SecondFactorResetRequested,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesRegenerated,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyCloned,
        Self::RefreshReuse,
        Self::AccountDeletionRequested,
    ];

    /// `failure` or `success`.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::SignInFailed
            | Self::SecondFactorFailed
            | Self::StepUpFailed
            | Self::PasskeyCloned
            | Self::RefreshReuse
            | Self::LogTampered => "failure",
            _ => "success",
        }
    }
}
