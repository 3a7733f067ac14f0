//! `sekisho mail …`. Shows no addresses and no content.

use clap::Subcommand;

use super::{failed, open};
use crate::{config::Config, server::StartError};
use sekisho_core::{Core, MailStatus, UnixMillis, clock::rfc3339};

#[derive(Subcommand)]
pub enum MailCommand {
    /// Count the messages of the last 7 days, and show those that were not sent, the oldest first
    Status,
    /// Try the messages now that failed or wait, unless they have expired. A running server sends them
    Retry,
}

pub async fn run(config: &Config, command: MailCommand) -> Result<(), StartError> {
    let core = open(config, false).await?;
    let done = match command {
        MailCommand::Status => status(&core).await,
        MailCommand::Retry => retry(&core).await,
    };
    core.close().await;
    done
}

async fn status(core: &Core) -> Result<(), StartError> {
    let ((waiting, sent, refused), unsent) = core.mails.status().await.map_err(failed)?;
    warn_without_server(core);
    println!("Of the last 7 days: {waiting} waiting, {sent} sent, {refused} failed.");
    if unsent.is_empty() {
        return Ok(());
    }
    println!("\n{:<36}  {:<16}  {:>4}  {:<20}  {:>8}  LAST ERROR", "ID", "KIND", "AGE", "NEXT ATTEMPT", "ATTEMPTS");
    let now = core.clock.now();
    for MailStatus { id, kind, created_at, due_at, attempts, error } in unsent {
        let next = due_at.map_or_else(|| "none: failed".into(), rfc3339);
        let (kind, age, error) = (kind.as_str(), age(now - created_at), error.as_deref().unwrap_or("-"));
        println!("{id:<36}  {kind:<16}  {age:>4}  {next:<20}  {attempts:>8}  {error}");
    }
    Ok(())
}

async fn retry(core: &Core) -> Result<(), StartError> {
    let retried = core.mails.retry().await.map_err(failed)?;
    warn_without_server(core);
    println!("To be tried now: {retried}. A running server does so within seconds.");
    Ok(())
}

fn warn_without_server(core: &Core) {
    if !core.mails.is_configured() {
        println!("SEKISHO_SMTP_URL is not set here: a server with the same settings sends nothing.");
    }
}

/// In its largest whole unit: `45s`, `12m`, `5h`, `3d`.
fn age(age: UnixMillis) -> String {
    let seconds = age.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
