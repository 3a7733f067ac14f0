//! A fake GitHub on loopback that checks what the real one checks, and fails as the real one fails; a browser's way
//! there and back.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Answer, Client, TestApp};

/// Starts the fake; a code is `<persona>~<challenge>`, as this test's "authorize page" hands them out; the token is the
/// persona.
pub async fn fake() -> String {
    let fake = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/user", get(user))
        .route("/user/emails", get(emails));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, fake).await });
    url
}

/// Starts the fake and an app that knows it.
pub async fn app(settings: &[(&str, &str)]) -> TestApp {
    let url = fake().await;
    let github = [
        ("SEKISHO_GITHUB_CLIENT_ID", "the-client"),
        ("SEKISHO_GITHUB_CLIENT_SECRET", "the-secret"),
        ("SEKISHO_GITHUB_URL", url.as_str()),
        ("SEKISHO_GITHUB_API_URL", url.as_str()),
    ];
    TestApp::with(&[&github, settings].concat()).await
}

async fn token(headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let expected = base64::engine::general_purpose::STANDARD.encode("the-client:the-secret");
    let known = basic == format!("Basic {expected}") || field("client_secret") == "the-secret";
    let (persona, challenge) = field("code").split_once('~').unwrap_or_default();
    let proof = URL_SAFE_NO_PAD.encode(digest(&SHA256, field("code_verifier").as_bytes()));
    // GitHub answers errors with status 200.
    if !known {
        return Json(json!({ "error": "incorrect_client_credentials" })).into_response();
    }
    match persona {
        "down" => (StatusCode::BAD_GATEWAY, "<html>Unicorn!</html>").into_response(),
        "expired" => Json(json!({ "error": "bad_verification_code", "error_description": "…" })).into_response(),
        _ if proof != challenge => Json(json!({ "error": "bad_verification_code" })).into_response(),
        persona => Json(json!({ "access_token": persona, "token_type": "bearer", "scope": "read:user,user:email" }))
            .into_response(),
    }
}

fn persona(headers: &HeaderMap) -> Result<String, StatusCode> {
    if !headers.contains_key(header::USER_AGENT) {
        return Err(StatusCode::FORBIDDEN);
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
    token.map(Into::into).ok_or(StatusCode::UNAUTHORIZED)
}

async fn user(headers: HeaderMap) -> Response {
    match persona(&headers) {
        Err(refusal) => refusal.into_response(),
        Ok(persona) if persona == "api-down" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Ok(persona) => {
            let id = persona.bytes().map(u64::from).sum::<u64>();
            Json(json!({ "id": id, "login": persona, "name": "The Octocat", "email": "public@example.com" }))
                .into_response()
        }
    }
}

async fn emails(headers: HeaderMap) -> Response {
    match persona(&headers) {
        Err(refusal) => refusal.into_response(),
        Ok(persona) => {
            let verified = persona != "unverified";
            let primary = format!("{persona}@example.com");
            Json(json!([
                { "email": "old@example.com", "primary": false, "verified": true, "visibility": null },
                { "email": primary, "primary": true, "verified": verified, "visibility": "public" },
            ]))
            .into_response()
        }
    }
}

/// Leaves for GitHub; returns the state and the challenge.
pub async fn depart(browser: &mut Client, path: &str) -> (String, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    asked(&browser.form(path, &fields).await)
}

/// The state and the challenge that an answer sends to GitHub.
pub fn asked(answer: &Answer) -> (String, String) {
    let url = url::Url::parse(answer.location()).expect("a URL");
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/login/oauth/authorize");
    assert_eq!(query["client_id"], "the-client");
    assert_eq!(query["redirect_uri"], "http://127.0.0.1:3000/auth/github/callback");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["scope"], "read:user user:email");
    (query["state"].clone(), query["code_challenge"].clone())
}

pub fn callback(persona: &str, state: &str, challenge: &str) -> String {
    format!("/auth/github/callback?code={persona}~{challenge}&state={state}")
}

/// The whole way to GitHub and back.
pub async fn come_back_as(browser: &mut Client, path: &str, persona: &str) -> Answer {
    let (state, challenge) = depart(browser, path).await;
    browser.get(&callback(persona, &state, &challenge)).await
}

pub async fn come_back_from(browser: &mut Client, away: &Answer, persona: &str) -> Answer {
    let (state, challenge) = asked(away);
    browser.get(&callback(persona, &state, &challenge)).await
}
