//! What the command line does beside serving. Each command is a process of its own on the same database; a running
//! server learns of what it does within a second.

use std::{
    io::{self, BufRead, IsTerminal},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};

use crate::{
    config::Config,
    locale::Lang,
    server::{self, StartError},
};
use sekisho_core::{
    COMMAND_LINE, Core, Error, RequestContext, User, account::Registration, administration::AccessChange, clock::Clock,
    secret::random, sqlite_path,
};
use sekisho_model::RoleName;

mod keys;
mod secret;

pub use keys::{KeysCommand, keys};
pub use secret::{SecretCommand, secret};

#[derive(Subcommand)]
pub enum UserCommand {
    /// Make an account. Its password is made up and printed once, unless --password-stdin gives it
    Create(NewUser),
    /// Give a user another password, made up and printed once, unlink GitHub, and sign them out everywhere
    Password {
        email: String,
        /// Leave GitHub linked
        #[arg(long)]
        keep_links: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a user a role
    Grant { email: String, role: String },
    /// Take a role from a user
    Revoke { email: String, role: String },
    /// Sign a user out everywhere, and let them in no more
    Disable { email: String },
    /// Let a disabled user in again
    Enable { email: String },
}

#[derive(Args)]
pub struct NewUser {
    email: String,
    /// What others see; else the part of the address before the @
    #[arg(long)]
    name: Option<String>,
    /// Give the role `admin`
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check that no entry of the log was changed, added or removed
    Verify {
        /// An end that an earlier run printed, as NUMBER:HASH, which must still be in the log
        #[arg(long)]
        noted: Option<String>,
    },
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
        actor: Some(COMMAND_LINE.into()),
        session_id: None,
        received_at: Clock::default().now(),
        device_cookie: None,
    }
}

pub async fn user(config: &Config, command: UserCommand) -> Result<(), StartError> {
    let core = open(config, matches!(command, UserCommand::Create(_))).await?;
    let done = match command {
        UserCommand::Create(new) => create(&core, new).await,
        UserCommand::Password { email, keep_links, password_stdin } => {
            set_password(&core, &email, keep_links, password_stdin).await
        }
        UserCommand::Grant { email, role } => change_roles(&core, &email, |roles| roles.push(role)).await,
        UserCommand::Revoke { email, role } => change_roles(&core, &email, |roles| roles.retain(|r| *r != role)).await,
        UserCommand::Disable { email } => set_disabled(&core, &email, true).await,
        UserCommand::Enable { email } => set_disabled(&core, &email, false).await,
    };
    if let Err(error) = core.flush_statistics().await {
        error.log();
    }
    core.close().await;
    done
}

async fn create(core: &Core, new: NewUser) -> Result<(), StartError> {
    let (password, made_up) = choose_password(new.password_stdin)?;
    let registration = Registration { email: &new.email, password: &password, name: new.name.as_deref(), locale: None };
    let context = command_line();
    let user = core.accounts.create(registration, &context).await.map_err(failed)?;
    if new.admin {
        core.administration
            .change_access(&user.id, AccessChange::roles(&[RoleName::ADMIN.to_owned()]), Some(&context))
            .await
            .map_err(failed)?;
    }
    println!("{} has an account{}.", user.email, if new.admin { " with the role admin" } else { "" });
    show_password(&password, made_up);
    Ok(())
}

async fn set_password(core: &Core, email: &str, keep_links: bool, from_stdin: bool) -> Result<(), StartError> {
    let user = find(core, email).await?;
    let (password, made_up) = choose_password(from_stdin)?;
    let (ended, unlinked) =
        core.accounts.reset_password(&user, &password, keep_links, &command_line()).await.map_err(failed)?;
    println!("{} has another password; links removed: {unlinked}; sessions ended: {ended}.", user.email);
    show_password(&password, made_up);
    Ok(())
}

/// A password, and whether it was made up here.
fn choose_password(from_stdin: bool) -> Result<(String, bool), StartError> {
    if from_stdin { Ok((read_password()?, false)) } else { Ok((URL_SAFE_NO_PAD.encode(random::<15>()), true)) }
}

fn show_password(password: &str, made_up: bool) {
    if made_up {
        println!("Password, shown this once: {password}");
    }
}

fn read_password() -> Result<String, StartError> {
    if io::stdin().is_terminal() {
        eprintln!("The password, then Enter (it is shown as you type):");
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| StartError::Other(format!("the password can't be read: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn find(core: &Core, email: &str) -> Result<User, StartError> {
    let found = core.accounts.find_by_id_or_email(email).await.map_err(failed)?;
    found.ok_or_else(|| StartError::Other(format!("{email} has no account")))
}

async fn change_roles(core: &Core, email: &str, change: impl FnOnce(&mut Vec<String>)) -> Result<(), StartError> {
    let user = find(core, email).await?;
    let mut roles = user.role_names().map(Into::into).collect();
    change(&mut roles);
    let (user, _) = core
        .administration
        .change_access(&user.id, AccessChange::roles(&roles), Some(&command_line()))
        .await
        .map_err(failed)?;
    println!("{} has the roles {}.", user.email, user.role_names().collect::<Vec<_>>().join(" "));
    Ok(())
}

async fn set_disabled(core: &Core, email: &str, disabled: bool) -> Result<(), StartError> {
    let user = find(core, email).await?;
    let (_, ended) = core
        .administration
        .change_access(&user.id, AccessChange::disabled(disabled), Some(&command_line()))
        .await
        .map_err(failed)?;
    match disabled {
        true => println!("{} is disabled; sessions ended: {ended}.", user.email),
        false => println!("{} is enabled.", user.email),
    }
    Ok(())
}

pub async fn audit(config: &Config, AuditCommand::Verify { noted }: AuditCommand) -> Result<(), StartError> {
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
