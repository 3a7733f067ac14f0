//! Fills an empty database with made-up people, sessions and log entries, to see how pages look on a crowd and how fast
//! they are. It is configured as the server is:
//! `SEKISHO_DATABASE_URL=sqlite:///tmp/crowd.db cargo run --release --no-default-features --features fill --example fill`

use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use sekisho::{cli::command_line, config::Config, server};
use sekisho_core::{
    Core,
    clock::Clock,
    fill::{Amounts, PASSWORD, Progress},
};

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// A third of them live
    #[arg(long, default_value_t = 300_000)]
    sessions: u64,
    /// Over the last 90 days
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn made(&self, what: &'static str, n: u64) {
        self.0.set_message(what);
        self.0.set_position(n);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { users, sessions, events } = Arguments::parse();
    match fill(Amounts { users, sessions, events }).await {
        Ok(()) => {
            println!("The password of all users is \"{PASSWORD}\": admin@example.test, user1@example.test, …");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn fill(amounts: Amounts) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load()?;
    let db = server::open(&config).await?;
    let core = Core::open(&config.core, db, server::secret(&config)?, Clock::default()).await?;
    let style = ProgressStyle::with_template("{msg:10} {pos:>9} {per_sec:>14}")?;
    let bar = Bar(ProgressBar::no_length().with_style(style));
    let filled = core.fill(amounts, &bar, &command_line()).await;
    bar.0.finish_and_clear();
    core.close().await;
    Ok(filled?)
}
