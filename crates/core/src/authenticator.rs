//! Authenticators, one file each, and the proof of authentication they produce.
//!
//! [`Authenticated`] is required to begin a session; a user row alone is not enough. Only authenticators construct one,
//! and only [`sign_in`](crate::sign_in) consumes it; a test over the sources enforces this.

use sekisho_model::{AuthMethod, UserId};
use serde::{Deserialize, Serialize};

use passkey::Assertion;
use second_factor::SecondFactor;

use crate::{
    clock::UnixMillis,
    db::users::{AuthMethods, User},
    error::Error,
};

pub mod breached;
pub mod device_cookie;
pub mod github;
mod hashing;
pub mod passkey;
pub mod password;
pub mod recovery_code;
pub mod second_factor;
pub mod totp;
pub(crate) mod trusted_browser;

/// A user who has just authenticated.
///
/// Can't be constructed outside of this module, nor cloned: it is used once.
#[derive(Debug)]
pub struct Authenticated {
    user: Box<User>,
    proof: Proof,
}

/// How and when a user authenticated; stored encrypted while a sign-in is pending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub user_id: UserId,
    /// The value at authentication: a later password change invalidates the proof (ASVS 7.4.3).
    pub password_changed_at: Option<UnixMillis>,
    pub at: UnixMillis,
    pub method: AuthMethod,
    /// The provider's user id; the link must still exist when the session begins.
    pub subject: Option<String>,
    /// Of a passkey: still to be recorded.
    pub assertion: Option<Assertion>,
    /// What was presented beside it.
    pub second_factor: Option<SecondFactor>,
    /// Whether this browser shall need no second factor for a while.
    #[serde(default)]
    pub trust_browser: bool,
}

impl Authenticated {
    fn new(user: User, method: AuthMethod, subject: Option<String>, at: UnixMillis) -> Self {
        let (user_id, password_changed_at) = (user.id.clone(), user.password_changed_at);
        Self {
            proof: Proof {
                user_id,
                password_changed_at,
                at,
                method,
                subject,
                assertion: None,
                second_factor: None,
                trust_browser: false,
            },
            user: Box::new(user),
        }
    }

    /// The authenticated user.
    pub fn user(&self) -> &User {
        &self.user
    }

    pub(crate) fn into_parts(self) -> (User, Proof) {
        (*self.user, self.proof)
    }

    /// Adds a passkey's assertion.
    fn by(mut self, assertion: Assertion) -> Self {
        self.proof.assertion = Some(assertion);
        self
    }

    /// Adds a second factor.
    fn with(mut self, second_factor: SecondFactor) -> Self {
        self.proof.second_factor = Some(second_factor);
        self
    }

    /// Asks for this browser to be trusted, if the policy lets it.
    pub(crate) fn trusting_browser(mut self, trust_browser: bool) -> Self {
        self.proof.trust_browser = trust_browser;
        self
    }

    /// Whether this browser is to be trusted: not by a recovery code, which is for once.
    pub(crate) fn is_trusting_browser(&self) -> bool {
        let second_factor = self.proof.second_factor.as_ref().map(SecondFactor::method);
        self.proof.trust_browser && second_factor.is_some_and(AuthMethod::is_second_factor)
    }

    /// Restores a proof from a pending sign-in; `None` if it is another user's.
    pub(crate) fn resume(user: User, proof: Proof) -> Option<Self> {
        (user.id == proof.user_id).then(|| Self { user: Box::new(user), proof })
    }
}

impl Proof {
    /// The passkey that was presented, first or second.
    pub fn passkey_id(&self) -> Option<&str> {
        let second = match &self.second_factor {
            Some(SecondFactor::Passkey(assertion)) => Some(assertion),
            _ => None,
        };
        self.assertion.as_ref().or(second).map(|assertion| assertion.passkey_id.as_str())
    }

    /// Adds the second factor that the user has just enrolled; checked again when the session begins.
    pub fn with_enrolled(self, method: AuthMethod) -> Self {
        Self { second_factor: Some(SecondFactor::Enrolled(method)), ..self }
    }
}

impl AuthMethods {
    /// Rejects removing the account's last authenticator.
    ///
    /// # Errors
    /// [`Error::LastAuthMethod`].
    pub(crate) fn require_another_than(&self, method: AuthMethod) -> Result<(), Error> {
        if self.iter().any(|other| other != method && other.is_first_factor()) {
            Ok(())
        } else {
            Err(Error::LastAuthMethod)
        }
    }
}
