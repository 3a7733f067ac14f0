//! Clients: they send requests to a router, in-process, and read what comes back.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::Value;
use tower::ServiceExt;

use super::{Page, TestApp};

/// Something that sends requests: keeps cookies as a browser does, and sends a bearer token if it has one.
#[derive(Clone)]
pub struct Client {
    pub(super) router: Router,
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

    /// The secret that its session goes on by, in the cookie of whichever strategy; empty: none.
    pub fn session_cookie(&self) -> String {
        let cookie = ["sekisho", "sekisho_refresh"].iter().find_map(|name| self.cookies.get(*name));
        cookie.cloned().unwrap_or_default()
    }

    pub async fn session_id(&mut self) -> String {
        self.get("/devices").await.page().one("li[aria-current=true]").field("id")
    }
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

    pub fn page(&self) -> Page {
        Page::parse(&self.text())
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
