//! The islands: the only views that are shipped to the browser. Everything else is HTML, and works without them.
//!
//! An island decides what is shown and when something is done; how the browser does it is up to [`crate::browser`].
//! Props of an island land in the page's HTML, so none of them is a secret; its texts come from the server, in the
//! reader's language.

mod keeper;
mod messages;
mod passkey_button;
mod passkey_offer;
mod password_meter;
pub(crate) mod protocol;
mod session_keeper;
mod show_password;

pub use keeper::{KeeperConfig, access_token};
pub use messages::{KeeperMessages, MeterMessages, PasskeyMessages};
pub use passkey_button::PasskeyButton;
pub use passkey_offer::PasskeyOffer;
pub use password_meter::PasswordMeter;
pub use session_keeper::SessionKeeper;
pub use show_password::ShowPassword;
