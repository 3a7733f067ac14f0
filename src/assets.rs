//! The files the browser loads, inside the binary: compressed at build time, named by their content, cached for ever.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};

use sekisho_core::secret::sha256_hex;

#[derive(Embed)]
#[folder = "target/site"]
#[exclude = "*.ts"]
#[exclude = "*.ts.*"]
struct Site;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FRESH: HeaderValue = HeaderValue::from_static("no-cache");
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The built front end. One hash over all of it is in every name, so a page and its files always fit together.
#[derive(Clone, Debug)]
pub struct Assets {
    /// `sekisho-<hash>`: what leptos calls the output.
    pub output_name: String,
    /// Under `cargo leptos watch` files change while the server runs: they have their plain names and are not cached.
    pub watched: bool,
}

impl Assets {
    pub fn load() -> Self {
        if std::env::var_os("LEPTOS_WATCH").is_some() {
            return Self { output_name: "sekisho".into(), watched: true };
        }
        let mut hashes = String::new();
        for file in ["pkg/sekisho.js", "pkg/sekisho.wasm", "pkg/sekisho.css", "page.js"] {
            match Site::get(file) {
                Some(file) => hashes.extend(file.metadata.sha256_hash().map(|byte| char::from(byte % 26 + b'a'))),
                None => tracing::warn!(file, "built without its front end: `make build` makes it"),
            }
        }
        Self { output_name: format!("sekisho-{}", &sha256_hex(hashes.as_bytes())[..12]), watched: false }
    }

    /// A file of `/pkg/`, by its hashed name.
    pub fn package(&self, name: &str, request: &HeaderMap) -> Option<Response> {
        let extension = name.strip_prefix(&self.output_name)?;
        let cache = if self.watched { FRESH } else { IMMUTABLE };
        Some(respond(&format!("pkg/sekisho{extension}"), request, cache)?.into_response())
    }

    /// A file of `public/`, by its path.
    pub fn public(&self, path: &str, request: &HeaderMap) -> Option<Response> {
        let path = path.trim_start_matches('/');
        (!path.starts_with("pkg/")).then(|| respond(path, request, SHORT)).flatten()
    }
}

fn respond(path: &str, request: &HeaderMap, cache: HeaderValue) -> Option<Response> {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let accepts = |coding: &str| {
        accepted.split(',').any(|part| {
            let mut part = part.split(';').map(str::trim);
            part.next() == Some(coding) && part.next() != Some("q=0")
        })
    };
    let (file, encoding) = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, suffix)| Some((Site::get(&format!("{path}{suffix}"))?, Some(coding))))
        .or_else(|| Some((Site::get(path)?, None)))?;

    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = (StatusCode::OK, body(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, mime.as_ref().parse().ok()?);
    headers.insert(
        header::CACHE_CONTROL,
        if cfg!(debug_assertions) { HeaderValue::from_static("no-cache") } else { cache },
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}
