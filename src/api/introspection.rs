//! `POST /oauth/introspect`: whether an access token is active (RFC 7662), for services that authenticate with a secret of
//! `SEKISHO_SERVICE_SECRET`: by HTTP Basic, whose user name is the service's audience, or as a bearer token.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::{
    http::{error::HttpError, form::Form, problem::Problem},
    middleware::request_context::request_context,
    state::AppState,
};
use sekisho_core::{Error, token::access::Claims};

/// The service that asks, rate-limited by network.
pub struct IntrospectingService {
    /// `None`: it did not say which it is. It has to compare `aud` itself.
    audience: Option<String>,
}

impl FromRequestParts<AppState> for IntrospectingService {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let (ip, limits) = (request_context(parts)?.ip, &app.core.limits);
        match authenticate(&parts.headers, app) {
            Ok(service) => {
                limits.introspection(ip)?;
                Ok(service)
            }
            Err(error) => {
                limits.service_secret(ip)?;
                Err(error.into())
            }
        }
    }
}

fn authenticate(headers: &HeaderMap, app: &AppState) -> Result<IntrospectingService, HttpError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Error::Unauthenticated)?;
    let value = value.to_str().ok().filter(|_| values.next().is_none()).and_then(|value| value.split_once(' '));
    let (scheme, credentials) = value.ok_or(HttpError::InvalidClient)?;
    let is_known = |secret: &str| app.service_secrets.find(secret).is_some();
    let audience = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => is_known(credentials.trim_matches(' ')).then_some(None),
        "basic" => basic(credentials).and_then(|(name, secret)| {
            let known = is_known(&secret) || is_known(&decode(&secret)?);
            (known && app.core.introspection.is_service(&name)).then_some(Some(name))
        }),
        _ => None,
    };
    Ok(IntrospectingService { audience: audience.ok_or(HttpError::InvalidClient)? })
}

/// User name and password (RFC 7617). A client encodes both before (RFC 6749, section 2.3.1), and has to where the name
/// has a colon; many don't otherwise, so the password is returned as it came.
fn basic(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim_matches(' ')).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    Some((decode(name)?, secret.to_owned()))
}

fn decode(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[derive(Deserialize)]
pub struct IntrospectionRequest {
    token: String,
}

/// Of a token that is not active nothing else is told (RFC 7662, section 2.2).
#[derive(Serialize)]
pub struct IntrospectionResponse {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(flatten)]
    claims: Option<Claims>,
}

pub async fn show(
    State(app): State<AppState>,
    service: IntrospectingService,
    Form(request): Form<IntrospectionRequest>,
) -> Result<Json<IntrospectionResponse>, Problem> {
    let claims = app.core.introspection.introspect(&request.token, service.audience.as_deref()).await?;
    let token_type = claims.is_some().then_some("Bearer");
    Ok(Json(IntrospectionResponse { active: claims.is_some(), token_type, claims }))
}
