//! Messages as files, to try things out: none is sent. They have tokens in them: only this user can read them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sekisho_core::{
    mail::{Mail, Mailer, SendError},
    revocation::BoxFuture,
};

use super::message::MessageRenderer;

pub struct FolderMailer {
    folder: PathBuf,
    renderer: MessageRenderer,
}

impl FolderMailer {
    /// Makes the folder (0700), unless it is there.
    pub fn open(folder: PathBuf, renderer: MessageRenderer) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        tracing::warn!(folder = %folder.display(), "messages are written into a folder: no e-mail is sent");
        Ok(Self { folder, renderer })
    }

    async fn write(&self, mail: &Mail) -> Result<(), SendError> {
        let message = self.renderer.render(mail)?.formatted();
        let (folder, name) = (self.folder.clone(), format!("{}.eml", mail.id));
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &message)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| SendError::Temporary(format!("the message can't be written: {error}")))
    }
}

impl Mailer for FolderMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.write(mail))
    }
}

/// Writes a whole file (0600), or none.
fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!("{name}.partial"));
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&partial, folder.join(name))?;
    File::open(folder)?.sync_all()
}
