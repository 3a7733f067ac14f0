//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sekisho::{
    cli::{self, AuditCommand, KeysCommand, SecretCommand, UserCommand},
    config::{Config, LogFormat},
    server::{self, StartError},
};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Self-hosted sign-in: sessions for pages, tokens for the API, one session row behind both.
///
/// Configured by SEKISHO_… variables or a sekisho.toml in the working directory; .env.sample lists every setting.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages and API; the default
    Serve,
    /// Bring the database up to date, and stop
    Migrate,
    /// Make accounts, give roles, disable
    #[command(subcommand)]
    User(UserCommand),
    /// Look after the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Rotate or withdraw the keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Replace the secret that everything stored is sealed with
    #[command(subcommand)]
    Secret(SecretCommand),
}

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    let mut config = match Config::load() {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    // Only a server's log lines are for a monitoring system; a command says what there is to say itself.
    if !matches!(command, Command::Serve) {
        config.log = format!("{},sekisho::audit=off", config.log);
    }
    start_log(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(run(command, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

async fn run(command: Command, config: Config) -> Result<(), StartError> {
    match command {
        Command::Serve => server::serve(config).await,
        Command::Migrate => {
            server::open(&config).await?.close().await;
            println!("The database is up to date.");
            Ok(())
        }
        Command::User(command) => cli::user(&config, command).await,
        Command::Audit(command) => cli::audit(&config, command).await,
        Command::Keys(command) => cli::keys(&config, command).await,
        Command::Secret(command) => cli::secret(&config, command).await,
    }
}

/// Log lines go to stderr. tower-sessions warns of every cookie whose session has ended, which is everyday life here.
fn start_log(config: &Config) {
    let filter = EnvFilter::new(format!("tower_sessions=warn,tower_sessions_core=error,sqlx=warn,{}", config.log));
    let registry = tracing_subscriber::registry().with(filter);
    match config.log_format {
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).init(),
        LogFormat::Pretty => registry.with(fmt::layer().with_writer(std::io::stderr)).init(),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("sekisho: {message}");
    ExitCode::FAILURE
}
