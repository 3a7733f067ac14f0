//! Step-up: something sensitive needs a proof of who it is that is no older than the policy says (ASVS 7.5.1).

use super::{
    Auth, Caller,
    event::{Entry, Kind},
    millis,
    password::{Password, Verdict},
    session::{CookieToken, SignedIn},
};
use crate::{
    db::{
        sessions::{self, Session},
        users::User,
    },
    error::Error,
};

impl Auth {
    /// Refuses a session whose last proof is too old.
    pub fn require_recent(&self, session: &Session) -> Result<(), Error> {
        match self.policy.step_up {
            Some(age) if self.clock.now() - session.authenticated_at > millis(age) => Err(Error::StepUpRequired),
            _ => Ok(()),
        }
    }

    /// Refuses an API session whose last proof is too old.
    pub async fn require_recent_api(&self, session_id: &str) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        self.require_recent(&session)
    }

    /// Takes the password again, and gives a browser's session a new secret for it (ASVS 7.2.4).
    pub async fn step_up(&self, signed_in: &SignedIn, password: &str, caller: &Caller) -> Result<CookieToken, Error> {
        self.prove(&signed_in.user, &signed_in.session.id, password, caller).await?;
        self.stepped_up(signed_in, caller).await
    }

    /// Takes the password again for an API session.
    pub async fn step_up_api(
        &self,
        user: &User,
        session_id: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<(), Error> {
        self.prove(user, session_id, password, caller).await?;
        if !sessions::set_authenticated(self.db.writer(), session_id, self.clock.now()).await? {
            return Err(Error::InvalidToken);
        }
        self.log_alone(Entry::new(Kind::SteppedUp).user(&user.id).session(session_id), Some(caller)).await
    }

    async fn prove(&self, user: &User, session_id: &str, password: &str, caller: &Caller) -> Result<(), Error> {
        self.limits.sign_in(caller.ip, &user.email)?;
        match self.passwords.verify(Password::presented(password), user.password_hash.clone()).await? {
            Verdict::Right | Verdict::RightOutdated => Ok(()),
            Verdict::Wrong => {
                let entry = Entry::new(Kind::StepUpFailed).user(&user.id).session(session_id);
                self.log_alone(entry, Some(caller)).await?;
                Err(Error::field("password", "password-wrong"))
            }
        }
    }

    pub(super) async fn stepped_up(&self, signed_in: &SignedIn, caller: &Caller) -> Result<CookieToken, Error> {
        let token = self.renew_cookie(&signed_in.session.id).await?;
        self.log_step_up(Kind::SteppedUp, signed_in, caller).await?;
        Ok(token)
    }

    pub(super) async fn log_step_up(&self, kind: Kind, signed_in: &SignedIn, caller: &Caller) -> Result<(), Error> {
        let entry = Entry::new(kind).user(&signed_in.user.id).session(&signed_in.session.id);
        self.log_alone(entry, Some(caller)).await
    }
}
