//! Parameters in the path.

use axum::extract::FromRequestParts;

use super::error::HttpError;

/// As axum's `Path`, with a rejection that is one of our errors.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(HttpError))]
pub struct Path<T>(pub T);
