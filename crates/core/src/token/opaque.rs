//! Opaque access tokens (`SEKISHO_STRATEGY=session`): random, stored as a hash, looked up at each request and never cached,
//! so that an end counts at once, wherever it happened. They end with their session.

use std::sync::Arc;

use sekisho_model::{EndReason, Scopes, SessionId};

use super::claims::Claims;
use crate::{
    clock::UnixMillis,
    db::{
        access_tokens::{self, AccessToken},
        sessions::{self, Session},
        users::User,
    },
    error::Error,
    secret::OpaqueToken,
    session::Sessions,
    unit_of_work::Store,
};

/// Prefix of opaque access tokens, which no JWT has, and by which secret scanners find leaks.
pub const PREFIX: &str = "sk_at_";
/// Tokens that one session may have: a client that asks on and on fills no disk. The oldest go.
const MAX_PER_SESSION: i64 = 100;

/// Issues and looks up opaque access tokens.
pub(crate) struct OpaqueAccessTokens {
    pub store: Arc<Store>,
    pub sessions: Arc<Sessions>,
    /// Lifetime of access tokens issued now, in milliseconds; shortened, it applies to older ones too.
    pub access_ttl: UnixMillis,
}

impl OpaqueAccessTokens {
    /// Stores a token with these claims.
    pub async fn issue(&self, claims: &Claims) -> Result<OpaqueToken, Error> {
        let token = OpaqueToken::generate(PREFIX);
        let row = AccessToken {
            jti: claims.jti.clone(),
            client_id: claims.client_id.clone(),
            audience: claims.aud.clone(),
            scope: claims.scope.to_string(),
            issued_at: claims.iat * 1000,
            expires_at: claims.exp * 1000,
        };
        let mut tx = self.store.db.begin().await?;
        access_tokens::insert(&mut *tx, &token.hash(), &claims.sid, &row).await?;
        access_tokens::delete_oldest(&mut *tx, &claims.sid, MAX_PER_SESSION).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Looks up a token for an accepted audience: its session must be live, and its user enabled. The claims about the
    /// user and their authentication are current ones.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::SessionEnded`].
    pub async fn look_up(
        &self,
        token: &OpaqueToken,
        issuer: &str,
        now: UnixMillis,
        accepts: impl Fn(&str) -> bool,
    ) -> Result<Claims, Error> {
        let found = access_tokens::find(self.store.reader(), &token.hash()).await?.ok_or(Error::InvalidToken)?;
        let (token, mut session) = (found.token, found.session);
        if !accepts(&token.audience) {
            return Err(Error::InvalidToken);
        }
        let user = self.require_live(&mut session).await?;
        let expires_at = token.expires_at.min(token.issued_at + self.access_ttl);
        if now >= expires_at {
            return Err(Error::InvalidToken);
        }
        Ok(Claims {
            iss: issuer.to_owned(),
            aud: token.audience,
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            jti: token.jti,
            iat: token.issued_at.div_euclid(1000),
            exp: expires_at.div_euclid(1000),
            nbf: None,
            client_id: token.client_id,
            scope: Scopes::parse(&token.scope).ok_or_else(|| Error::internal("a token's scope is unknown"))?,
            roles: user.role_names().map(Into::into).collect(),
            acr: session.assurance().to_string(),
            amr: session.amr(),
        })
    }

    /// As [`OpaqueAccessTokens::require_live`], by the session's id.
    pub async fn require_live_id(&self, id: &SessionId) -> Result<(), Error> {
        let mut session = sessions::find(self.store.reader(), id).await?.ok_or(Error::InvalidToken)?;
        self.require_live(&mut session).await.map(drop)
    }

    /// The user of a session, which must be live as its row is now.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::SessionEnded`].
    pub async fn require_live(&self, session: &mut Session) -> Result<Arc<User>, Error> {
        if let Some(reason) = self.sessions.expire_if_due(session).await? {
            return Err(reason.into());
        }
        let user = self.store.users.find(&session.user_id).await?.ok_or(Error::InvalidToken)?;
        if user.disabled_at.is_some() { Err(EndReason::AccountDisabled.into()) } else { Ok(user) }
    }
}
