//! The whole route table.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Uri},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{delete, get, post, put},
};
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;

use crate::{
    api::{self, problem::Problem},
    guard,
    pages::{self, cookie, error_page, session_store},
    state::AppState,
};
use sekisho_core::error::Error;

/// Every route of the server.
pub fn router(app: AppState) -> Router {
    let api = Router::new()
        .route("/api/v1/users", post(api::users::create))
        .route("/api/v1/tokens", post(api::tokens::create).delete(api::tokens::delete))
        .route("/api/v1/tokens/refresh", post(api::tokens::refresh))
        .route("/api/v1/me", get(api::me::show).patch(api::me::update))
        .route("/api/v1/me/password", put(api::me::change_password))
        .route("/api/v1/me/step-up", post(api::me::step_up))
        .route("/api/v1/sessions", get(api::sessions::list))
        .route("/api/v1/sessions/{id}", delete(api::sessions::delete))
        .route("/api/v1/sessions/revoke-others", post(api::sessions::revoke_others))
        .route("/api/v1/events", get(api::events::list))
        .route("/api/v1/revocations", get(api::revocations::show))
        .route("/api/v1/admin/overview", get(api::admin::overview))
        .route("/api/v1/admin/users", get(api::admin::users::list))
        .route("/api/v1/admin/users/{id}", get(api::admin::users::show).patch(api::admin::users::update))
        .route("/api/v1/admin/users/{id}/sessions", get(api::admin::users::sessions))
        .route("/api/v1/admin/users/{id}/revoke-sessions", post(api::admin::users::revoke_sessions))
        .route("/api/v1/admin/users/{id}/identities/github", delete(api::admin::users::unlink_github))
        .route("/api/v1/admin/sessions", get(api::admin::sessions::list))
        .route("/api/v1/admin/sessions/{id}", delete(api::admin::sessions::delete))
        .route("/api/v1/admin/sessions/revoke-all", post(api::admin::sessions::revoke_all))
        .route("/api/v1/admin/events", get(api::admin::events::list))
        .route("/api/v1/admin/events/export", post(api::admin::events::download))
        .route("/api/v1/admin/roles", get(api::admin::roles::list))
        .route("/api/v1/admin/roles/{name}", put(api::admin::roles::save).delete(api::admin::roles::delete))
        .route("/.well-known/jwks.json", get(api::jwks::show))
        .route("/health/live", get(api::health::live))
        .route("/health/ready", get(api::health::ready))
        .route("/csp-reports", post(api::csp_reports::create))
        .route("/pkg/{file}", get(package))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(ServiceBuilder::new().layer(from_fn(guard::read_body)).layer(from_fn(guard::run_to_completion)));

    let site = Router::new()
        .route("/", get(pages::home::show))
        .route("/login", get(pages::login::show).post(pages::login::submit))
        .route("/login/room", get(up).post(pages::room::submit))
        .route("/logout", post(pages::login::logout))
        .route("/register", get(pages::register::show).post(pages::register::submit))
        .route("/account", get(pages::account::show).post(pages::account::submit))
        .route("/account/password", get(pages::account::show_password).post(pages::account::submit_password))
        .route("/devices", get(pages::devices::show))
        .route("/devices/end", get(up).post(pages::devices::end))
        .route("/devices/end-others", get(up).post(pages::devices::end_others))
        .route("/security", get(pages::security::show))
        .route("/security/seen", get(up).post(pages::security::seen))
        .route("/admin", get(pages::admin::overview::show))
        .route("/admin/users", get(pages::admin::users::list))
        .route("/admin/users/{id}", get(pages::admin::users::show))
        .route("/admin/users/{id}/roles", get(up).post(pages::admin::users::set_roles))
        .route("/admin/users/{id}/disable", get(up).post(pages::admin::users::disable))
        .route("/admin/users/{id}/enable", get(up).post(pages::admin::users::enable))
        .route("/admin/users/{id}/sign-out", get(up).post(pages::admin::users::sign_out))
        .route("/admin/users/{id}/unlink", get(up).post(pages::admin::users::unlink))
        .route("/admin/sessions", get(pages::admin::sessions::show))
        .route("/admin/sessions/end", get(up).post(pages::admin::sessions::end))
        .route("/admin/sessions/end-all", get(up).post(pages::admin::sessions::end_all))
        .route("/admin/events", get(pages::admin::events::show))
        .route("/admin/events/export", post(pages::admin::events::download))
        .route("/admin/roles", get(pages::admin::roles::show).post(pages::admin::roles::save))
        .route("/admin/roles/remove", get(up).post(pages::admin::roles::remove))
        .route("/language", post(pages::language::choose))
        .route("/auth/github", get(pages::github::show).post(pages::github::begin))
        .route("/auth/github/callback", get(pages::github::callback))
        .route("/auth/github/confirm", get(pages::github::confirm).post(pages::github::submit_confirm))
        .route("/auth/github/link", get(to_account).post(pages::github::begin_link))
        .route("/auth/github/step-up", get(to_account).post(pages::github::begin_step_up))
        .route("/auth/github/unlink", get(to_account).post(pages::github::unlink))
        .route("/session/token", post(pages::keeper::token))
        .route("/session/activity", post(pages::keeper::activity))
        .route("/session/sign-in", post(pages::keeper::sign_in))
        .route("/session/events", get(pages::keeper::events))
        .route("/fn/password-strength", post(pages::password_strength::show))
        .fallback(file_or_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(
            ServiceBuilder::new()
                .layer(CompressionLayer::new())
                .layer(from_fn_with_state(app.clone(), cookie::send_device_cookie))
                .layer(session_store::layer(&app))
                .layer(from_fn_with_state(app.clone(), error_page::draw))
                .layer(from_fn_with_state(app.clone(), guard::same_origin))
                .layer(from_fn(guard::read_body))
                .layer(from_fn(guard::run_to_completion)),
        );

    api.merge(site)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(app.clone(), guard::identify))
                .layer(from_fn_with_state(app.clone(), guard::security_headers))
                .layer(from_fn(guard::require_host))
                .layer(DefaultBodyLimit::max(guard::MAX_BODY)),
        )
        .with_state(app)
}

/// Where a form was posted to, an answer may have been drawn, such as one that asks for the password; whoever comes
/// back to it by a link or a reload is sent to the page that the form is on.
async fn up(uri: Uri) -> Redirect {
    Redirect::to(uri.path().rsplit_once('/').map_or("/", |(page, _)| page))
}

async fn to_account() -> Redirect {
    Redirect::to("/account")
}

async fn package(State(app): State<AppState>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    app.assets.package(&file, &headers).unwrap_or_else(|| Problem(Error::NotFound).into_response())
}

async fn file_or_not_found(State(app): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let file = app.assets.public(uri.path(), &headers);
    file.unwrap_or_else(|| guard::refuse(uri.path(), Error::NotFound))
}

async fn method_not_allowed(uri: Uri) -> Response {
    guard::refuse(uri.path(), Error::MethodNotAllowed)
}
