//! What is presented beside a first factor. It is verified when it is presented, and used up in the transaction that
//! begins the session: a code works once, however often it was sent.

use sekisho_model::AuthMethod;
use serde::{Deserialize, Serialize};

use crate::{error::Error, unit_of_work::UnitOfWork};

/// A verified second factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum SecondFactor {
    /// Enrolled in the course of this sign-in.
    Enrolled(AuthMethod),
}

impl SecondFactor {
    pub fn method(&self) -> AuthMethod {
        match self {
            Self::Enrolled(method) => *method,
        }
    }

    /// Uses it up.
    ///
    /// # Errors
    /// [`Error::InvalidCode`] if it was used meanwhile.
    #[expect(clippy::unused_async, reason = "the second factors follow")]
    pub async fn consume(&self, _work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        match self {
            Self::Enrolled(_) => Ok(()),
        }
    }
}
