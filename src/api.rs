//! The JSON side, under `/api/v1`. It takes a bearer token and never reads the cookie.

pub(crate) mod admin;
pub mod bearer;
pub(crate) mod csp_reports;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod me;
pub(crate) mod personal_data;
pub(crate) mod revocations;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod users;
