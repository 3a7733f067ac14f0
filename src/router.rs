//! The whole route table, and which layers each part of it has.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, delete, get, post, put},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
};

use crate::{
    api,
    http::{
        error::{method_not_allowed, not_found},
        files, problem,
    },
    middleware::{
        body::{MAX_BODY, read_body},
        completion::{panicked, run_to_completion},
        csrf::reject_cross_site,
        device_cookie,
        host::require_host,
        metrics, request_context,
        request_id::{self, RequestIds, X_REQUEST_ID},
        security_headers,
    },
    pages::{self, error_page, preferences, redirects, session_store},
    state::AppState,
};

/// Every route of the server, in three parts: by what authenticates a request, and by the format of an error.
pub fn router(app: AppState) -> Router {
    let run = ServiceBuilder::new()
        .layer(from_fn(read_body))
        .layer(from_fn(run_to_completion))
        .layer(CatchPanicLayer::custom(panicked));
    let api = api()
        .layer(ServiceBuilder::new().map_response(problem::render).layer(from_fn(require_host)).layer(run.clone()));
    let session_api = session_api().layer(
        ServiceBuilder::new()
            .layer(CompressionLayer::new())
            .map_response(problem::render)
            .layer(from_fn(require_host))
            .layer(device_cookie::layer(&app))
            .layer(session_store::layer(&app))
            .layer(from_fn_with_state(app.clone(), reject_cross_site))
            .layer(run.clone()),
    );
    let pages = pages().layer(
        ServiceBuilder::new()
            .layer(CompressionLayer::new())
            // What can't be told apart by its host gets no page: plain text.
            .layer(from_fn(require_host))
            .layer(device_cookie::layer(&app))
            .layer(session_store::layer(&app))
            .layer(from_fn_with_state(app.clone(), preferences::read))
            .layer(from_fn_with_state(app.clone(), error_page::render))
            .layer(from_fn_with_state(app.clone(), reject_cross_site))
            .layer(run),
    );
    api.merge(session_api)
        .merge(pages)
        .layer(
            ServiceBuilder::new()
                .map_request(request_id::drop_clients_id)
                .layer(SetRequestIdLayer::new(X_REQUEST_ID, RequestIds::default()))
                .layer(PropagateRequestIdLayer::new(X_REQUEST_ID))
                .layer(request_context::layer(&app))
                .option_layer(app.config.metrics_listen.map(|_| from_fn_with_state(app.clone(), metrics::count)))
                .layer(from_fn(request_id::trace))
                .layer(security_headers::layer(&app))
                .layer(DefaultBodyLimit::max(MAX_BODY)),
        )
        .with_state(app)
}

/// By a bearer token, or public; an error is a problem.
fn api() -> Router<AppState> {
    let v1 = Router::new()
        .route("/v1/users", post(api::users::create))
        .route("/v1/tokens", post(api::tokens::create).delete(api::tokens::delete))
        .route("/v1/tokens/verify", post(api::tokens::verify))
        .route("/v1/tokens/refresh", post(api::tokens::refresh))
        .route("/v1/me", get(api::me::show).patch(api::me::update))
        .route("/v1/me/password", put(api::me::change_password))
        .route("/v1/me/step-up", post(api::me::step_up))
        .route("/v1/me/export", get(api::personal_data::download))
        .route("/v1/sessions", get(api::sessions::list))
        .route("/v1/sessions/{id}", delete(api::sessions::delete))
        .route("/v1/sessions/revoke-others", post(api::sessions::revoke_others))
        .route("/v1/events", get(api::events::list))
        .route("/v1/revocations", get(api::revocations::show))
        .route("/v1/admin/overview", get(api::admin::overview))
        .route("/v1/admin/users", get(api::admin::users::list))
        .route("/v1/admin/users/{id}", get(api::admin::users::show).patch(api::admin::users::update))
        .route("/v1/admin/users/{id}/sessions", get(api::admin::users::sessions))
        .route("/v1/admin/users/{id}/revoke-sessions", post(api::admin::users::revoke_sessions))
        .route(
            "/v1/admin/users/{id}/factor-reset",
            post(api::admin::users::request_factor_reset).delete(api::admin::users::cancel_factor_reset),
        )
        .route("/v1/admin/users/{id}/identities/github", delete(api::admin::users::unlink_github))
        .route("/v1/admin/sessions", get(api::admin::sessions::list))
        .route("/v1/admin/sessions/{id}", delete(api::admin::sessions::delete))
        .route("/v1/admin/sessions/revoke-all", post(api::admin::sessions::revoke_all))
        .route("/v1/admin/events", get(api::admin::events::list))
        .route("/v1/admin/events/export", post(api::admin::events::download))
        .route("/v1/admin/roles", get(api::admin::roles::list))
        .route("/v1/admin/roles/{name}", put(api::admin::roles::save).delete(api::admin::roles::delete));
    let well_known = Router::new()
        .route("/jwks.json", get(api::jwks::show))
        .route("/change-password", get(redirects::to_change_password));
    let oauth = Router::new().route("/introspect", post(api::introspection::show));
    let health = Router::new().route("/live", get(api::health::live)).route("/ready", get(api::health::ready));
    let csp_reports = Router::new().route("/", post(api::csp_reports::create));
    nest("/api", v1)
        .merge(nest("/.well-known", well_known))
        .merge(nest("/oauth", oauth))
        .merge(nest("/health", health))
        .merge(nest("/csp-reports", csp_reports))
        .route("/pkg/{file}", get(files::package))
        .method_not_allowed_fallback(method_not_allowed)
}

