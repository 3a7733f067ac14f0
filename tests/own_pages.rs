//! What the README says about pages and APIs of one's own, run.

use axum::Router;
use sekisho::{middleware::request_context, pages::session_store, state::AppState};

use crate::harness::{MINUTE, PASSWORD, TestApp};

#[path = "../examples/orders.rs"]
mod orders;

/// A router with these alone.
pub fn router(app: AppState) -> Router {
    orders::routes().layer(session_store::layer(&app)).layer(request_context::layer(&app)).with_state(app)
}

#[test]
fn the_readme_quotes_what_is_compiled() {
    let example = include_str!("../examples/orders.rs");
    let readme = include_str!("../README.md");
    let quoted: Vec<_> = example.split("// README: ").skip(1).filter(|part| !part.starts_with("end")).collect();
    assert_eq!(quoted.len(), 4);
    for part in quoted {
        let (name, code) = part.split_once('\n').expect("lines");
        assert!(readme.contains(&format!("```rust\n{code}```")), "README lacks the part {name:?}");
    }
}

#[tokio::test]
async fn a_page_of_ones_own_knows_who_is_signed_in_and_keeps_data_for_the_session() {
    let t = TestApp::new().await;
    let browser = t.browser("ada@example.com").await;
    let mut own = browser.on(router(t.app.clone()));
    assert!(own.get("/orders").await.text().contains("Orders of "));
    assert_eq!(own.get("/orders/visits").await.text(), "Visit 1");
    assert_eq!(own.get("/orders/visits").await.text(), "Visit 2");
    // Another session has its own; and what is kept dies with the session.
    let mut other = t.sign_in_browser("ada@example.com").await.on(router(t.app.clone()));
    assert_eq!(other.get("/orders/visits").await.text(), "Visit 1");
    browser.clone().form("/logout", &[]).await;
    assert_eq!(own.get("/orders/visits").await.location(), "/login?next=%2Forders%2Fvisits");
    let mut stranger = t.anonymous().on(router(t.app.clone()));
    assert_eq!(stranger.get("/orders").await.location(), "/login?next=%2Forders");
}

#[tokio::test]
async fn something_sensitive_of_ones_own_asks_for_a_recent_proof() {
    let t = TestApp::new().await;
    let mut own = t.browser("ada@example.com").await.on(router(t.app.clone()));
    assert_eq!(own.form("/orders/cancel", &[]).await.text(), "Cancelled the orders of ada");
    t.clock.advance(11 * MINUTE);
    assert_eq!(own.form("/orders/cancel", &[]).await.status, 403);
    let proved = own.form("/orders/cancel", &[("step_up_password", PASSWORD)]).await;
    assert_eq!(proved.text(), "Cancelled the orders of ada");
}

#[tokio::test]
async fn an_api_of_ones_own_asks_for_a_permission() {
    let t = TestApp::new().await;
    let (ada, _) = t.api("ada@example.com").await;
    ada.on(router(t.app.clone())).get("/api/v1/orders").await.problem(403, "forbidden");
    t.anonymous().on(router(t.app.clone())).get("/api/v1/orders").await.problem(401, "unauthenticated");
    let (root, _) = t.admin("root@example.com").await;
    let orders = root.on(router(t.app.clone())).get("/api/v1/orders").await;
    assert_eq!(orders.json(), serde_json::json!(["an order of root"]));
}
