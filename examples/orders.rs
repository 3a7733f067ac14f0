//! A page and an API of one's own. The README quotes what stands between the marks; `tests/own_pages.rs` runs it.

use axum::{
    Json, Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use leptos::prelude::*;
use sekisho::{
    api::bearer::{AnyScope, BearerUser},
    http::{error::HttpError, form::EmptyForm, problem::Problem},
    pages::{layout::Layout, step_up::RecentlyAuthenticated, visitor::Member},
    state::AppState,
};
use sekisho_core::Error;

/// The routes as they would stand in the table of `src/router.rs`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/orders", get(show))
        .route("/orders/visits", get(count_visits))
        .route("/orders/cancel", post(cancel))
        .route("/api/v1/orders", get(list))
}

// README: page
pub async fn show(member: Member) -> Response {
    let name = member.signed_in.user.name.clone();
    Layout::new(member.visitor, "brand").render(move || view! { <h1>"Orders of " {name}</h1> }).await
}
// README: end

// README: data
pub async fn count_visits(member: Member) -> Result<String, HttpError> {
    let cookie = &member.visitor.cookie;
    let visits: u32 = cookie.get("visits").await.map_err(Error::internal)?.unwrap_or(0) + 1;
    cookie.insert("visits", visits).await.map_err(Error::internal)?;
    Ok(format!("Visit {visits}"))
}
// README: end

// README: step-up
pub async fn cancel(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> String {
    format!("Cancelled the orders of {}", confirmed.who.signed_in.user.name)
}
// README: end

// README: api
pub async fn list(State(app): State<AppState>, bearer: BearerUser<AnyScope>) -> Result<Json<Vec<String>>, Problem> {
    let user = bearer.user(&app).await?;
    if !app.core.roles.permissions(&user).await?.allow("orders:read") {
        return Err(Error::Forbidden.into());
    }
    Ok(Json(vec![format!("an order of {}", user.name)]))
}
// README: end

#[allow(dead_code, reason = "an example needs one; the test takes the routes alone")]
fn main() {}
