//! Other services, which authenticate with a shared secret (`SEKISHO_SERVICE_SECRET`).

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::bearer::bearer;
use crate::{http::problem::Problem, state::AppState};
use sekisho_core::Error;

/// A service, by the number of its secret, or an anonymous client (`None`). A wrong secret, or another kind of
/// credential, is never taken for none. Where no secret is configured every client is anonymous, and the header
/// ignored.
#[derive(Clone, Copy, Debug)]
pub struct Service(pub Option<usize>);

impl FromRequestParts<AppState> for Service {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        if app.service_secrets.is_empty() || !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        let shown = bearer(&parts.headers)?;
        let known = app.service_secrets.find(shown).ok_or(Error::InvalidToken)?;
        Ok(Self(Some(known)))
    }
}
