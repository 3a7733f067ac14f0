//! Passwords known from data breaches (ASVS 6.2.12): looked up wherever one is chosen, in a range API or in a file.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sekisho_core::{Error, account::Registration};
use serde_json::json;

use crate::harness::{
    PASSWORD, TestApp, context, github,
    process::{Folder, Server, command, run},
};

/// Not guessable, but breached.
const BREACHED: &str = "seven purple elephants dancing";
const GOOD: &str = "another good passphrase";

fn sha1_hex(password: &str) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    List { crlf: bool, upper: bool, count: u64 },
    Never,
    HalfOfIt,
    Status(u16),
    Garbage,
    Redirect,
}

#[derive(Clone)]
struct RangeApi {
    url: String,
    answer: Answer,
    /// The prefixes that were asked for, each with the header that asks for padding.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl RangeApi {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let api = Self { url, answer, asked: Arc::default() };
        let router = Router::new().route("/range/{prefix}", get(range)).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        api
    }

    fn settings(&self) -> [(&str, &str); 2] {
        [("SEKISHO_BREACHED_PASSWORDS", "hibp"), ("SEKISHO_BREACHED_PASSWORDS_URL", &self.url)]
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("no test panics while it holds this").clone()
    }
}

async fn range(State(api): State<RangeApi>, Path(prefix): Path<String>, headers: HeaderMap) -> Response {
    let padding = headers.get("add-padding").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    api.asked.lock().expect("no test panics while it holds this").push((prefix.clone(), padding));
    let other = "0018A45C4D1DEF81644B54AB7F969B88D65";
    match api.answer {
        Answer::List { crlf, upper, count } => {
            let hash = sha1_hex(BREACHED);
            let line = if hash.starts_with(&prefix) { format!("{}:{count}", &hash[5..]) } else { format!("{other}:0") };
            let list = [format!("{other}:3"), line, "FFFFA45C4D1DEF81644B54AB7F969B88D65:0".into()];
            let list = list.join(if crlf { "\r\n" } else { "\n" });
            (if upper { list } else { list.to_lowercase() }).into_response()
        }
        Answer::Never => std::future::pending().await,
        Answer::HalfOfIt => {
            let half = futures::stream::once(async move { Ok::<_, std::io::Error>(format!("{other}:3\r\n")) });
            let never = futures::stream::pending();
            axum::body::Body::from_stream(futures::StreamExt::chain(half, never)).into_response()
        }
        Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Answer::Garbage => "<html>Sign in to the Wi-Fi</html>".into_response(),
        Answer::Redirect => (StatusCode::FOUND, [(header::LOCATION, format!("/range/{prefix}?again"))]).into_response(),
    }
}

const LIST: Answer = Answer::List { crlf: true, upper: true, count: 9_545_824 };

/// Registers over the API; whether the password was refused as breached.
async fn refused(t: &TestApp, email: &str, password: &str) -> bool {
    let answer = t.anonymous().post("/api/v1/users", json!({ "email": email, "password": password })).await;
    if answer.status == 201 {
        return false;
    }
    let problem = answer.problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["code"], "password-breached", "{problem}");
    true
}

fn counted(t: &TestApp, outcome: &str) -> bool {
    let metric = format!("sekisho_breached_password_checks_total{{outcome=\"{outcome}\"}} 1\n");
    t.app.core.metrics.encode().expect("metrics").contains(&metric)
}