/// By the cookie, asked by scripts of our own pages; an error is a problem.
fn session_api() -> Router<AppState> {
    let session = Router::new()
        .route("/token", post(pages::keeper::token))
        .route("/activity", post(pages::keeper::activity))
        .route("/sign-in", post(pages::keeper::sign_in))
        .route("/events", get(pages::keeper::events))
        .route("/passkeys/sign-in", post(pages::passkey_ceremonies::sign_in))
        .route("/passkeys/step-up", post(pages::passkey_ceremonies::step_up))
        .route("/passkeys/second-factor", post(pages::passkey_ceremonies::second_factor))
        .route("/passkeys/enrol", post(pages::passkey_ceremonies::enrol));
    let functions = Router::new().route("/password-strength", post(pages::password_strength::show));
    nest("/session", session).merge(nest("/fn", functions)).method_not_allowed_fallback(method_not_allowed)
}

/// By the cookie; an error is a page.
fn pages() -> Router<AppState> {
    let to_parent = || get(redirects::to_parent);
    let to_account = || get(redirects::to_account);
    let to_account_security = || get(redirects::to_account_security);
    Router::new()
        .route("/", get(pages::home::show))
        .route("/login", get(pages::login::show).post(pages::login::submit))
        .route("/login/passkey", to_parent().post(pages::login::submit_passkey))
        .route("/login/room", to_parent().post(pages::sign_in::choose_device))
        .route("/login/verify", to_parent().post(pages::sign_in::verify))
        .route("/login/verify-passkey", to_parent().post(pages::sign_in::verify_passkey))
        .route("/login/enroll", to_parent().post(pages::sign_in::enroll))
        .route("/login/continue", to_parent().post(pages::sign_in::proceed_pending))
        .route("/logout", post(pages::sign_out::submit))
        .route("/register", get(pages::register::show).post(pages::register::submit))
        .route("/forgot-password", get(pages::recovery::show_forgot).post(pages::recovery::submit_forgot))
        .route("/reset-password", get(pages::recovery::show_reset).post(pages::recovery::submit_reset))
        .route("/not-me", get(pages::recovery::show_not_me).post(pages::recovery::submit_not_me))
        .route("/verify-email", get(pages::email_address::show_verify).post(pages::email_address::submit_verify))
        .route("/verify-email/send", to_parent().post(pages::email_address::send))
        .route("/confirm-email", get(pages::email_address::show_confirm).post(pages::email_address::submit_confirm))
        .route("/account/mail", to_parent().post(pages::account::submit_mail))
        .route("/account/email", get(pages::email_address::show_change).post(pages::email_address::submit_change))
        .route("/account", get(pages::account::show).post(pages::account::submit))
        .route("/account/passkeys", to_account_security().post(pages::passkeys::enrol))
        .route("/account/passkeys/rename", to_account_security().post(pages::passkeys::rename))
        .route("/account/passkeys/decline", to_account_security().post(pages::passkey_offer::decline))
        .route("/account/passkeys/remove", to_account_security().post(pages::passkeys::remove))
        .route("/account/password", get(pages::account::show_password).post(pages::account::submit_password))
        .route("/account/data", get(pages::personal_data::show))
        .route("/account/data/export", to_parent().post(pages::personal_data::export))
        .route("/account/data/delete", to_parent().post(pages::personal_data::delete))
        .route("/account/data/keep", to_parent().post(pages::personal_data::keep))
        .route("/account/security", get(pages::account_security::show))
        .route("/account/security/totp", to_parent().post(pages::account_security::begin_totp))
        .route("/account/security/totp/confirm", to_parent().post(pages::account_security::confirm_totp))
        .route("/account/security/totp/remove", to_parent().post(pages::account_security::remove_totp))
        .route("/account/security/recovery-codes", to_parent().post(pages::account_security::regenerate_recovery_codes))
        .route("/account/security/keep", to_parent().post(pages::account_security::keep_factors))
        .route("/account/security/forget-browser", to_parent().post(pages::account_security::forget_browser))
        .route("/devices", get(pages::devices::show))
        .route("/devices/rename", to_parent().post(pages::devices::rename))
        .route("/devices/end", to_parent().post(pages::devices::end))
        .route("/devices/end-others", to_parent().post(pages::devices::end_others))
        .route("/security", get(pages::security::show))
        .route("/security/seen", to_parent().post(pages::security::seen))
        .route("/admin", get(pages::admin::overview::show))
        .route("/admin/users", get(pages::admin::users::list))
        .route("/admin/users/{id}", get(pages::admin::user::show))
        .route("/admin/users/{id}/roles", to_parent().post(pages::admin::user::actions::set_roles))
        .route("/admin/users/{id}/disable", to_parent().post(pages::admin::user::actions::disable))
        .route("/admin/users/{id}/enable", to_parent().post(pages::admin::user::actions::enable))
        .route("/admin/users/{id}/sign-out", to_parent().post(pages::admin::user::actions::sign_out))
        .route("/admin/users/{id}/reset-factors", to_parent().post(pages::admin::user::actions::reset_factors))
        .route("/admin/users/{id}/keep-factors", to_parent().post(pages::admin::user::actions::keep_factors))
        .route("/admin/users/{id}/unlink", to_parent().post(pages::admin::user::actions::unlink))
        .route("/admin/sessions", get(pages::admin::sessions::show))
        .route("/admin/sessions/end", to_parent().post(pages::admin::sessions::end))
        .route("/admin/sessions/end-all", to_parent().post(pages::admin::sessions::end_all))
        .route("/admin/events", get(pages::admin::events::show))
        .route("/admin/events/export", post(pages::admin::events::download))
        .route("/admin/roles", get(pages::admin::roles::show).post(pages::admin::roles::save))
        .route("/admin/roles/remove", to_parent().post(pages::admin::roles::remove))
        .route("/theme", post(pages::theme::choose))
        .route("/language", post(pages::language::choose))
        .route("/auth/github", get(pages::github::show).post(pages::github::begin))
        .route("/auth/github/callback", get(pages::github::callback))
        .route("/auth/github/confirm", get(pages::github::confirm).post(pages::github::submit_confirm))
        .route("/auth/github/link", to_account().post(pages::github::begin_link))
        .route("/auth/github/step-up", to_account().post(pages::github::begin_step_up))
        .route("/auth/github/unlink", to_account().post(pages::github::unlink))
        .fallback(files::public)
        .method_not_allowed_fallback(method_not_allowed)
}

/// Routes under a prefix, with the fallback of their own router for all else under it; axum's lacks `{prefix}/`.
fn nest(prefix: &str, routes: Router<AppState>) -> Router<AppState> {
    Router::new().nest(prefix, routes.fallback(not_found)).route(&format!("{prefix}/"), any(not_found))
}
