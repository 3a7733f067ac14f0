//! Browser APIs as the islands need them: everything that touches `web_sys` and is not a view.
//!
//! Owns mechanics, no policy: it imports nothing from [`crate::islands`], and names that are part of a protocol (paths,
//! storage keys, channel names) come in as parameters. It compiles on the server too, because the body of an island
//! does; none of it is called there, as effects and event handlers only run in the browser.

pub mod channel;
pub mod clock;
pub mod drafts;
pub mod event_stream;
pub mod events;
pub mod fields;
pub mod http;
pub mod local_times;
pub mod page;
pub mod session_storage;
pub mod timer;
