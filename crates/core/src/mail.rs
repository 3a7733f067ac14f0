//! E-mail: an outbox, written in the transaction of what causes a message and sent by a background job. Knows what a
//! message is about; its text and its way out are the [`Mailer`]'s.
//!
//! A message is claimed before it is sent and finished afterwards. A process that dies in between leaves the claim,
//! which expires: the message is sent once more, with the same Message-ID, and not a third time. Content is sealed, as
//! it has tokens, and removed once the message is finished.

mod delivery;
pub(crate) mod messages;

pub use crate::outbox::{Mail, MailContent, Origin};
pub use delivery::{Mailer, Mails, SendError};

pub(crate) use delivery::KEEP_FINISHED;
