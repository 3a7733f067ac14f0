//! The session keeper's logic: what it knows about this browser's session, and what it does when.
//!
//! `model` decides, and is pure; `runtime` connects it with the DOM, the server and the other tabs. The views are
//! [`super::session_keeper`]'s. One keeper per page, for the lifetime of the page.

mod config;
pub mod countdown;
mod deadlines;
mod model;
mod pacing;
mod runtime;
mod tab_message;
mod token;

pub use config::KeeperConfig;
pub use deadlines::Limit;
pub use model::{ViewState, Warning};
pub use runtime::{Keeper, SignInError, access_token, sign_in_url};
