use crate::harness::{DAY, HOUR, MINUTE, PASSWORD, TestApp};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.5 Mobile/15E148 Safari/604.1";

/// Signs in with this browser.
async fn sign_in(t: &TestApp, user_agent: &str) -> crate::harness::Client {
    let mut client = t.anonymous();
    client.headers.push(("user-agent", user_agent.into()));
    client.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    client
}

#[tokio::test]
async fn pages_load_only_the_scripts_that_they_need() {
    let t = TestApp::new().await;
    let mut stranger = t.anonymous();
    for path in ["/", "/nothing", "/.well-known/nothing"] {
        assert!(!stranger.get(path).await.page().has("script"), "{path} needs none");
    }
    for path in ["/login", "/register"] {
        let answer = stranger.get(path).await;
        let script = answer.page().one("script").attr("src").expect("an own file").to_owned();
        assert!(script.starts_with("/page.js?") && !answer.text().contains(".wasm"), "{path}: {script}");
        assert!(!answer.header("content-security-policy").contains("wasm"), "{path}");
    }
    let signed_in = t.browser("ada@example.com").await.get("/").await;
    assert!(signed_in.text().contains(".wasm") && signed_in.page().has("script[src^='/page.js']"));
}

#[tokio::test]
async fn only_pages_for_strangers_are_to_be_found_by_search_engines() {
    let t = TestApp::new().await;
    let mut stranger = t.anonymous();
    for path in ["/", "/login", "/register"] {
        let page = stranger.get(path).await.page();
        assert_eq!(page.one("meta[name=robots]").attr("content"), Some("index"), "{path}");
        let description = page.one("meta[name=description]").attr("content").unwrap_or_default().to_owned();
        assert_eq!(page.one("meta[property='og:description']").attr("content"), Some(description.as_str()));
        assert!(page.one("link[rel=canonical]").attr("href").is_some_and(|href| href.ends_with(path)));
    }
    let mut browser = t.browser("ada@example.com").await;
    for page in [browser.get("/").await.page(), stranger.get("/nothing").await.page()] {
        assert_eq!(page.one("meta[name=robots]").attr("content"), Some("noindex"));
    }
}

#[tokio::test]
async fn home_tells_how_things_stand() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    sign_in(&t, FIREFOX).await;
    t.clock.advance(2 * HOUR);
    let mut phone = sign_in(&t, IPHONE).await;
    let page = phone.get("/").await.page();
    assert_eq!(page.one(".person .lead").text(), "ada@example.com");
    assert!(page.one("[aria-labelledby=this-device]").text().contains("Safari on iOS"));
    assert!(page.one(".previous").text().contains("Firefox on Linux"), "the sign-in before this one");
    assert_eq!(page.one(".previous time").text(), "2 hours ago");
    assert!(page.one(".alert").text().contains("One security event"));
    assert!(page.one("[aria-labelledby=other-devices]").text().contains("No other device"), "Firefox was idle");
    assert!(page.one("section[aria-labelledby=checklist]").text().contains("two-step verification"));
    let latest: Vec<_> = page.select("[aria-labelledby=latest] li").iter().map(|row| row.text()).collect();
    assert!(latest.len() <= 3 && latest[0].contains("New sign-in: Safari on iOS"), "{latest:?}");
    assert!(!page.has("[aria-labelledby=day]"), "figures are for administrators");
}

#[tokio::test]
async fn an_administrator_sees_the_days_figures() {
    let t = TestApp::new().await;
    t.admin("ada@example.com").await;
    let page = t.sign_in_browser("ada@example.com").await.get("/").await.page();
    let figures: Vec<_> = page.select("[aria-labelledby=day] dd").iter().map(|figure| figure.text()).collect();
    assert_eq!(figures, ["2", "0", "1", "2"], "sign-ins, failures, registrations, live sessions");
}

#[tokio::test]
async fn an_event_is_one_row_that_names_its_device() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut owner = sign_in(&t, FIREFOX).await;
    sign_in(&t, IPHONE).await;
    let page = owner.get("/security").await.page();
    let rows: Vec<_> = page.select(".log li").iter().map(|row| row.text()).collect();
    let of_phone: Vec<_> = rows.iter().filter(|row| row.contains("Safari on iOS")).collect();
    assert_eq!(of_phone.len(), 1, "not a sign-in and a new device: {rows:?}");
    assert!(of_phone[0].contains("New sign-in: Safari on iOS") && of_phone[0].contains("Was this you?"));
    assert!(rows.iter().any(|row| row.contains("Signed in: Firefox on Linux")), "{rows:?}");
    assert!(page.has("form[action='/security/seen']"));
}

#[tokio::test]
async fn the_log_is_narrowed_down_by_kind_and_pages_keep_that() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut browser = sign_in(&t, FIREFOX).await;
    for _ in 0..22 {
        t.anonymous().form("/login", &[("email", "ada@example.com"), ("password", "wrong")]).await;
    }
    let page = browser.get("/security?show=problems").await.page();
    assert_eq!(page.select(".log li[data-outcome=failure]").len(), 20);
    assert_eq!(page.select(".log li").len(), 20);
    assert!(page.one(".log li:first-child .badge").text().contains("Failed"), "not by colour alone");
    assert!(page.one("option[selected]").attr("value") == Some("problems"));
    let older = page.one("a[rel=next]").attr("href").expect("an address").to_owned();
    assert!(older.contains("show=problems"));
    assert_eq!(browser.get(&older).await.page().select(".log li").len(), 2);
    let sign_ins = browser.get("/security?show=sign-ins").await.page();
    assert_eq!(sign_ins.select(".log li").len(), 1);
    assert_eq!(browser.get("/security?show=nonsense").await.status, 200);
}

