//! Where a GET leads to on a path that only takes forms.

use axum::{http::Uri, response::Redirect};

/// To the page that the form is on, one segment up. A POST may have been answered with a page of its own, such as one
/// that asks for the password, and a reload or a link brings a browser back to it.
pub async fn to_parent(uri: Uri) -> Redirect {
    Redirect::to(uri.path().rsplit_once('/').map_or("/", |(page, _)| page))
}

/// To `/account`, where the forms of `/auth/github/…` are.
pub async fn to_account() -> Redirect {
    Redirect::to("/account")
}

/// To `/account/security`, where the forms of `/account/passkeys…` are.
pub async fn to_account_security() -> Redirect {
    Redirect::to("/account/security")
}

/// `/.well-known/change-password`: where password managers send people to (W3C, "A Well-Known URL for Changing
/// Passwords").
pub async fn to_change_password() -> Redirect {
    Redirect::to("/account/password")
}
