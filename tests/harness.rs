//! An app on a fresh database, and three kinds of clients: anonymous, with a cookie, with a bearer token.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use sekisho::{config::Config, router::router, state::AppState};
use sekisho_core::{RequestContext, admin::AccessChange, clock::Clock, db::Db};
use serde_json::{Value, json};
use tower::ServiceExt;

pub const SECRET: &str = "a secret of the tests, 32 characters or more";
pub const PASSWORD: &str = "correct horse battery staple";
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct TestApp {
    pub app: AppState,
    pub clock: Clock,
    settings: Vec<(String, String)>,
    router: Router,
    folder: Option<PathBuf>,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With `SEKISHO_…` settings over the defaults; rate limits are off unless asked for.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let name = format!("sekisho_test_{}", Clock::default().new_id().replace('-', "_"));
        let (url, folder) = match std::env::var("SEKISHO_TEST_DATABASE_URL") {
            Ok(server) => (postgres(&server, &name).await, None),
            Err(_) => {
                let folder = std::env::temp_dir().join(&name);
                (format!("sqlite://{}", folder.join("new/test.db").display()), Some(folder))
            }
        };
        let base = [("SEKISHO_DATABASE_URL", url.as_str()), ("SEKISHO_RATE_LIMIT", "off"), ("SEKISHO_SECRET", SECRET)];
        let settings = base.iter().chain(settings).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self::start(settings, Clock::default(), folder).await
    }

    /// The process ends and another one starts on the same database.
    pub async fn restart(mut self) -> Self {
        let (settings, clock, folder) = (self.settings.clone(), self.clock.clone(), self.folder.take());
        Self::start(settings, clock, folder).await
    }

    /// As [`TestApp::restart`], without the settings whose names begin so.
    pub async fn restart_without(mut self, prefix: &str) -> Self {
        self.settings.retain(|(name, _)| !name.starts_with(prefix));
        self.restart().await
    }

    /// As [`TestApp::restart`], with these settings over its own.
    pub async fn restart_with(mut self, settings: &[(&str, &str)]) -> Self {
        self.settings.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        self.restart().await
    }

    /// Another process on the same database, with the same clock.
    pub async fn second_node(&self) -> Self {
        self.second_node_with(&[]).await
    }

    /// As [`TestApp::second_node`], with these settings over its own.
    pub async fn second_node_with(&self, settings: &[(&str, &str)]) -> Self {
        let mut all = self.settings.clone();
        all.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Self::start(all, self.clock.clone(), None).await
    }

    async fn start(settings: Vec<(String, String)>, clock: Clock, folder: Option<PathBuf>) -> Self {
        let config = Config::from_sources("", settings.clone()).expect("the test's settings are valid");
        let db = Db::open(&config.database_url).await.expect("the database opens");
        db.migrate().await.expect("the database migrates");
        let secret = sekisho::server::secret(&config).expect("the secret is long enough");
        let app = AppState::new(config, db, secret, clock.clone()).await.expect("the app starts");
        Self { router: router(app.clone()), app, clock, settings, folder }
    }

    /// Somebody without a credential, at 127.0.0.1.
    pub fn anonymous(&self) -> Client {
        Client {
            router: self.router.clone(),
            ip: [127, 0, 0, 1].into(),
            cookies: BTreeMap::new(),
            bearer: None,
            headers: Vec::new(),
        }
    }

    /// Makes an account over the API.
    pub async fn register(&self, email: &str) {
        let answer = self.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Makes an account, unless it is there.
    pub async fn register_once(&self, email: &str) {
        self.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
    }

    /// An API client signed in as a new administrator, and its tokens.
    pub async fn admin(&self, email: &str) -> (Client, Value) {
        self.register(email).await;
        let roles = ["admin".to_owned()];
        self.app
            .auth
            .change_access(&self.user_id(email).await, AccessChange::roles(&roles), None)
            .await
            .expect("a role");
        self.sign_in_api(email).await
    }

    /// How many sessions somebody has.
    pub async fn live_sessions(&self, email: &str) -> usize {
        self.app.auth.sessions(&self.user_id(email).await, None, 1_000).await.expect("a list").0.len()
    }

    pub async fn user_id(&self, email: &str) -> String {
        self.app.auth.find_person(email).await.expect("a look").expect("a user").id
    }

    /// A browser signed in to a new account.
    pub async fn browser(&self, email: &str) -> Client {
        self.register(email).await;
        self.sign_in_browser(email).await
    }

    /// Another browser of an account.
    pub async fn sign_in_browser(&self, email: &str) -> Client {
        let mut browser = self.anonymous();
        let answer = browser.form("/login", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        browser
    }

    /// An API client signed in to a new account, and its tokens.
    pub async fn api(&self, email: &str) -> (Client, Value) {
        self.register(email).await;
        self.sign_in_api(email).await
    }

    /// Another API client of an account.
    pub async fn sign_in_api(&self, email: &str) -> (Client, Value) {
        let mut client = self.anonymous();
        let answer = client.post("/api/v1/tokens", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        client.bearer = tokens["access_token"].as_str().map(Into::into);
        (client, tokens)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Whoever acts without a request.
pub fn context(actor: Option<&str>) -> RequestContext {
    RequestContext {
        ip: [127, 0, 0, 1].into(),
        user_agent: String::new(),
        request_id: None,
        actor: actor.map(Into::into),
        session_id: None,
        received_at: Clock::default().now(),
        device_cookie: None,
    }
}

/// Makes a database on the server and returns its URL.
async fn postgres(server: &str, name: &str) -> String {
    let admin = Db::open(server).await.expect("the PostgreSQL server answers");
    let statement = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(statement).execute(admin.writer()).await.expect("a database can be made");
    admin.close().await;
    let mut url = url::Url::parse(server).expect("a URL");
    url.set_path(name);
    url.into()
}

/// Something that sends requests: keeps cookies as a browser does, and sends a bearer token if it has one.
#[derive(Clone)]
pub struct Client {
    router: Router,
    pub ip: std::net::IpAddr,
    pub cookies: BTreeMap<String, String>,
    pub bearer: Option<String>,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

impl Client {
    /// The same person, whose requests another node answers.
    pub fn at(&self, node: &TestApp) -> Self {
        Self { router: node.router.clone(), ..self.clone() }
    }

    /// The same person, whose requests another router answers.
    pub fn on(&self, router: Router) -> Self {
        Self { router, ..self.clone() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, Body::empty()).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, None, Body::empty()).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub async fn json(&mut self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, path, Some("application/json"), Body::from(body.to_string())).await
    }

    pub async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some("application/x-www-form-urlencoded"), Body::from(body)).await
    }

    pub async fn send(&mut self, method: &str, path: &str, content_type: Option<&str>, body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, "127.0.0.1:3000");
        }
        let mut request = request.body(body).expect("a valid request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.ip, 50_000))));

        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a readable cookie");
            let (name, rest) = cookie.split_once('=').expect("a cookie has a name");
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() || cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        let body = match parts.headers.get(header::CONTENT_TYPE).map(|v| v.as_bytes()) {
            Some(b"text/event-stream") => Received::Stream(body),
            _ => Received::Whole(to_bytes(body, 10_000_000).await.expect("a body")),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Opens a stream of server-sent events.
    pub async fn events(&mut self, path: &str) -> Events {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200);
        match answer.body {
            Received::Stream(body) => Events { body, text: String::new() },
            Received::Whole(_) => panic!("{path} is no stream"),
        }
    }

    pub async fn session_id(&mut self) -> String {
        let page = self.get("/devices").await.text();
        let this = page.split("aria-current=\"true\"").nth(1).expect("this device is marked").to_owned();
        between(&this, "name=\"id\" value=\"", "\"").expect("a device has an id").to_owned()
    }
}

/// What stands between two marks, the first time.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

enum Received {
    Whole(Bytes),
    Stream(Body),
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Received,
}

impl Answer {
    pub fn text(&self) -> String {
        match &self.body {
            Received::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Received::Stream(_) => String::new(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_else(|e| panic!("{e} in {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text());
        self.header("location")
    }

    /// Asserts a problem+json with this status and code, and returns it.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].is_string(), "{member} in {problem}");
        }
        assert_eq!(problem["status"], status);
        problem
    }
}

/// An open stream of server-sent events.
pub struct Events {
    body: Body,
    text: String,
}

impl Events {
    /// The next event's name and data; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        use futures::StreamExt;
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                self.text = rest;
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
                if field("event:").is_empty() {
                    continue; // a comment that keeps the connection alive
                }
                return Some((field("event:").into(), serde_json::from_str(field("data:")).unwrap_or_default()));
            }
            let mut stream = std::mem::take(&mut self.body).into_data_stream();
            let chunk = stream.next().await?;
            self.text.push_str(&String::from_utf8_lossy(&chunk.expect("a chunk")));
            self.body = Body::from_stream(stream);
        }
    }
}