#[tokio::test]
async fn a_breached_password_is_refused_wherever_one_is_chosen() {
    let api = RangeApi::start(LIST).await;
    let mail = [("SEKISHO_SMTP_URL", "smtp://127.0.0.1:1025"), ("SEKISHO_MAIL_FROM", "sign-in@example.com")];
    let t = TestApp::with(&[&api.settings(), mail.as_slice()].concat()).await;
    let text = "This password is known from a data breach";

    let fields = [("email", "new@example.com"), ("password", BREACHED)];
    let page = t.anonymous().form("/register", &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.page().one("#password-error").text().contains(text));
    let core = &t.app.core.accounts;
    let new = |password| Registration { email: "ada@example.com", password, name: None, locale: None };
    let is_breached = |error: Error| match error {
        Error::InvalidInput(fields) => fields.iter().any(|field| field.code == "password-breached"),
        _ => false,
    };
    assert!(core.create(new(BREACHED), &context(None)).await.is_err_and(is_breached), "on the command line");
    core.create(new(PASSWORD), &context(None)).await.expect("an account");
    let user = core.find_by_id_or_email("ada@example.com").await.expect("a look").expect("a user");
    assert!(core.reset_password(&user, BREACHED, true, &context(None)).await.is_err_and(is_breached));

    let mut browser = t.sign_in_browser("ada@example.com").await;
    let change = [("current_password", PASSWORD), ("new_password", BREACHED)];
    let page = browser.form("/account/password", &change).await;
    assert!(page.status == 422 && page.text().contains(text));
    let (mut client, _) = t.sign_in_api("ada@example.com").await;
    let change = json!({ "current_password": PASSWORD, "new_password": BREACHED });
    let problem = client.json("PUT", "/api/v1/me/password", change).await.problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["code"], "password-breached");

    t.mail().await;
    t.anonymous().form("/forgot-password", &[("email", "ada@example.com")]).await;
    let (_, token) = t.mail_token().await;
    let reset = |password| [("token", token.clone()), ("new_password", password)];
    let page =
        t.anonymous().form("/reset-password", &reset(BREACHED.into()).each_ref().map(|(n, v)| (*n, v.as_str()))).await;
    assert!(page.status == 422 && page.text().contains(text), "{}", page.text());
    let done =
        t.anonymous().form("/reset-password", &reset(GOOD.into()).each_ref().map(|(n, v)| (*n, v.as_str()))).await;
    assert_eq!(done.location(), "/login?done=reset", "the refusal used nothing up");
}

#[tokio::test]
async fn a_first_password_is_looked_up_too() {
    let (api, github_url) = (RangeApi::start(LIST).await, github::fake().await);
    let github = [
        ("SEKISHO_GITHUB_CLIENT_ID", "the-client"),
        ("SEKISHO_GITHUB_CLIENT_SECRET", "the-secret"),
        ("SEKISHO_GITHUB_URL", github_url.as_str()),
        ("SEKISHO_GITHUB_API_URL", github_url.as_str()),
    ];
    let t = TestApp::with(&[&api.settings(), github.as_slice()].concat()).await;
    let mut browser = t.anonymous();
    github::come_back_as(&mut browser, "/auth/github", "octocat").await;
    let page = browser.form("/account/password", &[("new_password", BREACHED)]).await;
    assert!(page.status == 422 && page.text().contains("data breach"));
    assert_eq!(browser.form("/account/password", &[("new_password", GOOD)]).await.status, 303);
}

#[tokio::test]
async fn five_digits_of_the_hash_leave_the_server_and_only_for_a_password_that_is_good_otherwise() {
    let api = RangeApi::start(LIST).await;
    let t = TestApp::with(&api.settings()).await;
    for weak in ["short", "password1", &"x1".repeat(129)] {
        let body = json!({ "email": "ada@example.com", "password": weak });
        t.anonymous().post("/api/v1/users", body).await.problem(422, "invalid_input");
    }
    t.anonymous().form("/fn/password-strength", &[("password", BREACHED)]).await;
    assert!(api.asked().is_empty());
    assert!(!refused(&t, "ada@example.com", GOOD).await && counted(&t, "clear"));
    // Alike for an address that has an account.
    assert!(refused(&t, "ada@example.com", BREACHED).await && counted(&t, "breached"));
    let prefixes = [GOOD, BREACHED].map(|password| (sha1_hex(password)[..5].to_owned(), "true".to_owned()));
    assert_eq!(api.asked(), prefixes);
    // Nobody is asked at a sign-in.
    t.anonymous().post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": GOOD })).await;
    assert_eq!(api.asked().len(), 2);
}

#[tokio::test]
async fn a_list_is_read_in_either_case_and_line_ending_and_padding_does_not_count() {
    for (crlf, upper, count, expected) in
        [(true, false, 1, true), (false, true, 1, true), (false, false, 1, true), (true, true, 0, false)]
    {
        let t = TestApp::with(&RangeApi::start(Answer::List { crlf, upper, count }).await.settings()).await;
        assert_eq!(refused(&t, "ada@example.com", BREACHED).await, expected, "{crlf} {upper} {count}");
        assert!(counted(&t, if expected { "breached" } else { "clear" }));
    }
}

