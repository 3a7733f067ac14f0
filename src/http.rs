//! What the JSON and the HTML side share of HTTP: errors, bodies, queries, lists, and how each of them is answered.

pub mod cookies;
pub mod error;
pub mod event_stream;
pub mod export;
pub mod files;
pub mod form;
pub mod json;
pub mod list;
pub mod path;
pub mod problem;
pub mod query;
pub mod session_response;
