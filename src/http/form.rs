//! Forms as a browser posts them (`application/x-www-form-urlencoded`).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use sekisho_core::Error;
use serde::de::DeserializeOwned;

use super::error::HttpError;

/// The fields of a posted form.
pub struct Form<T>(pub T);

/// A form without fields.
#[derive(serde::Deserialize)]
pub struct EmptyForm {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let bytes = Bytes::from_request(request, state).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// The fields of a form's body.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_html_form::from_bytes(body).map_err(|_| Error::InvalidInput(Vec::new()))
}
