//! The layers that requests and responses pass: one file each; src/router.rs says which router has which.
//!
//! A layer that rejects a request answers with an [`HttpError`](crate::http::error::HttpError): in which format the
//! client gets it is the router's business.

pub(crate) mod body;
pub(crate) mod completion;
pub(crate) mod csrf;
pub(crate) mod device_cookie;
pub(crate) mod host;
pub(crate) mod metrics;
pub mod request_context;
pub(crate) mod request_id;
pub(crate) mod security_headers;
