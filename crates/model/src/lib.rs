//! Types shared by the server, the pages in the browser and token verifiers: ids, closed sets of names as enums, roles,
//! scopes, and access token claims. Serde only, no I/O.
//!
//! An unknown name is an error ([`UnknownWord`]), never a default.

#![warn(missing_docs)]

mod claims;
mod event;
mod id;
#[cfg(feature = "jws")]
pub mod jws;
mod mail;
mod role;
mod scope;
mod session;
mod word;

pub use claims::{ACCESS_TOKEN_TYPE, Claims, LEEWAY, MissingScope};
pub use event::EventKind;
pub use id::{InvalidId, SessionId, UserId};
pub use mail::{EmailTokenPurpose, MailKind};
pub use role::{Permission, Permissions, RoleName};
pub use scope::{Scope, Scopes};
pub use session::{AssuranceLevel, AuthMethod, EndReason, SessionKind};
pub use word::UnknownWord;
