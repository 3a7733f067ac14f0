//! Kinds of e-mail messages and of the tokens in their links.

use crate::word::words;

words! {
    /// The kind of a message; its texts are `mail-<name>-…` in the locales.
    MailKind, "kind of mail", {
        /// A request to reset a password, not yet resolved to an account.
        RecoveryRequest = "recovery_request",
        /// Verifies the address of a new account.
        VerifyEmail = "verify_email",
        /// Somebody registered, or changed to, an address that has an account.
        AccountExists = "account_exists",
        /// Resets a forgotten password.
        ResetPassword = "reset_password",
        /// Confirms a new address.
        ConfirmEmail = "confirm_email",
        /// A security event (ASVS 6.3.7).
        Notice = "notice",
    }
}

words! {
    /// What the link in a message is for. A token for one purpose is not accepted for another.
    EmailTokenPurpose, "purpose of an e-mail token", {
        /// Verifies the account's address.
        VerifyEmail = "verify_email",
        /// Sets a new password.
        ResetPassword = "reset_password",
        /// Changes the account's address.
        ConfirmEmail = "confirm_email",
        /// Reverts a security event that its owner did not cause.
        NotMe = "not_me",
    }
}
