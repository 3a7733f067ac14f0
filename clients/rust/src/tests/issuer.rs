//! A fake Sekisho on a local port, which signs any token and simulates failures.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Redirect, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, get_current_timestamp, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::broadcast};

/// The `aud` of its tokens.
pub const AUDIENCE: &str = "orders";

pub struct Issuer {
    pub url: String,
    pub state: Arc<Stored>,
}

pub struct Stored {
    jwks: Mutex<Vec<Value>>,
    pub jwks_reads: AtomicUsize,
    /// Failures of the key set: an error, a redirect.
    pub jwks_fails: AtomicBool,
    pub jwks_moved: AtomicBool,
    pub feed_fails: AtomicBool,
    /// Redirects the feed to this URL.
    pub feed_moved: Mutex<Option<String>>,
    /// Closes the connection before the replay is complete.
    pub feed_breaks_off: AtomicBool,
    /// Keeps the connection open without sending anything.
    pub feed_is_silent: AtomicBool,
    ended: Mutex<Vec<String>>,
    withdrawn_keys: Mutex<Vec<String>>,
    news: broadcast::Sender<News>,
    pub connections: AtomicUsize,
    pub last_event_ids: Mutex<Vec<Option<String>>>,
    /// The `Authorization` header of each request, by path.
    pub credentials: Mutex<Vec<(&'static str, Option<String>)>>,
    /// Answers about opaque tokens, by the body that asks; an unknown one is not active.
    introspected: Mutex<HashMap<String, Value>>,
    pub introspections: AtomicUsize,
    pub introspection_status: Mutex<Option<StatusCode>>,
}

#[derive(Clone)]
enum News {
    Ended(usize),
    KeyWithdrawn(String),
    Cut,
}

/// A key pair with its public JWK.
#[derive(Clone)]
pub struct Signer {
    pub kid: &'static str,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
    pub jwk: Value,
}

impl Signer {
    pub fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().expect("a key");
                EncodingKey::from_ed_der(pair.to_pkcs8v1().expect("PKCS#8").as_ref())
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("PKCS#8").as_ref())
            }
            // The PKCS#1 structure, which jsonwebtoken wants, begins after 26 bytes.
            _ => EncodingKey::from_rsa_der(
                &KeyPair::generate(KeySize::Rsa2048).expect("a key").as_der().expect("PKCS#8").as_ref()[26..],
            ),
        };
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).expect("a JWK")).expect("JSON");
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        Self { kid, algorithm, key, jwk }
    }

    pub fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": format!("{:?}", self.algorithm), "kid": self.kid })
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        sign(header, claims, &self.key, self.algorithm)
    }
}

pub fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

impl Issuer {
    pub async fn start(signers: &[&Signer]) -> Self {
        let state = Arc::new(Stored {
            jwks: Mutex::default(),
            jwks_reads: AtomicUsize::new(0),
            jwks_fails: AtomicBool::new(false),
            jwks_moved: AtomicBool::new(false),
            feed_fails: AtomicBool::new(false),
            feed_moved: Mutex::default(),
            feed_breaks_off: AtomicBool::new(false),
            feed_is_silent: AtomicBool::new(false),
            ended: Mutex::default(),
            withdrawn_keys: Mutex::default(),
            news: broadcast::Sender::new(100),
            connections: AtomicUsize::new(0),
            last_event_ids: Mutex::default(),
            credentials: Mutex::default(),
            introspected: Mutex::default(),
            introspections: AtomicUsize::new(0),
            introspection_status: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/elsewhere", get(|State(state): State<Arc<Stored>>| async move { state.jwks() }))
            .route("/api/v1/revocations", get(revocations))
            .route("/oauth/introspect", post(introspect))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let issuer = Self { url, state };
        issuer.publish(signers);
        issuer
    }

    pub fn publish(&self, signers: &[&Signer]) {
        self.publish_jwks(signers.iter().map(|signer| signer.jwk.clone()).collect());
    }

    pub fn publish_jwks(&self, jwks: Vec<Value>) {
        *lock(&self.state.jwks) = jwks;
    }

    /// Claims of a token valid for a minute.
    pub fn claims(&self, sid: &str) -> Value {
        let now = get_current_timestamp();
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "a-user", "sid": sid, "jti": "a-token",
            "iat": now, "exp": now + 60, "client_id": "api", "scope": "orders:read orders:cancel", "roles": ["admin"],
        })
    }

    pub fn token(&self, signer: &Signer, sid: &str) -> String {
        signer.sign(&signer.header(), &self.claims(sid))
    }

    pub fn end(&self, sid: &str) {
        let end = json!({ "sid": sid, "reason": "revoked_by_user", "ended_at": "2026-11-21T06:00:00Z" });
        self.send_ended(&end.to_string());
    }

    /// Sends an `ended` event with this data.
    pub fn send_ended(&self, data: &str) {
        let mut ended = lock(&self.state.ended);
        ended.push(data.to_owned());
        let _ = self.state.news.send(News::Ended(ended.len()));
    }

