//! Step-up: something sensitive needs a proof of who it is that is no older than the policy says (ASVS 7.5.1).

use super::{
    Auth, Caller,
    act::Act,
    event::{Entry, Kind},
    millis,
    password::{Password, Verdict},
    secret::random,
    session::{CookieToken, SignedIn},
};
use crate::{
    db::{
        sessions::{self, Session},
        users::User,
    },
    error::Error,
};

/// How far the clocks of two nodes may differ, in milliseconds.
const SKEW: i64 = 30_000;

impl Auth {
    /// Refuses a session whose last proof is too old.
    pub fn require_recent(&self, session: &Session) -> Result<(), Error> {
        match self.policy.step_up {
            // A proof from the future, as after a clock was set back, is of no known age.
            Some(age) if !(-SKEW..=millis(age)).contains(&(self.clock.now() - session.authenticated_at)) => {
                Err(Error::StepUpRequired)
            }
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
        self.prove(&signed_in.user, &signed_in.session.id, ("password", password), caller).await?;
        self.stepped_up(signed_in, caller).await
    }

    /// Takes the password again for an API session. A browser's would need a new secret, which no API answer brings.
    pub async fn step_up_api(
        &self,
        user: &User,
        session_id: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        if session.token_hash.is_some() {
            return Err(Error::Forbidden);
        }
        self.prove(user, session_id, ("password", password), caller).await?;
        let mut act = self.begin(Some(caller)).await?;
        let now = act.now;
        if !sessions::set_authenticated(act.db(), session_id, now).await? {
            return Err(Error::InvalidToken);
        }
        act.log(Entry::new(Kind::SteppedUp).user(&user.id).session(session_id));
        act.commit().await.map(drop)
    }

    /// Checks the password of somebody who is signed in; `field` is the one that a wrong one is told at.
    pub(super) async fn prove(
        &self,
        user: &User,
        session_id: &str,
        (field, password): (&str, &str),
        caller: &Caller,
    ) -> Result<(), Error> {
        match self.known_device(&user.email, caller) {
            Some(device) => self.limits.password_from_device(&user.email, device)?,
            None => self.limits.password(caller.ip, &user.email)?,
        }
        self.limits.step_up(session_id)?;
        match self.passwords.verify(Password::presented(password), user.password_hash.clone()).await? {
            Verdict::Right | Verdict::RightOutdated => Ok(()),
            Verdict::Wrong => {
                self.log_failed_step_up(&user.id, session_id, caller).await?;
                Err(Error::field(field, "password-wrong"))
            }
        }
    }

    /// The proof, and a new secret for the session that gave it.
    pub(super) async fn stepped_up(&self, signed_in: &SignedIn, caller: &Caller) -> Result<CookieToken, Error> {
        let (user, session) = (&signed_in.user, &signed_in.session);
        let mut act = self.begin(Some(caller)).await?;
        let token = renew_cookie(&mut act, &session.id).await?;
        act.log(Entry::new(Kind::SteppedUp).user(&user.id).session(&session.id));
        act.commit().await?;
        Ok(token)
    }

    pub(super) async fn log_failed_step_up(&self, user: &str, session: &str, caller: &Caller) -> Result<(), Error> {
        self.log_alone(Entry::new(Kind::StepUpFailed).user(user).session(session), caller).await
    }
}

/// Gives a live session a new cookie secret, after the person proved again who they are (ASVS 7.2.4).
pub(super) async fn renew_cookie(act: &mut Act<'_>, id: &str) -> Result<CookieToken, Error> {
    let (token, now) = (CookieToken::new(random()), act.now);
    let renewed = sessions::replace_token(act.db(), id, &token.hash(), now).await?;
    if renewed { Ok(token) } else { Err(Error::NotSignedIn) }
}
