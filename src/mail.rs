//! E-mail: what messages say, and their way out. Owns rendering, SMTP and the folder to try things out; what causes a
//! message, when it is tried again and when it is given up is the core's.

mod folder;
mod html;
mod letter;
pub mod message;
pub mod smtp;

use std::{io, path::PathBuf, sync::Arc};

use sekisho_core::mail::Mailer;

use crate::config::mail::{MailConfig, MailServer};
use folder::FolderMailer;
use message::MessageRenderer;
use smtp::{SmtpMailer, Timeouts};

/// Why no message can be sent; for the person who configured it.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The folder to write to can't be made.
    #[error("SEKISHO_SMTP_URL: the folder {0} can't be made: {1}")]
    Folder(PathBuf, io::Error),
    /// The system has no usable root certificates.
    #[error("SEKISHO_SMTP_URL: TLS can't be set up: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// The configured way out.
///
/// # Errors
/// [`MailerError`].
pub fn mailer(config: &MailConfig) -> Result<Arc<dyn Mailer>, MailerError> {
    let renderer = MessageRenderer::new(config.from.clone(), config.base_url.clone());
    Ok(match &config.server {
        MailServer::Smtp(server) => {
            Arc::new(SmtpMailer::new(server.clone(), renderer, Timeouts::default()).map_err(MailerError::Tls)?)
        }
        MailServer::Folder(folder) => {
            let failed = |error| MailerError::Folder(folder.clone(), error);
            Arc::new(FolderMailer::open(folder.clone(), renderer).map_err(failed)?)
        }
    })
}

#[cfg(test)]
mod tests;
