//! The command line. Each command is a process of its own on the same database; a running server learns of what it
//! does within a second.

use std::{path::Path, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use self::{
    audit::AuditCommand, breached::BreachedCommand, config::ConfigCommand, keys::KeysCommand, mail::MailCommand,
    secret::SecretCommand, user::UserCommand,
};
use crate::{
    config::{Config, LogFormat},
    locale::Lang,
    server::{self, StartError},
};
use sekisho_core::{Actor, Core, Error, RequestContext, clock::Clock, sqlite_path};

mod audit;
mod breached;
mod config;
mod keys;
mod mail;
mod secret;
mod user;

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
    /// Make a list of breached passwords that can be looked up
    #[command(subcommand)]
    Breached(BreachedCommand),
    /// Look after the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Rotate or withdraw the keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Replace the secret that everything stored is sealed with
    #[command(subcommand)]
    Secret(SecretCommand),
    /// See what became of e-mail, and try again what was not sent
    #[command(subcommand)]
    Mail(MailCommand),
}

/// Runs the command that the arguments name. What goes wrong is said on standard error.
pub fn run() -> ExitCode {
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
    match runtime.block_on(execute(command, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

async fn execute(command: Command, config: Config) -> Result<(), StartError> {
    match command {
        Command::Serve => server::serve(config).await,
        Command::Migrate => {
            server::open(&config).await?.close().await;
            println!("The database is up to date.");
            Ok(())
        }
        Command::User(command) => user::run(&config, command).await,
        Command::Breached(command) => breached::run(command),
        Command::Audit(command) => audit::run(&config, command).await,
        Command::Config(command) => {
            config::run(&config, command);
            Ok(())
        }
        Command::Keys(command) => keys::run(&config, command).await,
        Command::Secret(command) => secret::run(&config, command).await,
        Command::Mail(command) => mail::run(&config, command).await,
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

/// The core on the configured database, without a server. Only what makes accounts makes a database.
async fn open(config: &Config, make: bool) -> Result<Core, StartError> {
    if let Some(path) = sqlite_path(&config.database_url).filter(|path| !make && !Path::new(path).exists()) {
        return Err(StartError::Other(format!(
            "there is no database at {path}: SEKISHO_DATABASE_URL says where it is"
        )));
    }
    let db = server::open(config).await?;
    Core::open(&config.core, db, server::secret(config)?, Clock::default()).await.map_err(failed)
}

fn failed(error: Error) -> StartError {
    let text = match &error {
        Error::InvalidInput(errors) => errors
            .iter()
            .map(|error| format!("{}: {}", error.field, Lang::En.t(&format!("field-{}", error.code))))
            .collect::<Vec<_>>()
            .join("\n"),
        Error::Internal(cause) => format!("{error}: {cause}"),
        error => Lang::En.t(&format!("error-{}", error.code())),
    };
    StartError::Other(text)
}

/// Named in the log as the one who acts.
pub fn command_line() -> RequestContext {
    RequestContext {
        ip: [127, 0, 0, 1].into(),
        user_agent: "sekisho".into(),
        request_id: None,
        actor: Some(Actor::CommandLine),
        session_id: None,
        received_at: Clock::default().now(),
        device_cookie: None,
        trusted_browser: None,
    }
}
