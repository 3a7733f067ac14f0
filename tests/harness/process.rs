//! The binary as a process of its own: started, asked over the network, killed.

use std::{
    fs::File,
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use reqwest::Client;
use serde_json::Value;

pub struct Server {
    pub child: Child,
    pub url: String,
}

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("sekisho-process-{}", sekisho_core::clock::Clock::default().new_id()));
        std::fs::create_dir(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the whole suite runs under (`SEKISHO_TEST_STRATEGY`); a test's own setting wins.
pub fn strategy() -> Option<String> {
    std::env::var("SEKISHO_TEST_STRATEGY").ok()
}

pub fn command(folder: &Folder, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.current_dir(&folder.0).env_clear();
    command.envs(strategy().map(|strategy| ("SEKISHO_STRATEGY", strategy))).envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

impl Server {
    /// Starts in an environment of these settings alone, and waits until it says that it is ready. It logs into the
    /// folder's `log`.
    pub fn start(folder: &Folder, settings: &[(&str, &str)]) -> Self {
        let listen = free_port();
        let settings = [&[("SEKISHO_LISTEN", listen.as_str())], settings].concat();
        let log = File::create(folder.0.join("log")).expect("a file");
        let mut child = command(folder, &settings).stderr(log).spawn().expect("the binary runs");
        let mut said = Vec::new();
        let mut stdout = child.stdout.take().expect("its output");
        while !said.ends_with(b"\n") {
            let mut byte = [0];
            assert_eq!(stdout.read(&mut byte).expect("readable"), 1, "it stopped before it was ready");
            said.extend(byte);
        }
        let url = format!("http://{listen}");
        assert!(String::from_utf8_lossy(&said).contains(&url), "it says where to go");
        Self { child, url }
    }

    pub fn kill(mut self, signal: &str) -> Output {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
        let status = self.child.wait().expect("it ends");
        Output { status, stdout: Vec::new(), stderr: Vec::new() }
    }

    pub async fn post(&self, path: &str, body: Value) -> reqwest::Response {
        let request = Client::new().post(format!("{}{path}", self.url)).header("content-type", "application/json");
        request.body(body.to_string()).send().await.expect("an answer")
    }

    /// Asks until a token is refused, which has to be within this time, and returns the answer.
    pub async fn refusal(&self, token: &Value, within: Duration) -> Value {
        let refused = async {
            loop {
                let (status, answer) = self.me(token).await;
                if status == 401 {
                    return answer;
                }
                assert_eq!(status, 200, "{answer}");
            }
        };
        tokio::time::timeout(within, refused).await.expect("it is refused in time")
    }

    pub async fn me(&self, token: &Value) -> (u16, Value) {
        let token = token.as_str().expect("a token");
        let answer = Client::new().get(format!("{}/api/v1/me", self.url)).bearer_auth(token).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

/// Runs a command to its end and returns what it said.
pub fn run(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(folder, &[]).args(arguments).output().expect("the binary runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}
