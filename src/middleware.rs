//! The layers that requests and responses pass: one file each; src/router.rs says which router has which.
//!
//! A layer that rejects a request answers with an [`HttpError`](crate::http::error::HttpError): in which format the
//! client gets it is the router's business.

pub mod body;
pub mod completion;
pub mod csrf;
pub mod device_cookie;
pub mod host;
pub mod metrics;
pub mod request_context;
pub mod request_id;
pub mod security_headers;
