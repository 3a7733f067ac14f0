//! Making room: where the policy denies one device too many, the person, who has proved who they are, may choose which
//! device goes. Until then nobody is signed in: what waits here opens nothing else (GHSA-xg6x-h9c9-2m83).

use serde::{Deserialize, Serialize};

use super::{
    Auth, RequestContext,
    ceremony::{Ceremony, TTL},
    millis,
    secret::OpaqueToken,
    session::{CookieToken, Kind, Method, NewSession},
};
use crate::{
    db::{UnixMillis, sessions::Session, users::User},
    error::Error,
};

const PREFIX: &str = "sk_wt_";

/// A sign-in that waits for room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    user_id: String,
    pub email: String,
    pub password_changed_at: Option<UnixMillis>,
    /// When the person proved who they are: it does not wait for ever, however often they choose.
    proved_at: UnixMillis,
    method: Method,
    subject: Option<String>,
    /// Where the person was going.
    pub next: String,
}

impl Ceremony for Waiting {
    const NAME: &'static str = "ceremony-room";
}

impl Auth {
    /// A sign-in of somebody who has just proved who they are.
    pub fn waiting(&self, user: &User, (method, subject): (Method, Option<String>), next: String) -> Waiting {
        let (user_id, email, password_changed_at) = (user.id.clone(), user.email.clone(), user.password_changed_at);
        Waiting { user_id, email, password_changed_at, proved_at: self.clock.now(), method, subject, next }
    }

    /// Keeps a sign-in; the token continues at [`Auth::make_room`], in this browser.
    pub async fn wait_for_room(&self, browser: &OpaqueToken, waiting: &Waiting) -> Result<OpaqueToken, Error> {
        if self.clock.now() - waiting.proved_at >= millis(TTL) {
            return Err(Error::CeremonyGone);
        }
        let token = OpaqueToken::generate(PREFIX);
        self.keep_ceremony(&token.hash(), browser, waiting).await?;
        Ok(token)
    }

    /// Ends the chosen session and begins the one that waited. Still too many, as after a sign-in elsewhere, is
    /// [`Error::DeviceLimit`] with what is signed in now.
    pub async fn make_room(
        &self,
        browser: &OpaqueToken,
        token: &str,
        end: &str,
        replaces: Option<&Session>,
        context: &RequestContext,
    ) -> Result<(CookieToken, Waiting), (Error, Option<Waiting>)> {
        let gone = || (Error::CeremonyGone, None);
        let token = OpaqueToken::parse(PREFIX, token).ok_or_else(gone)?;
        let taken: Option<Waiting> = self.take_ceremony(&token.hash(), browser).await.map_err(|error| (error, None))?;
        let waiting = taken.ok_or_else(gone)?;
        let new = NewSession {
            user_id: &waiting.user_id,
            password_changed_at: waiting.password_changed_at,
            proved_at: waiting.proved_at,
            kind: Kind::Browser,
            method: waiting.method,
            subject: waiting.subject.as_deref(),
            device: None,
            replaces,
            instead_of: Some(end),
            scope: None,
        };
        match self.begin_browser_session(new, context).await {
            Ok(cookie) => Ok((cookie, waiting)),
            Err(error) => Err((error, Some(waiting))),
        }
    }
}
