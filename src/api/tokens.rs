//! `/api/v1/tokens`: signing in, refreshing, signing out.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::bearer::{AnyScope, BearerUser};
use crate::{
    http::{
        error::HttpError,
        json::JsonBody,
        problem::Problem,
        session_response::{second_factor_problem, sign_in_problem},
    },
    state::AppState,
};
use sekisho_core::{
    Error, RequestContext, SessionSelector,
    authenticator::second_factor::PresentedCode,
    parse_id,
    sign_in::{ApiClient, SignInStep},
    token::refresh::Grant,
};
use sekisho_model::{AuthMethod, EndReason, SessionId};

const MAX_DEVICE: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    email: String,
    password: String,
    /// What the device list calls this client.
    device: Option<String>,
    /// The id of a session to end first, as the answer `device_limit` lists them.
    end_session: Option<String>,
    /// The service that the access token is for; by default Sekisho itself.
    audience: Option<String>,
    /// The most that this session's tokens may do; by default everything.
    scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    refresh_token: String,
    audience: Option<String>,
    /// No more than at the sign-in, which is the default (RFC 6749, section 6).
    scope: Option<String>,
}

/// Lifetimes are in seconds.
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: String,
    refresh_expires_in: i64,
    session_id: SessionId,
}

impl From<Grant> for TokenResponse {
    fn from(grant: Grant) -> Self {
        Self {
            access_token: grant.access.token,
            token_type: "Bearer",
            expires_in: grant.access.expires_in,
            refresh_token: grant.refresh_token.expose().to_owned(),
            refresh_expires_in: grant.refresh_expires_in,
            session_id: grant.session_id,
        }
    }
}

/// `POST /api/v1/tokens`
pub async fn create(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(credentials): JsonBody<TokenRequest>,
) -> Result<Json<TokenResponse>, Problem> {
    let device = credentials.device.as_deref().map(str::trim).filter(|device| !device.is_empty());
    if device.is_some_and(|d| d.chars().count() > MAX_DEVICE || d.chars().any(char::is_control)) {
        return Err(Error::field("device", "device-invalid").into());
    }
    let request = app.core.access_tokens.parse_request(credentials.audience, credentials.scope.as_deref())?;
    let authenticated = app.core.password.authenticate(&credentials.email, &credentials.password, &context).await?;
    let evict = credentials.end_session.as_deref().map(parse_id).transpose();
    let evict: Option<SessionId> = evict.map_err(|_| Error::field("end_session", "wrong-type"))?;
    let client = ApiClient { device, request: &request };
    match app.core.sign_in.proceed_in_api(authenticated, client, evict.as_ref(), &context).await? {
        SignInStep::SecondFactor(pending) => {
            let methods = app.core.second_factors.code_methods(pending.user()).await?;
            let flow_id = app.core.sign_in.suspend_api(pending, client, evict.as_ref()).await?;
            Err(second_factor_problem(&flow_id, &methods))
        }
        step => Ok(Json(step.into_complete().map_err(sign_in_problem)?.into())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    flow_id: String,
    code: String,
    /// `totp` or `recovery_code`; by default whichever the code looks like.
    method: Option<String>,
}

/// `POST /api/v1/tokens/verify`: the second factor of a sign-in under way. A wrong code can be tried again.
pub async fn verify(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(request): JsonBody<VerifyRequest>,
) -> Result<Json<TokenResponse>, Problem> {
    let method = match request.method.as_deref() {
        None => None,
        Some("totp") => Some(AuthMethod::Totp),
        Some("recovery_code") => Some(AuthMethod::RecoveryCode),
        Some(_) => return Err(Error::field("method", "wrong-type").into()),
    };
    let code = PresentedCode { code: &request.code, method };
    let step = app.core.sign_in.verify_in_api(&request.flow_id, code, &context).await?;
    Ok(Json(step.into_complete().map_err(sign_in_problem)?.into()))
}

/// `POST /api/v1/tokens/refresh`
pub async fn refresh(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(refresh): JsonBody<RefreshRequest>,
) -> Result<Json<TokenResponse>, Problem> {
    let request = app.core.access_tokens.parse_request(refresh.audience, refresh.scope.as_deref())?;
    Ok(Json(app.core.refresh_tokens.refresh(&refresh.refresh_token, &request, &context).await?.into()))
}

/// `DELETE /api/v1/tokens`: signs this session out. A second call, whose token is dead by then, is 204 as well:
/// this caller names no session, so that one which ended meanwhile is not refused.
pub async fn delete(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    bearer: Result<BearerUser<AnyScope>, Problem>,
) -> Result<StatusCode, Problem> {
    match bearer {
        Ok(BearerUser { claims, .. }) => {
            let which = SessionSelector::One { user_id: &claims.sub, id: &claims.sid };
            app.core.sessions.end(which, EndReason::SignedOut, Some(&context)).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Err(Problem { error: HttpError::Core(Error::SessionEnded(_)), .. }) => Ok(StatusCode::NO_CONTENT),
        Err(problem) => Err(problem),
    }
}
