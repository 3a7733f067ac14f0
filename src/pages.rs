//! The HTML side. It reads the cookie and never the `Authorization` header, works without JavaScript, and is drawn
//! by Leptos on the server; [`crate::islands`] adds what needs a browser.
//!
//! A page is a handler that takes a [`visitor::Visitor`] or a [`visitor::Member`] and draws a component with
//! [`layout::Layout`]; a form posts to its page's own path and answers with a redirect, or with itself and its errors.

pub mod account;
pub mod admin;
pub mod device_card;
pub mod device_limit;
pub mod devices;
pub mod error_page;
pub mod form;
pub mod github;
pub mod home;
pub mod keeper;
pub mod keeper_config;
pub mod language;
pub mod layout;
pub mod login;
pub mod paging;
pub mod password_strength;
pub mod redirects;
pub mod register;
pub mod return_to;
pub mod security;
pub mod session_store;
pub mod sign_in;
pub mod sign_out;
pub mod step_up;
pub mod table;
pub mod visitor;
