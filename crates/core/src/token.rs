//! Tokens: access tokens (JWT and opaque), refresh tokens, the cookies of pages, introspection, signing keys.

pub mod access;
pub(crate) mod access_uses;
mod claims;
pub mod introspection;
pub(crate) mod key_generation;
mod key_ring;
pub(crate) mod opaque;
pub mod page;
pub mod refresh;
pub mod request;
pub mod signing_keys;
