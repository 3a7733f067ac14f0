//! Handlers for the files inside the binary ([`Assets`](crate::assets::Assets)).

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use sekisho_core::Error;

use super::{error::HttpError, path::Path};
use crate::state::AppState;

/// `GET /pkg/{file}`: a file of the front end, by its hashed name.
pub async fn package(
    State(app): State<AppState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    app.assets.package(&file, &headers).ok_or(Error::NotFound.into())
}

/// The fallback of the pages: a file of `public/`, by its path.
pub async fn public(State(app): State<AppState>, uri: Uri, headers: HeaderMap) -> Result<Response, HttpError> {
    app.assets.public(uri.path(), &headers).ok_or(Error::NotFound.into())
}
