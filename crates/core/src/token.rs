//! API tokens: access tokens (JWT), refresh tokens, signing keys.

pub mod access;
pub(crate) mod access_uses;
pub(crate) mod key_generation;
mod key_ring;
pub mod refresh;
pub mod request;
pub mod signing_keys;
