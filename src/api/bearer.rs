//! Who calls the API: the one place that reads the `Authorization` header.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use crate::{http::problem::Problem, middleware::request_context::request_context, state::AppState};
use sekisho_core::{Actor, Error, RequestContext, User, token::access::Claims};
use sekisho_model::{EndReason, Permission, Scope};

/// The scope that an endpoint requires of a token.
pub trait RequiredScope: Send + Sync + 'static {
    /// `None`: any valid token will do.
    const SCOPE: Option<Scope>;
}

macro_rules! required_scopes {
    ($($(#[$doc:meta])* $name:ident = $scope:expr,)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl RequiredScope for $name {
                const SCOPE: Option<Scope> = $scope;
            }
        )*
    };
}

required_scopes! {
    /// No scope in particular.
    AnyScope = None,
    /// `account:read`
    AccountRead = Some(Scope::AccountRead),
    /// `account`
    Account = Some(Scope::Account),
    /// `sessions`
    Sessions = Some(Scope::Sessions),
    /// `admin`
    Admin = Some(Scope::Admin),
}

/// Somebody with a valid access token that has the scope `S`. No token is 401 with a bare challenge; a bad one is never
/// taken for none; one that was made for something else is 403.
#[derive(Clone, Debug)]
pub struct BearerUser<S> {
    required: PhantomData<S>,
    /// Of the verified token; `sub` is the user's id, `sid` the session's.
    pub claims: Arc<Claims>,
    /// Who asks, by the session of the token: what is changed is refused once that row has ended.
    pub context: RequestContext,
}

impl<S: RequiredScope> BearerUser<S> {
    /// The user behind the token, as the database has them now.
    pub async fn user(&self, app: &AppState) -> Result<Arc<User>, Error> {
        let user = app.core.accounts.find(&self.claims.sub).await?.ok_or(Error::InvalidToken)?;
        // On another node the row may say so before the list of ended sessions does.
        if user.disabled_at.is_some() { Err(EndReason::AccountDisabled.into()) } else { Ok(user) }
    }
}

/// Somebody with a valid access token for it who may administer, by what the database says of them now.
#[derive(Clone, Debug)]
pub struct BearerAdmin {
    /// Of the verified token; `sub` is the user's id, `sid` the session's.
    pub claims: Arc<Claims>,
    /// Named as the one who acts, by the session of the token.
    pub context: RequestContext,
}

impl FromRequestParts<AppState> for BearerAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let bearer = BearerUser::<Admin>::from_request_parts(parts, app).await?;
        let user = bearer.user(app).await?;
        if !app.core.roles.permissions(&user).await?.allow(Permission::ADMINISTER) {
            return Err(Error::Forbidden.into());
        }
        let context = RequestContext { actor: Some(Actor::Administrator(user.id.clone())), ..bearer.context };
        Ok(Self { claims: bearer.claims, context })
    }
}

/// An administrator who proved lately who they are (ASVS 7.5.1): for what changes something.
#[derive(Clone, Debug)]
pub struct RecentAdmin(pub BearerAdmin);

impl FromRequestParts<AppState> for RecentAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let admin = BearerAdmin::from_request_parts(parts, app).await?;
        app.core.step_up.require_recent_api(&admin.claims.sid).await?;
        Ok(Self(admin))
    }
}

impl<S: RequiredScope> FromRequestParts<AppState> for BearerUser<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let claims = app.core.access_tokens.verify(token).await?;
        if let Some(scope) = S::SCOPE.filter(|scope| !claims.scope.allow(*scope)) {
            return Err(Error::InsufficientScope(scope).into());
        }
        let context = request_context(parts)?;
        Ok(Self {
            required: PhantomData,
            context: RequestContext { session_id: Some(claims.sid.clone()), ..context },
            claims,
        })
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Error::Unauthenticated)?;
    if values.next().is_some() {
        return Err(Error::InvalidToken);
    }
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or(Error::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_matches(' ')) } else { Err(Error::InvalidToken) }
}
