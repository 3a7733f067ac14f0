//! `sekisho audit …`

use clap::Subcommand;

use super::{failed, open};
use crate::{config::Config, server::StartError};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check that no entry of the log was changed, added or removed
    Verify {
        /// An end that an earlier run printed, as NUMBER:HASH, which must still be in the log
        #[arg(long)]
        noted: Option<String>,
    },
}

pub async fn run(config: &Config, AuditCommand::Verify { noted }: AuditCommand) -> Result<(), StartError> {
    let noted = noted
        .map(|noted| {
            let (seq, hash) = noted.split_once(':')?;
            Some((seq.parse::<i64>().ok()?, hash.to_owned()))
        })
        .map(|noted| noted.ok_or_else(|| StartError::Other("--noted must be NUMBER:HASH".into())))
        .transpose()?;
    let core = open(config, false).await?;
    let bar = indicatif::ProgressBar::no_length().with_message("entries");
    let noted = noted.as_ref().map(|(seq, hash)| (*seq, hash.as_str()));
    let verified = core.audit.verify(noted, |n| bar.set_position(n.unsigned_abs())).await.map_err(failed);
    bar.finish_and_clear();
    core.close().await;
    match verified? {
        Ok(verified) => {
            let (seq, hash) = verified.last;
            println!("The log is whole: {} entries. Its end, to be noted elsewhere: {seq}:{hash}", verified.entries);
            Ok(())
        }
        Err(fault) => Err(StartError::Other(format!("the log was tampered with: {fault}"))),
    }
}
