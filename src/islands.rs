//! The islands: the only views that are shipped to the browser. Everything else is HTML, and works without them.
//!
//! An island decides what is shown and when something is done; how the browser does it is [`crate::browser`]'s. The
//! props of an island are written into the page, so no secret goes into them; the words in them come from the server,
//! in the reader's language.

mod keeper;
mod messages;
mod password_meter;
mod session_keeper;
mod show_password;
pub mod timing;

pub use keeper::{KeeperConfig, access_token};
pub use messages::{KeeperMessages, MeterMessages};
pub use password_meter::PasswordMeter;
pub use session_keeper::SessionKeeper;
pub use show_password::ShowPassword;
