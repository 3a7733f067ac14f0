//! The secret in a file beside a SQLite database, and its rotation. A crash between any two steps leaves files with
//! which the server starts: the file itself is only ever replaced whole, and never before the old one is kept.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use crate::config::Config;
use sekisho_core::{secret::MasterSecret, secret::OpaqueToken, sqlite_path};

pub struct SecretFile {
    pub path: PathBuf,
}

impl SecretFile {
    /// `None`: the database is not SQLite.
    pub fn of(config: &Config) -> Option<Self> {
        sqlite_path(&config.database_url).map(|database| Self { path: PathBuf::from(format!("{database}.secret")) })
    }

    /// Where the old secret is kept until nothing is sealed with it any more.
    pub fn previous(&self) -> PathBuf {
        self.beside("previous")
    }

    fn beside(&self, name: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{name}"));
        path.into()
    }

    /// The secret, made at the first start, and the one before it while that is kept.
    pub fn load(&self) -> io::Result<MasterSecret> {
        let secret = match read(&self.path)? {
            Some(secret) => secret,
            None => {
                write_new(&self.path)?;
                read(&self.path)?.ok_or(io::ErrorKind::NotFound)?
            }
        };
        Ok(match read(&self.previous())? {
            Some(previous) => secret.with_previous(&previous),
            None => secret,
        })
    }

    /// Whether a rotation was begun and not finished.
    pub fn is_rotating(&self) -> io::Result<bool> {
        match fs::read(self.previous()) {
            // The same: it stopped before the new one was put in its place.
            Ok(previous) => Ok(previous != fs::read(&self.path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a new secret in the place of this one, which is kept beside it.
    pub fn begin_rotation(&self) -> io::Result<()> {
        let (new, previous) = (self.beside("new"), self.previous());
        for left in [&new, &previous] {
            remove(left)?;
        }
        write_new(&new)?;
        fs::hard_link(&self.path, &previous)?;
        self.sync_folder()?;
        fs::rename(&new, &self.path)?;
        self.sync_folder()
    }

    /// Forgets the old secret.
    pub fn finish_rotation(&self) -> io::Result<()> {
        remove(&self.previous())?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(".".as_ref()))?.sync_all()
    }
}

fn read(path: &PathBuf) -> io::Result<Option<MasterSecret>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let short = || io::Error::other("it is shorter than 32 characters");
            MasterSecret::new(text.trim()).ok_or_else(short).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a new secret that only this user can read; fails when the file is there by now.
fn write_new(path: &PathBuf) -> io::Result<()> {
    let secret = OpaqueToken::generate("sk_ms_");
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    out.write_all(secret.expose().as_bytes())?;
    out.sync_all()
}
