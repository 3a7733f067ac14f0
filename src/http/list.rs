//! Lists: `?cursor=…&limit=…` in, `{ "items": […], "next_cursor": … }` out.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};

use super::{error::HttpError, query::Query};
use sekisho_core::{Error, FieldError};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// A page of a list; `next_cursor` is null on the last.
#[derive(Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    pub fn of<U>((items, next_cursor): (Vec<U>, Option<String>), item: impl FnMut(U) -> T) -> Self {
        Self { items: items.into_iter().map(item).collect(), next_cursor }
    }
}

/// Which page of a list.
#[derive(Debug)]
pub struct PageQuery {
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; else 50.
    pub limit: usize,
}

#[derive(Deserialize)]
struct RawPageQuery {
    cursor: Option<String>,
    limit: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Query(raw) = Query::<RawPageQuery>::from_request_parts(parts, state).await?;
        let limit = raw.limit.map_or(Ok(DEFAULT_LIMIT), |limit| limit.parse());
        let limit = limit.ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let known = raw.cursor.as_deref().is_none_or(|cursor| uuid::Uuid::try_parse(cursor).is_ok());
        match (limit, known) {
            (Some(limit), true) => Ok(Self { cursor: raw.cursor, limit }),
            (limit, _) => {
                let limit = limit.is_none().then(|| FieldError::new("limit", "limit-invalid"));
                let cursor = (!known).then(|| FieldError::new("cursor", "cursor-invalid"));
                Err(Error::InvalidInput(limit.into_iter().chain(cursor).collect()).into())
            }
        }
    }
}
