//! The browser, as the islands need it: everything that touches `web_sys` without being a view.
//!
//! It owns mechanics and no policy: when something is done is decided in [`crate::islands`]. It compiles on the server
//! as well, because an island's body does; nothing here may be called there, and nothing is, as effects and event
//! handlers do not run on the server.

pub mod channel;
pub mod drafts;
pub mod event_stream;
pub mod events;
pub mod fields;
pub mod http;
pub mod local_times;
pub mod page;
pub mod timer;
