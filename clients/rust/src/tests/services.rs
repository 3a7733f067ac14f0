//! Tests the example services in Node and Python, as processes, against the fake server; complements end2end/.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use axum::http::{HeaderValue, header};
use jsonwebtoken::Algorithm;
use reqwest::Client;
use serde_json::{Value, json};

use super::{
    eventually,
    issuer::{AUDIENCE, Issuer, Signer, lock},
    vectors::{NOW, Vectors, check},
};

const SECRET: &str = "a-secret-of-this-service";

#[derive(Clone, Copy, Debug)]
enum Language {
    Node,
    Python,
}
use Language::{Node, Python};

struct Service {
    process: Child,
    url: String,
    client: Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command of a service; `now` fixes its clock.
fn program(language: Language, now: Option<u64>) -> Command {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("clients/");
    match language {
        Node => {
            let folder = clients.join("node");
            let installed = folder.join("node_modules/jose").is_dir();
            assert!(installed, "jose is missing: npm ci --prefix clients/node --no-audit --no-fund");
            let mut node = Command::new("node");
            if let Some(now) = now {
                node.arg("--import").arg(format!("data:text/javascript,Date.now = () => {}", now * 1_000));
            }
            node.arg(folder.join("service.mjs"));
            node
        }
        Python => {
            let mut check = Command::new("/usr/bin/python3");
            let found = check.args(["-c", "import jwt, cryptography"]).stderr(Stdio::null()).status();
            let installed = found.is_ok_and(|status| status.success());
            assert!(installed, "PyJWT is missing: apt-get install python3-jwt python3-cryptography");
            let mut python = Command::new("/usr/bin/python3");
            let service = clients.join("python/service.py");
            let run = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')";
            let stop = now.map(|now| format!("import time; time.time = lambda: {now}; ")).unwrap_or_default();
            python.arg("-c").arg(stop + run).arg(service);
            python
        }
    }
}

/// A file for the service's log.
fn log() -> (PathBuf, Stdio) {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let name = format!("sekisho-service-{}-{}", std::process::id(), COUNT.fetch_add(1, SeqCst));
    let path = env::temp_dir().join(name);
    let file = fs::File::create(&path).expect("a file");
    (path, file.into())
}

fn environment(mut command: Command, issuer: &Issuer, settings: &[(&str, &str)]) -> Command {
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command.envs([("LISTEN", "127.0.0.1:0"), ("ISSUER_URL", &issuer.url), ("SERVICE_SECRET", SECRET)]);
    command.envs(settings.iter().copied());
    command
}

impl Service {
    async fn start(command: Command, issuer: &Issuer, settings: &[(&str, &str)]) -> Self {
        let mut command = environment(command, issuer, settings);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("it starts");
        let stdout = process.stdout.take().expect("its output");
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(Duration::from_secs(20), reading).await;
        let line = line.expect("it is ready within 20 s").expect("a task").expect("its output");
        let url = line.trim().strip_prefix("listening on ").expect("its address").to_owned();
        Self { process, url, client: Client::builder().no_proxy().build().expect("a client") }
    }

    async fn ask(&self, authorization: impl Iterator<Item = HeaderValue>) -> (u16, Value) {
        let mut request = self.client.get(format!("{}/whoami", self.url));
        for value in authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_else(|_| json!({ "code": format!("{status} without JSON") })))
    }

    async fn code(&self, token: &str) -> String {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
        code(&self.ask([value].into_iter()).await)
    }
}

fn code((status, body): &(u16, Value)) -> String {
    if *status == 200 { "ok".into() } else { body["code"].as_str().unwrap_or("no code").to_owned() }
}

async fn every_vector(language: Language) {
    let vectors = Vectors::read();
    let issuer = Issuer::start(&[]).await;
    issuer.publish_jwks(vectors.jwks.keys.clone());
    let settings = [("ISSUER", vectors.issuer.as_str()), ("AUDIENCE", &vectors.audience)];
    let service = Service::start(program(language, Some(NOW)), &issuer, &settings).await;
    let mut answers = Vec::new();
    for vector in &vectors.vectors {
        answers.push(code(&service.ask(vector.headers()).await));
    }
    check(&vectors, &answers);
}

#[tokio::test]
async fn node_passes_every_vector() {
    every_vector(Node).await;
}

