use futures::future::join_all;
use serde_json::json;

use crate::harness::{PASSWORD, Page, TestApp};

#[tokio::test]
async fn every_device_is_listed_and_this_one_is_marked() {
    let t = TestApp::new().await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.anonymous();
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    browser.headers.push(("user-agent", firefox.into()));
    browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let named = json!({ "email": "ada@example.com", "password": PASSWORD, "device": "山田の電話" });
    t.anonymous().post("/api/v1/tokens", named).await;
    let mut curl = t.anonymous();
    curl.headers.push(("user-agent", "curl/8.5.0".into()));
    curl.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD })).await;

    let items = api.get("/api/v1/sessions").await.json()["items"].clone();
    let device = |n: usize| items[n]["device"].as_str().unwrap_or_default().to_owned();
    assert_eq!([device(0), device(1), device(2)], ["curl/8.5.0", "山田の電話", "Firefox · Linux"]);
    assert_eq!(items[2]["user_agent"], firefox);
    assert_eq!(items[3]["id"], tokens["session_id"]);
    assert_eq!((items[3]["current"].as_bool(), items[2]["current"].as_bool()), (Some(true), Some(false)));
    assert_eq!((items[2]["kind"].as_str(), items[3]["kind"].as_str()), (Some("browser"), Some("api")));
    for field in ["created_at", "last_active_at", "expires_at"] {
        assert!(items[0][field].as_str().is_some_and(|time| time.ends_with('Z')), "{field}");
    }
    let page = browser.get("/devices").await.page();
    assert_eq!(page.one("[data-kind=current]").text(), "This device");
    assert_eq!(page.one("li[aria-current=true] h2").text(), "Firefox on Linux", "the mark is on the one that asks");
    let others: Vec<_> = page.select("li[data-kind]:not([aria-current]) h2").iter().map(|name| name.text()).collect();
    assert_eq!(others, ["curl/8.5.0", "山田の電話", "Unknown device"]);
}

#[tokio::test]
async fn a_device_ended_from_another_is_out_at_once_with_the_reason() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let id = browser.session_id().await;
    assert_eq!(api.delete(&format!("/api/v1/sessions/{id}")).await.status, 204);
    assert_eq!(browser.get("/account").await.location(), "/login?next=%2Faccount");
    assert!(browser.get("/login").await.text().contains("from another of your devices"));
    api.delete(&format!("/api/v1/sessions/{id}")).await.problem(404, "not_found");

    let mut browser = t.sign_in_browser("ada@example.com").await;
    let id = browser.get("/devices").await.page().form("/devices/end").field("id");
    assert_eq!(browser.form("/devices/end", &[("id", &id)]).await.location(), format!("/devices?done=one&device={id}"));
    assert_eq!(api.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "revoked_by_user");
}

#[tokio::test]
async fn all_others_are_ended_and_counted() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (mut other, _) = t.sign_in_api("ada@example.com").await;
    let (mut eve, _) = t.api("eve@example.com").await;
    assert_eq!(api.post("/api/v1/sessions/revoke-others", json!({})).await.json(), json!({ "revoked": 2 }));
    assert_eq!(browser.get("/devices").await.status, 303);
    other.get("/api/v1/me").await.problem(401, "session_revoked");
    assert_eq!(api.get("/api/v1/me").await.status, 200);
    assert_eq!(eve.get("/api/v1/me").await.status, 200);

    let mut browser = t.sign_in_browser("ada@example.com").await;
    assert_eq!(browser.form("/devices/end-others", &[]).await.location(), "/devices?done=others");
    api.get("/api/v1/me").await.problem(401, "session_revoked");
    assert!(browser.get("/devices").await.text().contains("No other device is signed in."));
}