    /// Sends `key_withdrawn` but keeps publishing the key, as a cache would.
    pub fn withdraw(&self, kid: &str) {
        lock(&self.state.withdrawn_keys).push(kid.to_owned());
        let _ = self.state.news.send(News::KeyWithdrawn(kid.to_owned()));
    }

    /// Answers so when it is asked about this token.
    pub fn introspect(&self, token: &str, answer: Value) {
        lock(&self.state.introspected).insert(format!("token={token}"), answer);
    }

    pub fn clear_revocations(&self) {
        lock(&self.state.ended).clear();
    }

    /// Closes all connections of the feed.
    pub fn cut(&self) {
        let _ = self.state.news.send(News::Cut);
    }
}

impl Stored {
    fn record_credentials(&self, path: &'static str, headers: &HeaderMap) {
        let shown = headers.get(header::AUTHORIZATION).map(|value| value.to_str().expect("text").to_owned());
        lock(&self.credentials).push((path, shown));
    }

    fn jwks(&self) -> Json<Value> {
        Json(json!({ "keys": *lock(&self.jwks) }))
    }
}

async fn jwks(State(state): State<Arc<Stored>>, headers: HeaderMap) -> Response {
    state.record_credentials("jwks", &headers);
    state.jwks_reads.fetch_add(1, SeqCst);
    if state.jwks_fails.load(SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if state.jwks_moved.load(SeqCst) {
        return Redirect::temporary("/elsewhere").into_response();
    }
    state.jwks().into_response()
}

async fn revocations(State(state): State<Arc<Stored>>, headers: HeaderMap) -> Response {
    state.record_credentials("feed", &headers);
    assert_eq!(headers[header::ACCEPT], "text/event-stream");
    if let Some(url) = &*lock(&state.feed_moved) {
        return Redirect::temporary(url).into_response();
    }
    let last = headers.get("last-event-id").map(|id| id.to_str().expect("text").to_owned());
    if state.feed_fails.load(SeqCst) {
        lock(&state.last_event_ids).push(last);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let news = state.news.subscribe();
    let since = last.as_ref().and_then(|id| id.parse().ok()).unwrap_or(0);
    let sse = Sse::new(feed(Connection::new(state.clone()), since, news));
    lock(&state.last_event_ids).push(last);
    if state.feed_is_silent.load(SeqCst) {
        return sse.into_response();
    }
    sse.keep_alive(KeepAlive::new().interval(Duration::from_millis(50))).into_response()
}

async fn introspect(State(state): State<Arc<Stored>>, headers: HeaderMap, body: String) -> Response {
    state.record_credentials("introspect", &headers);
    state.introspections.fetch_add(1, SeqCst);
    if let Some(status) = *lock(&state.introspection_status) {
        return status.into_response();
    }
    let answer = lock(&state.introspected).get(&body).cloned();
    Json(answer.unwrap_or_else(|| json!({ "active": false }))).into_response()
}

/// Counts the open connections.
struct Connection(Arc<Stored>);

impl Connection {
    fn new(state: Arc<Stored>) -> Self {
        state.connections.fetch_add(1, SeqCst);
        Self(state)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, SeqCst);
    }
}

/// Event ids are the number of revocations so far.
fn feed(
    connection: Connection,
    since: usize,
    news: broadcast::Receiver<News>,
) -> BoxStream<'static, Result<Event, Infallible>> {
    let ended = lock(&connection.0.ended).clone();
    let ended_event = |id: usize, data: &str| Event::default().event("ended").id(id.to_string()).data(data);
    let key_withdrawn = |id: usize, kid: &str| {
        let data = json!({ "kid": kid }).to_string();
        Event::default().event("key_withdrawn").id(id.to_string()).data(data)
    };
    let mut first: Vec<_> = ended.iter().enumerate().skip(since).map(|(i, data)| ended_event(i + 1, data)).collect();
    let cursor = ended.len();
    if connection.0.feed_breaks_off.load(SeqCst) {
        return stream::iter(first).map(Ok).boxed();
    }
    first.extend(lock(&connection.0.withdrawn_keys).iter().map(|kid| key_withdrawn(cursor, kid)));
    let hello = json!({ "next_cursor": cursor.to_string(), "retain_for": 960 }).to_string();
    first.push(Event::default().event("hello").id(cursor.to_string()).data(hello));
    let live = stream::unfold((connection, news), move |(connection, mut news)| async move {
        loop {
            match news.recv().await {
                Ok(News::Ended(id)) if id > cursor => {
                    let data = lock(&connection.0.ended)[id - 1].clone();
                    return Some((ended_event(id, &data), (connection, news)));
                }
                Ok(News::Ended(_)) => {}
                Ok(News::KeyWithdrawn(kid)) => {
                    let id = lock(&connection.0.ended).len();
                    return Some((key_withdrawn(id, &kid), (connection, news)));
                }
                Ok(News::Cut) | Err(_) => return None,
            }
        }
    });
    stream::iter(first).chain(live).map(Ok).boxed()
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
