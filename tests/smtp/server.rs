//! A mail server: aiosmtpd in a process of its own, which hands over what it received.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::harness::process::Folder;

pub struct MailServer {
    child: Child,
    folder: Folder,
    pub port: u16,
}

impl MailServer {
    /// See `server.py` for the options.
    pub fn start(options: &[&str]) -> Self {
        let folder = Folder::new();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp/server.py");
        let mut child = Command::new("/usr/bin/python3")
            .args(["-W", "ignore", script])
            .arg(&folder.0)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("readable");
        let port = line.trim().parse().expect("aiosmtpd is missing: apt-get install python3-aiosmtpd");
        Self { child, folder, port }
    }

    /// Another one in the place of this one, with what this one received.
    pub fn restart(mut self, options: &[&str]) -> Self {
        let port = self.port.to_string();
        self.stop();
        Self::start(&[&["--port", &port], options].concat())
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What was taken so far, in order.
    pub fn received(&self) -> Vec<Value> {
        let entries = std::fs::read_dir(&self.folder.0).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
        paths.sort();
        let read = |path: &PathBuf| serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
        paths.iter().map(read).collect()
    }

    /// The only message that was taken.
    pub fn only(&self) -> Value {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
    }

    /// The last credentials that were shown.
    pub fn login(&self) -> Option<String> {
        let login = std::fs::read(self.folder.0.join("login")).ok()?;
        serde_json::from_slice(&login).expect("JSON")
    }

    /// The certificate, if it has one.
    pub fn certificate(&self) -> PathBuf {
        self.folder.0.join("certificate.pem")
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A header of a received message.
pub fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    let headers = message["headers"].as_array().expect("headers");
    let mut found = headers.iter().filter(|header| header[0] == name);
    let value = found.next().and_then(|header| header[1].as_str()).unwrap_or_else(|| panic!("{name} in {message:#?}"));
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

/// The plain text of a received message.
pub fn text(message: &Value) -> &str {
    assert_eq!(message["types"], serde_json::json!(["text/plain", "text/html"]));
    assert_eq!(message["defects"], serde_json::json!([]));
    message["parts"][0].as_str().expect("text")
}
