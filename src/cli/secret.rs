//! `sekisho secret …`

use std::io;

use clap::Subcommand;

use super::{command_line, failed, open};
use crate::{config::Config, secret_file::SecretFile, server::StartError};

#[derive(Subcommand)]
pub enum SecretCommand {
    /// Seal everything stored with the new secret. Nobody is signed out
    Rotate,
}

pub async fn run(config: &Config, SecretCommand::Rotate: SecretCommand) -> Result<(), StartError> {
    let file = SecretFile::of(config).filter(|_| config.secret.is_none());
    if let Some(file) = &file {
        let failed = |error: io::Error| StartError::SecretFile(file.path.display().to_string(), error);
        if !file.path.exists() {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        if !file.is_rotating().map_err(failed)? {
            file.begin_rotation().map_err(failed)?;
            let (path, previous) = (file.path.display(), file.previous());
            println!("{path} holds a new secret, {} the one until now.", previous.display());
            println!("Restart the server, so that it knows both. Then run `sekisho secret rotate` again: it seals");
            println!("everything with the new secret and removes the old one.");
            return Ok(());
        }
    } else if config.secret_previous.is_none() {
        return Err(StartError::Other(
            "set SEKISHO_SECRET_PREVIOUS to the secret until now and SEKISHO_SECRET to a new one, restart every server \
             with both, and run this again with both"
                .into(),
        ));
    }
    let core = open(config, false).await?;
    let resealed = core.secret_rotation.reseal(&command_line()).await.map_err(failed);
    core.close().await;
    println!("Sealed with the new secret: {} signing keys. The log goes on with a new key.", resealed?.signing_keys);
    match &file {
        Some(file) => {
            let failed = |error| StartError::SecretFile(file.previous().display().to_string(), error);
            file.finish_rotation().map_err(failed)?;
            println!("The old secret is removed.");
        }
        None => println!("SEKISHO_SECRET_PREVIOUS can go: restart every server without it."),
    }
    Ok(())
}