#[tokio::test]
async fn a_foreign_session_cannot_be_ended_or_seen() {
    let t = TestApp::new().await;
    let (mut ada, tokens) = t.api("ada@example.com").await;
    let (mut eve, _) = t.api("eve@example.com").await;
    let mut eves_browser = t.sign_in_browser("eve@example.com").await;
    let id = tokens["session_id"].as_str().expect("an id");
    for id in [id, "", "x", "%00", "../me", &id.to_uppercase()] {
        assert!([404, 405].contains(&eve.delete(&format!("/api/v1/sessions/{id}")).await.status.as_u16()), "{id}");
    }
    assert_eq!(eves_browser.form("/devices/end", &[("id", id)]).await.status, 404);
    assert_eq!(ada.get("/api/v1/me").await.status, 200);
    assert!(!eve.get("/api/v1/sessions").await.text().contains(id));
}

#[tokio::test]
async fn ending_this_device_is_signing_out() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let id = browser.session_id().await;
    let before = browser.clone();
    assert_eq!(browser.form("/devices/end", &[("id", &id)]).await.location(), "/login?signed_out");
    assert_eq!(browser.session_cookie(), "");
    assert_eq!(before.clone().get("/devices").await.status, 303);
}

#[tokio::test]
async fn the_oldest_device_makes_room_for_a_new_one() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "2")]).await;
    let (mut first, _) = t.api("ada@example.com").await;
    let mut second = t.sign_in_browser("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    assert_eq!(first.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "device_limit");
    assert_eq!(second.get("/devices").await.status, 200);
    // Signing in again in the same browser takes its own place.
    let again = second.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(again.status, 303);
    assert_eq!(t.live_sessions("ada@example.com").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_sign_ins_never_exceed_the_limit() {
    for (mode, refused) in [("evict", 0), ("deny", 17)] {
        let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "3"), ("SEKISHO_DEVICE_LIMIT", mode)]).await;
        t.register("ada@example.com").await;
        let attempts = (0..20).map(|_| {
            let mut client = t.anonymous();
            let body = json!({ "email": "ada@example.com", "password": PASSWORD });
            tokio::spawn(async move { client.post("/api/v1/tokens", body).await })
        });
        let answers: Vec<_> = join_all(attempts).await.into_iter().map(|a| a.expect("no panic")).collect();
        let denied: Vec<_> = answers.iter().filter(|answer| answer.status == 403).collect();
        assert_eq!(denied.len(), refused, "{mode}");
        denied.iter().for_each(|answer| drop(answer.problem(403, "device_limit")));
        assert_eq!(t.live_sessions("ada@example.com").await, 3, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_devices_is_shown_a_page_at_a_time() {
    let t = TestApp::with(&[("SEKISHO_MAX_DEVICES", "0")]).await;
    let mut browser = t.browser("ada@example.com").await;
    let this = browser.session_id().await;
    let (mut api, _) = t.sign_in_api("ada@example.com").await;
    for _ in 0..51 {
        t.sign_in_api("ada@example.com").await;
    }
    let count = |page: &Page| page.select("[name=id]").len();
    let first = browser.get("/devices").await.page();
    assert_eq!(count(&first), 51, "this one, and the newest of the others");
    assert!(!first.has("main a[href='/devices']"), "it is the newest page");
    let next = first.one("a[rel=next]").attr("href").expect("older ones");
    assert!(next.starts_with("/devices?before="), "{next}");
    let second = browser.get(next).await;
    assert!(!second.text().contains(&this) && !second.text().contains("?before="));
    let second = second.page();
    assert_eq!(count(&second), 2);
    assert!(second.has("main a[href='/devices']"), "back to the newest");

    let page = api.get("/api/v1/sessions?limit=50").await.json();
    let cursor = page["next_cursor"].as_str().expect("more");
    let rest = api.get(&format!("/api/v1/sessions?cursor={cursor}&limit=50")).await.json();
    assert!(rest["next_cursor"].is_null());
    let ids: std::collections::BTreeSet<_> = [&page, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().expect("a list"))
        .map(|i| i["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 53);

    let (mut admin, _) = t.admin("root@example.com").await;
    let path = format!("/api/v1/admin/users/{}/sessions?limit=100", t.user_id("ada@example.com").await);
    assert_eq!(admin.get(&path).await.json()["items"].as_array().map(Vec::len), Some(53));
}
