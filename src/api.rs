//! The JSON side, under `/api/v1`. It takes a bearer token and never reads the cookie.

pub mod admin;
pub mod bearer;
pub mod csp_reports;
pub mod events;
pub mod health;
pub mod jwks;
pub mod me;
pub mod revocations;
pub mod service;
pub mod sessions;
pub mod tokens;
pub mod users;