#[tokio::test]
async fn days_are_those_of_the_readers_clock() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let heading = async |browser: &mut crate::harness::Client| {
        let page = browser.get("/security").await.page();
        let day = page.one(".log h2 time");
        (day.attr("datetime").unwrap_or_default().to_owned(), page.one("main").text().contains("UTC"))
    };
    let (utc, says_so) = heading(&mut browser).await;
    assert!(says_so);
    browser.cookies.insert("sekisho_offset".into(), "840".into());
    let (kiritimati, says_so) = heading(&mut browser).await;
    assert!(!says_so && kiritimati >= utc);
    browser.cookies.insert("sekisho_offset".into(), "-840".into());
    assert!(heading(&mut browser).await.0 < kiritimati);
    for junk in ["99999", "x", "", "1e1"] {
        browser.cookies.insert("sekisho_offset".into(), junk.into());
        assert!(heading(&mut browser).await.1, "{junk:?}");
    }
}

#[tokio::test]
async fn what_an_administrator_did_tells_nothing_of_their_device() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let (mut admin, _) = t.admin("root@example.com").await;
    admin.ip = [203, 0, 113, 7].into();
    admin.headers.push(("user-agent", FIREFOX.into()));
    let id = t.user_id("ada@example.com").await;
    admin.json("PATCH", &format!("/api/v1/admin/users/{id}"), serde_json::json!({ "roles": ["user"] })).await;
    for path in ["/", "/security"] {
        let text = browser.get(path).await.text();
        assert!(!text.contains("203.0.113.7") && !text.contains("Firefox"), "{path}");
    }
}

#[tokio::test]
async fn a_device_says_what_it_is_and_when_it_signs_out() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut phone = sign_in(&t, IPHONE).await;
    t.clock.advance(8 * MINUTE);
    let mut browser = sign_in(&t, FIREFOX).await;
    let card = browser.get("/devices").await.page();
    let text = card.one("li.card:not([aria-current])").text();
    assert!(text.contains("Safari on iOS") && text.contains("8 minutes ago"), "{text}");
    assert!(text.contains("Signs out in 52 min if you are away, ") && text.contains(" at the latest."), "{text}");
    t.clock.advance(MINUTE);
    let id = phone.session_id().await;
    let done = browser.form("/devices/end", &[("id", &id)]).await.location().to_owned();
    assert!(
        browser.get(&done).await.page().one(".notice[role=status]").text().contains("Safari on iOS was signed out.")
    );
}

#[tokio::test]
async fn a_device_can_be_named_by_its_owner_only() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut phone = sign_in(&t, IPHONE).await;
    let id = phone.session_id().await;
    let mut eve = t.browser("eve@example.com").await;
    let name = [("session", id.as_str()), ("device", "Ada's <b>phone</b>")];
    assert_eq!(eve.form("/devices/rename", &name).await.status, 404);
    let mut browser = sign_in(&t, FIREFOX).await;
    assert_eq!(browser.form("/devices/rename", &name).await.location(), "/devices?done=renamed");
    let page = browser.get("/devices").await.page();
    let card = page.one("li.card:not([aria-current])");
    assert_eq!(card.one("h2").text(), "Ada's <b>phone</b>");
    assert!(card.text().contains("Safari 17 on iOS"), "what it says of itself stays");
    let log = browser.get("/security").await.page();
    assert!(log.select(".log li").iter().any(|row| row.text().contains("Ada's <b>phone</b>")));
    // Not even with its id does anybody else learn the name.
    let guess = eve.get(&format!("/devices?done=one&device={id}")).await.text();
    assert!(guess.contains("The device was signed out.") && !guess.contains("phone"));
    let long = "x".repeat(61);
    for wrong in [long.as_str(), "a\nb"] {
        assert_eq!(
            browser.form("/devices/rename", &[("session", &id), ("device", wrong)]).await.status,
            422,
            "{wrong}"
        );
    }
    browser.form("/devices/rename", &[("session", &id), ("device", " ")]).await;
    assert_eq!(browser.get("/devices").await.page().one("li.card:not([aria-current]) h2").text(), "Safari on iOS");
    t.clock.advance(DAY / 96);
    assert_eq!(browser.form("/devices/rename", &name).await.status, 403, "an intruder must not look familiar");
}

#[tokio::test]
async fn password_managers_find_where_a_password_is_changed() {
    let t = TestApp::new().await;
    let answer = t.anonymous().get("/.well-known/change-password").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/account/password"));
}

#[tokio::test]
async fn the_colours_are_chosen_for_this_browser() {
    let t = TestApp::new().await;
    let mut stranger = t.anonymous();
    stranger.headers.push(("referer", "http://127.0.0.1:3000/login".into()));
    assert_eq!(stranger.form("/theme", &[("theme", "dark")]).await.location(), "/login");
    for path in ["/", "/login", "/nothing"] {
        assert!(stranger.get(path).await.text().contains("data-theme=\"dark\""), "{path}");
    }
    stranger.form("/theme", &[("theme", "system")]).await;
    assert!(!stranger.get("/").await.text().contains("data-theme"));
}
