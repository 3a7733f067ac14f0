//! Roles and permissions count at once.

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request_on_whatever_the_token_says() {
    let t = TestApp::new().await;
    let other = t.second_node().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let mut page = t.sign_in_browser("ada@example.com").await;
    let mut there = other.anonymous();
    there.bearer = tokens["access_token"].as_str().map(Into::into);
    let user = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    ada.get("/api/v1/admin/users").await.problem(403, "forbidden");
    there.get("/api/v1/admin/users").await.problem(403, "forbidden");
    assert_eq!(page.get("/admin").await.status, 403);

    assert_eq!(
        root.json("PATCH", &user, json!({ "roles": ["admin"] })).await.json()["roles"],
        json!(["user", "admin"])
    );
    assert_eq!(ada.get("/api/v1/admin/users").await.status, 200);
    assert_eq!(page.get("/admin").await.status, 200);
    t.clock.advance(1_000);
    assert_eq!(there.get("/api/v1/admin/users").await.status, 200, "on another node within a second");

    root.json("PATCH", &user, json!({ "roles": [] })).await;
    ada.get("/api/v1/admin/users").await.problem(403, "forbidden");
    assert_eq!(page.get("/admin").await.status, 403);
    t.clock.advance(1_000);
    there.get("/api/v1/admin/users").await.problem(403, "forbidden");
}

#[tokio::test]
async fn free_roles_have_permissions_and_are_checked() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    t.register("ada@example.com").await;
    let user = format!("/api/v1/admin/users/{}", t.user_id("ada@example.com").await);
    for (name, permissions, field) in [
        ("admin", json!([]), "name"),
        ("Support", json!([]), "name"),
        ("support", json!(["a b"]), "permissions"),
        ("support", json!([""]), "permissions"),
    ] {
        let answer =
            root.json("PUT", &format!("/api/v1/admin/roles/{name}"), json!({ "permissions": permissions })).await;
        assert_eq!(answer.problem(422, "invalid_input")["errors"][0]["field"], field, "{name} {permissions}");
    }
    let unknown = root.json("PATCH", &user, json!({ "roles": ["support"], "disabled": true })).await;
    assert_eq!(unknown.problem(422, "invalid_input")["errors"][0]["field"], "roles");
    assert!(root.get(&user).await.json()["disabled_at"].is_null(), "all of it or nothing");

    let role = json!({ "permissions": ["orders:read", "orders:write", "orders:read"] });
    let saved = root.json("PUT", "/api/v1/admin/roles/support", role).await.json();
    assert_eq!(saved, json!({ "name": "support", "permissions": ["orders:read", "orders:write"] }));
    root.json("PATCH", &user, json!({ "roles": ["support"] })).await;
    let ada = t.app.core.accounts.find_by_id_or_email("ada@example.com").await.expect("a look").expect("a user");
    let permissions = t.app.core.roles.permissions(&ada).await.expect("permissions");
    assert!(permissions.allow("orders:write") && !permissions.allow("sekisho:admin"));

    let in_use = root.delete("/api/v1/admin/roles/support").await;
    assert_eq!(in_use.problem(422, "invalid_input")["errors"][0]["code"], "role-in-use");
    root.json("PATCH", &user, json!({ "roles": [] })).await;
    assert_eq!(root.delete("/api/v1/admin/roles/support").await.status, 204);
    root.delete("/api/v1/admin/roles/support").await.problem(404, "not_found");
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut helper, _) = t.api("helper@example.com").await;
    t.register("ada@example.com").await;
    let of = async |email: &str| format!("/api/v1/admin/users/{}", t.user_id(email).await);
    let (roots, helpers, adas) =
        (of("root@example.com").await, of("helper@example.com").await, of("ada@example.com").await);
    let roles = "/api/v1/admin/roles";
    root.json("PUT", &format!("{roles}/helper"), json!({ "permissions": ["sekisho:admin", "orders:*"] })).await;
    root.json("PUT", &format!("{roles}/billing"), json!({ "permissions": ["invoices:read"] })).await;
    assert_eq!(root.json("PATCH", &helpers, json!({ "roles": ["helper"] })).await.status, 200);

    for (method, path, body) in [
        ("PATCH", helpers.as_str(), json!({ "roles": ["helper", "admin"] })),
        ("PATCH", &adas, json!({ "roles": ["billing"] })),
        ("PATCH", &roots, json!({ "roles": [] })),
        ("PATCH", &roots, json!({ "disabled": true })),
        ("PUT", &format!("{roles}/helper"), json!({ "permissions": ["*"] })),
        ("PUT", &format!("{roles}/billing"), json!({ "permissions": [] })),
        ("DELETE", &format!("{roles}/billing"), json!({})),
    ] {
        helper.json(method, path, body).await.problem(403, "forbidden");
    }
    assert_eq!(
        helper.json("PUT", &format!("{roles}/packer"), json!({ "permissions": ["orders:read"] })).await.status,
        200
    );
    assert_eq!(helper.json("PATCH", &adas, json!({ "roles": ["packer"], "disabled": true })).await.status, 200);
    assert_eq!(root.json("PATCH", &adas, json!({ "roles": ["billing"], "disabled": false })).await.status, 200);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let t = TestApp::new().await;
    let (mut root, _) = t.admin("root@example.com").await;
    let (mut second, _) = t.admin("second@example.com").await;
    let of = async |email: &str| format!("/api/v1/admin/users/{}", t.user_id(email).await);
    let (roots, seconds) = (of("root@example.com").await, of("second@example.com").await);
    let own = root.json("PATCH", &roots, json!({ "disabled": true })).await;
    assert_eq!(own.problem(422, "invalid_input")["errors"][0]["code"], "disabled-self");
    // Both at once: one of them stays.
    let (a, b) = tokio::join!(
        root.json("PATCH", &seconds, json!({ "roles": [] })),
        second.json("PATCH", &roots, json!({ "roles": [] }))
    );
    let refused = |status: u16| [403, 409].contains(&status);
    let (a, b) = (a.status.as_u16(), b.status.as_u16());
    assert!((a == 200 && refused(b)) || (refused(a) && b == 200), "{a} {b}");
    let (mut left, path) = if a == 200 { (root, roots) } else { (second, seconds) };
    left.json("PATCH", &path, json!({ "roles": [] })).await.problem(409, "last_admin");
}

// Step-up
