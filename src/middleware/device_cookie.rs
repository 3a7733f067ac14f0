//! Sets the device cookie that a response brings with it, behind the session's own.

use axum::response::{IntoResponse, Response};
use tower::util::MapResponseLayer;

use crate::{
    http::cookies::{self, CookieKind},
    state::AppState,
};

/// A new value of the device cookie, in a response's extensions.
#[derive(Clone)]
pub struct SetDeviceCookie(pub String);

/// Outside of tower-sessions' layer.
pub fn layer(app: &AppState) -> MapResponseLayer<impl Fn(Response) -> Response + Clone + Send + Sync + 'static> {
    let app = app.clone();
    MapResponseLayer::new(move |mut response: Response| match response.extensions_mut().remove() {
        Some(SetDeviceCookie(value)) => (cookies::set(&app, CookieKind::Device, value), response).into_response(),
        None => response,
    })
}
