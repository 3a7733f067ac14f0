//! `sekisho breached …`

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use clap::Subcommand;

use crate::server::StartError;
use sekisho_core::authenticator::breached;

#[derive(Subcommand)]
pub enum BreachedCommand {
    /// Make the file that SEKISHO_BREACHED_PASSWORDS names, from a list of SHA-1 hashes such as the download of Have I
    /// Been Pwned
    Import {
        /// The list, a hash on each line, sorted or not, alone or as HASH:COUNT; `-` is standard input
        input: PathBuf,
        /// The file; it is replaced when the new one is complete. Parts of it are written beside it meanwhile
        output: PathBuf,
    },
}

pub fn run(BreachedCommand::Import { input, output }: BreachedCommand) -> Result<(), StartError> {
    let failed = |path: &PathBuf, error: String| StartError::Other(format!("{}: {error}", path.display()));
    let list: Box<dyn BufRead> = if input.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(&input).map_err(|error| failed(&input, error.to_string()))?))
    };
    let bar = indicatif::ProgressBar::no_length().with_message("lines");
    let imported = breached::import(list, &output, |n| bar.set_position(n));
    bar.finish_and_clear();
    match imported {
        Ok(count) => {
            println!("{} has {count} breached passwords.", output.display());
            Ok(())
        }
        Err(error @ breached::ImportError::Io(_)) => Err(failed(&output, error.to_string())),
        Err(error) => Err(failed(&input, error.to_string())),
    }
}