#[tokio::test]
async fn python_passes_every_vector() {
    every_vector(Python).await;
}

async fn keys(language: Language) {
    let (leaked, kept) = (Signer::new("leaked", Algorithm::EdDSA), Signer::new("kept", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&leaked, &kept]).await;
    let service = Service::start(program(language, None), &issuer, &[]).await;
    let shown = lock(&issuer.state.credentials).clone();
    assert!(shown.contains(&("feed", Some(format!("Bearer {SECRET}")))), "{shown:?}");
    assert!(shown.iter().all(|(path, shown)| *path == "feed" || shown.is_none()), "{shown:?}");

    // Reloads for 1,000 forged key ids are rate-limited.
    let (began, before) = (Instant::now(), issuer.state.jwks_reads.load(SeqCst));
    let attacker = Signer::new("attacker", Algorithm::EdDSA);
    for n in 0..1_000 {
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": format!("forged-{n}") });
        let forged = attacker.sign(&header, &issuer.claims("a-session"));
        assert_eq!(service.code(&forged).await, "invalid_token");
    }
    let (reads, most) = (issuer.state.jwks_reads.load(SeqCst) - before, began.elapsed().as_secs() / 3 + 1);
    assert!(reads as u64 <= most, "{reads} in {:?}", began.elapsed());

    let token = issuer.token(&leaked, "a-session");
    assert_eq!(service.code(&token).await, "ok");
    issuer.withdraw("leaked");
    let took = eventually("refused", async || service.code(&token).await == "invalid_token").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(service.code(&issuer.token(&kept, "a-session")).await, "ok");

    let started_later = Service::start(program(language, None), &issuer, &[]).await;
    assert_eq!(started_later.code(&token).await, "invalid_token", "received before it is ready");
}

#[tokio::test]
async fn node_rejects_a_withdrawn_key_at_once_and_rate_limits_reloads() {
    keys(Node).await;
}

#[tokio::test]
async fn python_rejects_a_withdrawn_key_at_once_and_rate_limits_reloads() {
    keys(Python).await;
}

async fn settings(language: Language) {
    let signer = Signer::new("a", Algorithm::EdDSA);
    let (issuer, elsewhere) = (Issuer::start(&[&signer]).await, Issuer::start(&[&signer]).await);
    let service = Service::start(program(language, None), &issuer, &[("SCOPE", "orders:write")]).await;
    let token = HeaderValue::from_str(&format!("Bearer {}", issuer.token(&signer, "a-session"))).expect("a token");
    let refused = service.ask([token].into_iter()).await;
    assert_eq!((refused.0, refused.1["code"].as_str()), (403, Some("insufficient_scope")));
    drop(service);

    // A redirect, or a secret that can't be sent, is an error that does not show the secret.
    *lock(&issuer.state.feed_moved) = Some(format!("{}/api/v1/revocations", elsewhere.url));
    for (secret, stops) in [(SECRET, false), ("a-secret with a blank", true), ("a-secret\nwith a line end", true)] {
        let (path, file) = log();
        let mut command = environment(program(language, None), &issuer, &[("SERVICE_SECRET", secret)]);
        let mut process = command.stdout(Stdio::null()).stderr(file).spawn().expect("it starts");
        let said = async || fs::read_to_string(&path).expect("its log");
        eventually("it says why", async || !said().await.is_empty()).await;
        if stops {
            assert!(!process.wait().expect("it stops").success());
        }
        let _ = process.kill();
        let _ = process.wait();
        let mut text = String::new();
        fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text)).expect("its log");
        assert!(!text.contains("a-secret"), "{text}");
        assert!(!stops || text.contains("SERVICE_SECRET"), "{text}");
        let _ = fs::remove_file(&path);
    }
    assert!(lock(&elsewhere.state.credentials).is_empty());

    *lock(&issuer.state.feed_moved) = None;
    let other = Service::start(program(language, None), &issuer, &[("AUDIENCE", "shop")]).await;
    assert_eq!(other.code(&issuer.token(&signer, "a-session")).await, "invalid_token", "it was for {AUDIENCE}");
}

#[tokio::test]
async fn node_does_not_leak_its_secret_and_requires_scope_and_audience() {
    settings(Node).await;
}

#[tokio::test]
async fn python_does_not_leak_its_secret_and_requires_scope_and_audience() {
    settings(Python).await;
}
