//! What the JSON and the HTML side share of HTTP: errors, bodies, queries, lists, and how each of them is answered.

pub(crate) mod cookies;
pub mod error;
pub(crate) mod event_stream;
pub(crate) mod export;
pub(crate) mod files;
pub mod form;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod path;
pub(crate) mod personal_data;
pub mod problem;
pub(crate) mod query;
pub(crate) mod session_response;
