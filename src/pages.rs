//! The HTML side. It reads the cookie and never the `Authorization` header, works without JavaScript, and is drawn
//! by Leptos on the server; [`crate::islands`] adds what needs a browser.
//!
//! A page is a handler that takes a [`visitor::Visitor`] or a [`visitor::Member`] and draws a component with
//! [`layout::Layout`]; a form posts to its page's own path and answers with a redirect, or with itself and its errors.

pub(crate) mod account;
pub(crate) mod account_security;
pub(crate) mod admin;
pub(crate) mod avatar;
pub(crate) mod client;
pub(crate) mod cookie_token;
pub(crate) mod device_card;
pub(crate) mod device_limit;
pub(crate) mod devices;
pub(crate) mod email_address;
pub(crate) mod error_page;
pub(crate) mod form;
pub(crate) mod github;
pub(crate) mod github_button;
pub(crate) mod home;
pub(crate) mod icon;
pub(crate) mod keeper;
pub(crate) mod keeper_config;
pub(crate) mod landing;
pub(crate) mod language;
pub mod layout;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod mail_link;
pub(crate) mod page_cookies;
pub(crate) mod paging;
pub(crate) mod passkey_ceremonies;
pub(crate) mod passkey_form;
pub(crate) mod passkey_offer;
pub(crate) mod passkeys;
pub(crate) mod password_strength;
pub(crate) mod pending_sign_in;
pub(crate) mod personal_data;
pub(crate) mod preferences;
pub(crate) mod recovery;
pub(crate) mod recovery_codes;
pub(crate) mod redirects;
pub(crate) mod register;
pub(crate) mod return_to;
pub(crate) mod script;
pub(crate) mod second_factor;
pub(crate) mod security;
pub mod session_store;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub mod step_up;
pub(crate) mod table;
pub(crate) mod theme;
pub(crate) mod times;
pub(crate) mod totp;
pub mod visitor;
