//! An app on a fresh database, and three kinds of clients: anonymous, with a cookie, with a bearer token. Beside them
//! the binary as a process, and a GitHub to sign in with.

use std::{collections::BTreeMap, path::PathBuf};

use axum::Router;
use sekisho::{config::Config, router::router, state::AppState};
use sekisho_core::{Actor, Db, RequestContext, account::Registration, administration::AccessChange, clock::Clock};
use sekisho_model::UserId;
use serde_json::{Value, json};

mod client;
mod clock;
pub mod github;
pub mod mailbox;
mod page;
pub mod passkey;
pub mod process;
pub mod totp;

pub use client::{Answer, Client};
pub use clock::MockClock;

pub use page::Page;

pub const SECRET: &str = "a secret of the tests, 32 characters or more";
pub const PASSWORD: &str = "correct horse battery staple";
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct TestApp {
    pub app: AppState,
    /// The database, beside the app.
    pub db: Db,
    pub clock: MockClock,
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
        let strategy = process::strategy();
        let strategy = strategy.as_deref().map(|strategy| ("SEKISHO_STRATEGY", strategy));
        let settings =
            base.iter().chain(&strategy).chain(settings).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self::start(settings, MockClock::default(), folder).await
    }

    /// As [`TestApp::with`], with JWTs as access tokens whatever the suite runs under: for tests of these.
    pub async fn with_jwts(settings: &[(&str, &str)]) -> Self {
        let strategy = process::strategy().filter(|strategy| strategy != "session");
        let strategy = ("SEKISHO_STRATEGY", strategy.as_deref().unwrap_or("hybrid"));
        Self::with(&[&[strategy], settings].concat()).await
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

    async fn start(settings: Vec<(String, String)>, clock: MockClock, folder: Option<PathBuf>) -> Self {
        let config = Config::from_sources("", settings.clone()).expect("the test's settings are valid");
        let db = Db::open(&config.database_url).await.expect("the database opens");
        db.migrate().await.expect("the database migrates");
        let secret = sekisho::server::secret(&config).expect("the secret is long enough");
        let app = AppState::new(config, db.clone(), secret, clock.clock()).await.expect("the app starts");
        Self { router: router(app.clone()), app, db, clock, settings, folder }
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

    /// Makes an account with a verified address, as the command line does.
    pub async fn create_verified(&self, email: &str) {
        let new = Registration { email, password: PASSWORD, name: None, locale: None };
        self.app.core.accounts.create(new, &context(None)).await.expect("an account");
    }

    /// Makes an account, unless it is there.
    pub async fn register_once(&self, email: &str) {
        self.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
    }

    /// An API client signed in as a new administrator, and its tokens.
    pub async fn admin(&self, email: &str) -> (Client, Value) {
        self.register_once(email).await;
        let roles = ["admin".to_owned()];
        self.app
            .core
            .administration
            .change_access(&self.user_id(email).await, AccessChange::roles(&roles), None)
            .await
            .expect("a role");
        self.sign_in_api(email).await
    }

    /// How many sessions somebody has.
    pub async fn live_sessions(&self, email: &str) -> usize {
        self.app.core.sessions.list(&self.user_id(email).await, None, 1_000).await.expect("a list").0.len()
    }

    pub async fn user_id(&self, email: &str) -> UserId {
        self.app.core.accounts.find_by_id_or_email(email).await.expect("a look").expect("a user").id
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
pub fn context(actor: Option<Actor>) -> RequestContext {
    RequestContext {
        ip: [127, 0, 0, 1].into(),
        user_agent: String::new(),
        request_id: None,
        actor,
        session_id: None,
        received_at: Clock::default().now(),
        device_cookie: None,
        trusted_browser: None,
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
