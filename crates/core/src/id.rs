//! Ids in requests.

use std::str::FromStr;

use sekisho_model::InvalidId;

use crate::error::Error;

/// Parses an untrusted id.
///
/// # Errors
/// [`Error::NotFound`]: a malformed id is reported like an unknown one.
pub fn parse_id<T: FromStr<Err = InvalidId>>(id: &str) -> Result<T, Error> {
    id.parse().map_err(|_| Error::NotFound)
}
