//! The islands: the only views that are shipped to the browser. Everything else is HTML, and works without them.
//!
//! An island decides what is shown and when something is done; how the browser does it is up to [`crate::browser`].
//! Props of an island land in the page's HTML, so none of them is a secret; its texts come from the server, in the
//! reader's language.

mod keeper;
mod messages;
pub(crate) mod protocol;
mod session_keeper;

pub use keeper::{KeeperConfig, access_token};
pub use messages::KeeperMessages;
pub use session_keeper::SessionKeeper;
