//! Sekisho: self-hosted sign-in. Sessions for pages, tokens for the API, one session row behind both.
//!
//! Dependencies go one way: `router → api | pages → http, middleware → state → core`; the core knows no HTTP. `islands`
//! and `browser` are what is shipped to the browser; everything else runs on the server only.

// Deep view types of Leptos.
#![recursion_limit = "256"]
#![warn(missing_docs)]

pub mod browser;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
mod assets;
#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod locale;
#[cfg(feature = "ssr")]
pub mod mail;
#[cfg(feature = "ssr")]
pub mod middleware;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod router;
#[cfg(feature = "ssr")]
mod secret_file;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod state;

/// Called by the page's script once the WASM is there.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
