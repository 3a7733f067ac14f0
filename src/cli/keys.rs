//! `sekisho keys …`

use clap::Subcommand;

use super::{command_line, failed, open};
use crate::{config::Config, server::StartError};
use sekisho_core::{Core, Error, clock::rfc3339, token::signing_keys::JWKS_MAX_AGE, token::signing_keys::KeyState};

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Show the keys that sign access tokens, the newest first
    List,
    /// Make the next key. It signs as soon as every cache of the published keys must know it
    Rotate,
    /// Refuse a key, and every token that it signed, from now on and for ever
    Withdraw { kid: String },
}

pub async fn run(config: &Config, command: KeysCommand) -> Result<(), StartError> {
    let core = open(config, false).await?;
    let done = match command {
        KeysCommand::List => list(&core).await,
        KeysCommand::Rotate => rotate(&core).await,
        KeysCommand::Withdraw { kid } => withdraw(&core, &kid).await,
    };
    core.close().await;
    done
}

async fn list(core: &Core) -> Result<(), StartError> {
    println!("{:<16}  {:<9}  {:<35}  CREATED", "KID", "ALGORITHM", "STATE");
    for key in core.signing_keys.list().await.map_err(failed)? {
        let state = match key.state {
            KeyState::Next(at) => format!("next, from {}", rfc3339(at)),
            KeyState::Signing => "signing".into(),
            KeyState::Retiring(until) => format!("retiring until {}", rfc3339(until)),
            KeyState::Withdrawn(at) => format!("withdrawn {}", rfc3339(at)),
        };
        println!("{:<16}  {:<9}  {state:<35}  {}", key.kid, key.algorithm, rfc3339(key.created_at));
    }
    Ok(())
}

async fn rotate(core: &Core) -> Result<(), StartError> {
    let key = core.signing_keys.rotate(&command_line()).await.map_err(failed)?;
    println!("{} is published. It signs from {} on, when caches know it.", key.kid, rfc3339(key.signs_at));
    Ok(())
}

async fn withdraw(core: &Core, kid: &str) -> Result<(), StartError> {
    let replacement = core.signing_keys.withdraw(kid, &command_line()).await.map_err(|error| match error {
        Error::NotFound => StartError::Other(format!("there is no key {kid}: `sekisho keys list` shows them")),
        error => failed(error),
    })?;
    println!("{kid} is withdrawn: running servers refuse it within a second.");
    println!("A service that keeps the published keys does so when it reads them again, within {JWKS_MAX_AGE} s.");
    if let Some(key) = replacement {
        println!(
            "{} signs in its place, at once: a service that does not know it has to read the keys again.",
            key.kid
        );
    }
    Ok(())
}
