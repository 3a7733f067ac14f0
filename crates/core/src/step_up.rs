//! Step-up: something sensitive needs a proof of who it is that is no older than the policy says (ASVS 7.5.1).

use super::{
    Auth, RequestContext,
    act::Act,
    event::{Entry, Kind},
    millis,
    password::{Password, Verdict},
    role::{ADMINISTER, Permissions},
    secret::random,
    session::{CookieToken, Method, SignedIn},
};
use crate::{
    db::{
        UnixMillis,
        sessions::{self, Session},
        users::{self, User},
    },
    error::Error,
};

/// How far the clocks of two nodes may differ, in milliseconds.
const SKEW: i64 = 30_000;

impl Auth {
    /// Refuses a session whose last proof is too old, or counts for too little: GitHub sends a browser back without
    /// asking anybody anything, so an account with a password, and an administrator, prove themselves by the password.
    pub fn require_recent(&self, signed_in: &SignedIn) -> Result<(), Error> {
        self.require_proof(&signed_in.user, &signed_in.session, &signed_in.permissions)
    }

    /// As [`Auth::require_recent`], for the session that a token names: a browser's hands out tokens as well.
    pub async fn require_recent_api(&self, session_id: &str) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        let user = users::find(self.db.reader(), &session.user_id).await?.ok_or(Error::InvalidToken)?;
        let permissions = self.permissions(&user).await?;
        self.require_proof(&user, &session, &permissions)
    }

    fn require_proof(&self, user: &User, session: &Session, permissions: &Permissions) -> Result<(), Error> {
        let needs_password = user.password_hash.is_some() || permissions.allow(ADMINISTER);
        if self.policy.step_up.is_some() && needs_password && session.method != Method::Password.as_str() {
            return Err(Error::StepUpRequired);
        }
        self.require_since(session.authenticated_at)
    }

    /// Refuses to set a first password, unless the sign-in itself is recent: a step-up through GitHub is not enough for
    /// what lets somebody in from then on. An administrator's is set on the command line, as whoever sits at an unlocked
    /// browser could else make themselves one through GitHub.
    pub fn require_recent_sign_in(&self, signed_in: &SignedIn) -> Result<(), Error> {
        if self.policy.step_up.is_some() && signed_in.permissions.allow(ADMINISTER) {
            return Err(Error::Forbidden);
        }
        self.require_since(signed_in.session.created_at)
    }

    fn require_since(&self, at: UnixMillis) -> Result<(), Error> {
        match self.policy.step_up {
            // A proof from the future, as after a clock was set back, is of no known age.
            Some(age) if !(-SKEW..=millis(age)).contains(&(self.clock.now() - at)) => Err(Error::StepUpRequired),
            _ => Ok(()),
        }
    }

    /// Takes the password again, and gives a browser's session a new secret for it (ASVS 7.2.4).
    pub async fn step_up(
        &self,
        signed_in: &SignedIn,
        password: &str,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        self.prove(&signed_in.user, &signed_in.session.id, ("password", password), context).await?;
        self.stepped_up(signed_in, Method::Password, context).await
    }

    /// Takes the password again for an API session. A browser's would need a new secret, which no API answer brings.
    pub async fn step_up_api(
        &self,
        user: &User,
        session_id: &str,
        password: &str,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let session = sessions::find(self.db.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        if session.token_hash.is_some() {
            return Err(Error::Forbidden);
        }
        self.prove(user, session_id, ("password", password), context).await?;
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        if !sessions::set_authenticated(act.db(), session_id, now).await? {
            return Err(Error::InvalidToken);
        }
        act.log(Entry::new(Kind::SteppedUp).user(&user.id).session(session_id));
        act.commit().await.map(drop)
    }

    /// Checks the password of somebody who is signed in; `field` is the one that a wrong one is told at. Counted like a
    /// sign-in, for the account over all networks as well: a stolen session is no place to guess from (ASVS 6.3.1).
    pub(super) async fn prove(
        &self,
        user: &User,
        session_id: &str,
        (field, password): (&str, &str),
        context: &RequestContext,
    ) -> Result<(), Error> {
        match self.known_device(&user.email, context).filter(|device| device.is_since(user.password_changed_at)) {
            Some(device) => self.limits.password_from_device(&user.email, device.nonce)?,
            None => self.limits.password(context.ip, &user.email)?,
        }
        self.limits.step_up(session_id, &user.email)?;
        match self.passwords.verify(Password::presented(password), user.password_hash.clone()).await? {
            Verdict::Right | Verdict::RightOutdated => Ok(()),
            Verdict::Wrong => {
                self.log_failed_step_up(&user.id, session_id, context).await?;
                Err(Error::field(field, "password-wrong"))
            }
        }
    }

    /// The proof, and a new secret for the session that gave it.
    pub(super) async fn stepped_up(
        &self,
        signed_in: &SignedIn,
        method: Method,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let (user, session) = (&signed_in.user, &signed_in.session);
        let mut act = self.begin(Some(context)).await?;
        let token = renew_cookie(&mut act, &session.id, method).await?;
        act.log(Entry::new(Kind::SteppedUp).user(&user.id).session(&session.id));
        act.commit().await?;
        Ok(token)
    }

    pub(super) async fn log_failed_step_up(
        &self,
        user: &str,
        session: &str,
        context: &RequestContext,
    ) -> Result<(), Error> {
        self.log_alone(Entry::new(Kind::StepUpFailed).user(user).session(session), context).await
    }
}

/// Gives a live session a new cookie secret, after the person proved again who they are (ASVS 7.2.4).
pub(super) async fn renew_cookie(act: &mut Act<'_>, id: &str, method: Method) -> Result<CookieToken, Error> {
    let (token, now) = (CookieToken::new(random()), act.now);
    let renewed = sessions::replace_token(act.db(), id, &token.hash(), method.as_str(), now).await?;
    if renewed { Ok(token) } else { Err(Error::NotSignedIn) }
}
