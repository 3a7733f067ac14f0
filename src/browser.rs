//! Browser APIs as the islands need them: everything that touches `web_sys` and is not a view.
//!
//! Owns mechanics, no policy: it imports nothing from [`crate::islands`], and names that are part of a protocol (paths,
//! storage keys, channel names) come in as parameters. It compiles on the server too, because the body of an island
//! does; none of it is called there, as effects and event handlers only run in the browser.

pub(crate) mod channel;
pub(crate) mod clock;
pub(crate) mod drafts;
pub(crate) mod event_stream;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod http;
pub(crate) mod page;
pub(crate) mod session_storage;
pub(crate) mod timer;
pub(crate) mod webauthn;
