//! `sekisho user …`

use std::io::{self, BufRead, IsTerminal};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};

use super::{command_line, failed, open};
use crate::{config::Config, server::StartError};
use sekisho_core::{Core, User, account::Registration, administration::AccessChange, clock::rfc3339, secret::random};
use sekisho_model::RoleName;

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
    /// Remove the authenticator app, recovery codes and trusted browsers of a user who has lost them, and sign them out
    /// everywhere. Make sure first that it is them who asks
    RemoveFactors { email: String },
    /// Give a user a role
    Grant { email: String, role: String },
    /// Take a role from a user
    Revoke { email: String, role: String },
    /// Sign a user out everywhere, and let them in no more
    Disable { email: String },
    /// Let a disabled user in again
    Enable { email: String },
    /// Sign a user out everywhere, and delete the account in 7 days, unless they sign in and keep it
    Delete {
        email: String,
        /// Let them in no more, and delete the account as soon as none of its access tokens can be valid
        #[arg(long)]
        now: bool,
    },
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

pub async fn run(config: &Config, command: UserCommand) -> Result<(), StartError> {
    let core = open(config, matches!(command, UserCommand::Create(_))).await?;
    let done = match command {
        UserCommand::Create(new) => create(&core, new).await,
        UserCommand::Password { email, keep_links, password_stdin } => {
            set_password(&core, &email, keep_links, password_stdin).await
        }
        UserCommand::RemoveFactors { email } => remove_factors(&core, &email).await,
        UserCommand::Grant { email, role } => change_roles(&core, &email, |roles| roles.push(role)).await,
        UserCommand::Revoke { email, role } => change_roles(&core, &email, |roles| roles.retain(|r| *r != role)).await,
        UserCommand::Disable { email } => set_disabled(&core, &email, true).await,
        UserCommand::Enable { email } => set_disabled(&core, &email, false).await,
        UserCommand::Delete { email, now } => delete(&core, &email, now).await,
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

async fn remove_factors(core: &Core, email: &str) -> Result<(), StartError> {
    let user = find(core, email).await?;
    let ended = core.second_factors.reset(&user.id, &command_line()).await.map_err(failed)?;
    println!("{} has no second factor any more; sessions ended: {ended}.", user.email);
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

async fn delete(core: &Core, email: &str, now: bool) -> Result<(), StartError> {
    let user = find(core, email).await?;
    if !now {
        let at = core.accounts.request_deletion(&user.id, None, &command_line()).await.map_err(failed)?;
        println!("{} is signed out. The account will be deleted at {}, unless it is kept.", user.email, rfc3339(at));
        return Ok(());
    }
    core.accounts.delete_now(&user.id, &command_line()).await.map_err(failed)?;
    core.delete_due_accounts().await.map_err(failed)?;
    match core.accounts.find_by_id_or_email(user.id.as_str()).await.map_err(failed)? {
        None => println!("{} is deleted.", user.email),
        Some(_) => println!(
            "{} is signed out and disabled. A running server deletes the account in {} minutes, when no access token of it \
             can be valid any more.",
            user.email,
            core.revocations.relevant_for() / 60_000 + 1
        ),
    }
    Ok(())
}