#[tokio::test]
async fn without_a_usable_answer_within_500_ms_the_password_passes_and_is_counted() {
    let never = [Answer::Never, Answer::HalfOfIt];
    for answer in never.into_iter().chain([Answer::Status(500), Answer::Status(429), Answer::Garbage, Answer::Redirect])
    {
        let t = TestApp::with(&RangeApi::start(answer).await.settings()).await;
        let before = Instant::now();
        assert!(!refused(&t, "ada@example.com", BREACHED).await);
        let took = before.elapsed();
        assert!(!never.contains(&answer) || took >= Duration::from_millis(500), "it waits for an answer");
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(counted(&t, "unchecked"));
    }
    let closed = [("SEKISHO_BREACHED_PASSWORDS", "hibp"), ("SEKISHO_BREACHED_PASSWORDS_URL", "http://127.0.0.1:9")];
    let t = TestApp::with(&closed).await;
    assert!(!refused(&t, "ada@example.com", BREACHED).await && counted(&t, "unchecked"));
}

#[tokio::test]
async fn the_log_says_that_a_look_up_failed_and_nothing_of_the_password() {
    let api = RangeApi::start(Answer::Status(503)).await;
    let folder = Folder::new();
    let server = Server::start(&folder, &[api.settings().as_slice(), &[("SEKISHO_LOG", "debug")]].concat());
    let person = json!({ "email": "ada@example.com", "password": BREACHED });
    assert_eq!(server.post("/api/v1/users", person).await.status(), 201);
    server.kill("-TERM");
    let log = std::fs::read_to_string(folder.0.join("log")).expect("a log");
    assert!(log.contains("without looking it up among breached ones"), "{log}");
    let hash = sha1_hex(BREACHED);
    for part in [BREACHED, &hash[..5], &hash[..5].to_lowercase(), "/range/"] {
        assert!(!log.contains(part), "{part} in {log}");
    }
}

#[tokio::test]
async fn a_file_made_from_the_download_is_looked_up_instead() {
    let folder = Folder::new();
    let mut list: Vec<_> = (0..1_000).map(|n| format!("{}:{n}1", sha1_hex(&n.to_string()))).collect();
    list.push(format!("{}:7", sha1_hex(BREACHED)));
    list.sort_unstable();
    std::fs::write(folder.0.join("list.txt"), list.join("\r\n")).expect("written");
    let (status, said) = run(&folder, &["breached", "import", "list.txt", "breached"]);
    assert_eq!((status, said.contains("breached has 1001 breached passwords.")), (Some(0), true), "{said}");
    let file = folder.0.join("breached").display().to_string();
    let t = TestApp::with(&[("SEKISHO_BREACHED_PASSWORDS", &file)]).await;
    assert!(refused(&t, "ada@example.com", BREACHED).await && counted(&t, "breached"));
    assert!(!refused(&t, "ada@example.com", GOOD).await && counted(&t, "clear"));
}

#[test]
fn a_file_that_is_none_stops_the_start_and_the_import_with_one_message() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("list.txt"), format!("{}:1\nnot a hash\n", sha1_hex(BREACHED))).expect("written");
    for (file, said) in [("./list.txt", "not made by `sekisho breached import`"), ("./absent", "No such file")] {
        let settings = [("SEKISHO_LISTEN", "127.0.0.1:0"), ("SEKISHO_BREACHED_PASSWORDS", file)];
        let output = command(&folder, &settings).output().expect("the binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("sekisho: ")).collect();
        assert_eq!((output.status.code(), lines.len()), (Some(1), 1), "{stderr}");
        assert!(lines[0].contains("SEKISHO_BREACHED_PASSWORDS") && lines[0].contains(said), "{stderr}");
    }
    let (status, said) = run(&folder, &["breached", "import", "list.txt", "breached"]);
    assert!(status == Some(1) && said.contains("list.txt: line 2 is not a SHA-1 hash"), "{said}");
    assert!(!folder.0.join("breached").exists());
}
