use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestApp};

#[tokio::test]
async fn somebody_registers_and_is_who_they_said() {
    let t = TestApp::new().await;
    let mut api = t.anonymous();
    let new = json!({ "email": " Hanako@Example.JP ", "password": PASSWORD, "name": "山田 花子" });
    let answer = api.post("/api/v1/users", new).await;
    assert_eq!(answer.status, 201);
    let me = answer.json();
    assert_eq!((me["email"].as_str(), me["name"].as_str()), (Some("hanako@example.jp"), Some("山田 花子")));
    assert_eq!(me["roles"], json!(["user"]));
    assert_eq!(me["locale"], Value::Null);

    let (mut api, _) = t.sign_in_api("HANAKO@example.jp").await;
    assert_eq!(api.get("/api/v1/me").await.json(), me);
}

#[tokio::test]
async fn an_address_has_one_account_however_it_is_written() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    for spelling in ["ada@example.com", "ADA@Example.com", " ada@example.com"] {
        let again = json!({ "email": spelling, "password": PASSWORD });
        t.anonymous().post("/api/v1/users", again).await.problem(409, "email_taken");
    }
}

#[tokio::test]
async fn all_faults_of_a_registration_are_told_at_once_by_field() {
    let t = TestApp::new().await;
    let bad = json!({ "email": "a@b", "password": "short", "name": "x".repeat(101) });
    let problem = t.anonymous().post("/api/v1/users", bad).await.problem(422, "invalid_input");
    let fields: Vec<_> = problem["errors"].as_array().expect("a list").iter().map(|e| e["field"].clone()).collect();
    assert!(fields.contains(&json!("email")) && fields.contains(&json!("password")), "{problem}");
    assert!(problem["errors"][0]["message"].as_str().is_some_and(|m| m.contains("email")));
}

#[tokio::test]
async fn a_body_cannot_choose_its_identity() {
    let t = TestApp::new().await;
    for extra in ["id", "roles", "user_id", "created_at", "password_hash"] {
        let mut body = json!({ "email": "eve@example.com", "password": PASSWORD });
        body[extra] = json!("admin");
        let problem = t.anonymous().post("/api/v1/users", body).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], extra);
    }
    let (mut eve, _) = t.api("eve@example.com").await;
    for extra in ["id", "email", "roles"] {
        let mut body = json!({ "name": "Eve" });
        body[extra] = json!("admin");
        eve.json("PATCH", "/api/v1/me", body).await.problem(422, "invalid_input");
    }
    assert_eq!(eve.get("/api/v1/me").await.json()["roles"], json!(["user"]));
}

#[tokio::test]
async fn a_profile_changes_field_by_field_and_is_seen_at_once() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let change = json!({ "name": "Ada", "about": "First line\nsecond", "locale": "ja" });
    assert_eq!(api.json("PATCH", "/api/v1/me", change).await.status, 200);
    let me = api.get("/api/v1/me").await.json();
    assert_eq!((me["name"].as_str(), me["about"].as_str()), (Some("Ada"), Some("First line\nsecond")));
    api.json("PATCH", "/api/v1/me", json!({ "locale": null })).await;
    let me = api.get("/api/v1/me").await.json();
    assert_eq!((me["name"].as_str(), me["locale"].as_str()), (Some("Ada"), None));

    for (field, value) in [
        ("name", json!("")),
        ("name", json!(null)),
        ("name", json!("a\nb")),
        ("about", json!("x".repeat(2_001))),
        ("about", json!("\u{0}")),
        ("locale", json!("de")),
        ("locale", json!(1)),
    ] {
        let answer = api.json("PATCH", "/api/v1/me", json!({ field: value })).await;
        assert_eq!(answer.problem(422, "invalid_input")["errors"][0]["field"], field, "{value}");
    }
}

#[tokio::test]
async fn nobody_registers_where_registration_is_closed() {
    let t = TestApp::with(&[("SEKISHO_REGISTRATION", "closed")]).await;
    let new = json!({ "email": "ada@example.com", "password": PASSWORD });
    t.anonymous().post("/api/v1/users", new).await.problem(403, "registration_closed");
    assert_eq!(t.anonymous().get("/register").await.status, 403);
    let form = [("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(t.anonymous().form("/register", &form).await.status, 403);
    for path in ["/", "/login"] {
        assert!(!t.anonymous().get(path).await.text().contains("\"/register"), "{path} leads there");
    }
}

#[tokio::test]
async fn two_changes_of_a_profile_at_once_are_both_kept() {
    let t = TestApp::new().await;
    let other = t.second_node().await;
    let (mut here, _) = t.api("ada@example.com").await;
    let mut there = here.at(&other);
    for client in [&mut here, &mut there] {
        client.get("/api/v1/me").await; // both nodes have her in memory
    }
    here.json("PATCH", "/api/v1/me", json!({ "name": "Ada" })).await;
    let changed = there.json("PATCH", "/api/v1/me", json!({ "about": "Analyst" })).await.json();
    assert_eq!((changed["name"].as_str(), changed["about"].as_str()), (Some("Ada"), Some("Analyst")));
    there.json("PATCH", "/api/v1/me", json!({ "locale": "ja" })).await;
    let cleared = there.json("PATCH", "/api/v1/me", json!({ "locale": null })).await.json();
    assert!(cleared["locale"].is_null() && cleared["name"] == "Ada");
}

#[tokio::test]
async fn odd_addresses_are_refused() {
    let t = TestApp::new().await;
    for odd in ["", "a", "a@b", "a@b.c,d@e.f", "a@b.c d@e.f", "a@b.c\nbcc: d@e.f", "Ada <a@b.c>", "\"a@x.y\"@b.c"] {
        let new = json!({ "email": odd, "password": PASSWORD });
        let problem = t.anonymous().post("/api/v1/users", new).await.problem(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], "email", "{odd:?}");
    }
}

#[tokio::test]
async fn the_log_tells_a_person_what_happened_page_by_page() {
    let t = TestApp::new().await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    t.anonymous().post("/api/v1/tokens", wrong).await.problem(401, "invalid_credentials");
    let first = api.get("/api/v1/events?limit=2").await.json();
    assert_eq!(first["items"][0]["kind"], "sign_in_failed");
    assert_eq!(first["items"][0]["outcome"], "failure");
    assert_eq!(first["items"][1]["session_id"], tokens["session_id"]);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = api.get(&format!("/api/v1/events?limit=2&cursor={cursor}")).await.json();
    assert_eq!(second["items"][0]["kind"], "registered");
    assert_eq!(second["next_cursor"], Value::Null);

    api.get("/api/v1/events?limit=0").await.problem(422, "invalid_input");
    api.get("/api/v1/events?limit=x").await.problem(422, "invalid_input");
    api.get("/api/v1/events?cursor=x").await.problem(422, "invalid_input");
    let (mut other, _) = t.api("eve@example.com").await;
    let foreign = other.get(&format!("/api/v1/events?cursor={cursor}")).await.json();
    assert!(!foreign.to_string().contains(tokens["session_id"].as_str().expect("an id")));
}
