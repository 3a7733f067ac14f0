use crate::harness::{HOUR, PASSWORD, TestApp};

#[tokio::test]
async fn somebody_registers_and_is_where_they_were_going() {
    let t = TestApp::new().await;
    let mut browser = t.anonymous();
    assert_eq!(browser.get("/register?next=%2Fdevices").await.page().form("/register").field("next"), "/devices");
    let form = [("email", "ada@example.com"), ("name", "Ada"), ("password", PASSWORD), ("next", "/devices")];
    assert_eq!(browser.form("/register", &form).await.location(), "/devices");
    assert!(browser.get("/").await.text().contains("Welcome, Ada"));
    assert_eq!(browser.get("/login").await.location(), "/");
}

#[tokio::test]
async fn a_faulty_form_comes_back_with_what_was_typed_but_no_password() {
    let t = TestApp::new().await;
    let form = [("email", "ada@"), ("name", "山田 \"<b>花子"), ("password", "secret7")];
    let answer = t.anonymous().form("/register", &form).await;
    assert_eq!(answer.status, 422);
    let text = answer.text();
    assert!(text.contains("Enter one email address") && text.contains("Use at least 8 characters."));
    assert!(!text.contains("<b>") && !text.contains("secret7"));
    let page = answer.page();
    let form = page.form("/register");
    assert_eq!((form.field("email"), form.field("name")), ("ada@".into(), "山田 \"<b>花子".into()));
    assert!(form.attr("data-errors").is_some());
    let invalid: Vec<_> = form.select("[aria-invalid=true]").iter().map(|field| field.attr("name")).collect();
    assert_eq!(invalid, [Some("email"), Some("password")]);
}

#[tokio::test]
async fn sign_in_leads_to_own_paths_only() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    for (next, leads_to) in [
        ("/devices?a=b", "/devices?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ] {
        let form = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        assert_eq!(t.anonymous().form("/login", &form).await.location(), leads_to, "{next}");
    }
    let page = t.anonymous().get("/login?next=https%3A%2F%2Fevil.example").await.text();
    assert!(!page.contains("evil.example"));
}

#[tokio::test]
async fn a_session_begins_with_a_new_id_whatever_the_browser_brought() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut victim = t.anonymous();
    victim.cookies.insert("sekisho".into(), "AAAAAAAAAAAAAAAAAAAAAQ".into());
    victim.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let fixed = victim.session_cookie();
    assert_ne!(fixed, "AAAAAAAAAAAAAAAAAAAAAQ");
    // Signing in again, as anybody, leaves nothing of the session before.
    let before = victim.clone();
    victim.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_ne!(victim.session_cookie(), fixed);
    assert_eq!(before.clone().get("/devices").await.status, 303);
    let (_, tokens) = t.sign_in_api("ada@example.com").await;
    let other_kinds = ["access_token", "refresh_token", "session_id"].map(|kind| tokens[kind].as_str().expect("text"));
    for junk in ["", "x", "AAAAAAAAAAAAAAAAAAAAAQ", "-1", "%00"].into_iter().chain(other_kinds) {
        let mut stranger = t.anonymous();
        stranger.cookies.insert("sekisho".into(), junk.into());
        assert_eq!(stranger.get("/devices").await.status, 303, "{junk:?}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie_back() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let copy = browser.clone();
    assert_eq!(browser.form("/logout", &[]).await.location(), "/login?signed_out");
    assert_eq!(browser.session_cookie(), "");
    assert!(browser.get("/login?signed_out").await.text().contains("You signed out."));
    assert_eq!(copy.clone().get("/devices").await.location(), "/login?next=%2Fdevices");
    assert_eq!(browser.form("/logout", &[]).await.status, 303, "twice is harmless");
    assert_eq!(browser.get("/logout").await.status, 405, "never by a link");
}

#[tokio::test]
async fn a_form_sent_after_the_end_leads_back_to_its_page() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    browser.headers.push(("referer", "http://127.0.0.1:3000/account".into()));
    t.clock.advance(2 * HOUR);
    let form = [("name", "Ada"), ("about", "typed for an hour"), ("locale", "")];
    assert_eq!(browser.form("/account", &form).await.location(), "/login?next=%2Faccount");
    browser.headers[0].1 = "https://evil.example/account".into();
    assert_eq!(browser.form("/account", &form).await.location(), "/login");
}

#[tokio::test]
async fn an_account_is_edited_and_faults_keep_the_text() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let form = [("name", "Ada"), ("about", "\r\nOne\r\nTwo</textarea><script>"), ("locale", "ja")];
    assert_eq!(browser.form("/account", &form).await.location(), "/account?done=saved");
    let page = browser.get("/account?done=saved").await.page();
    assert_eq!(page.lang(), "ja");
    assert!(page.form("/account").attr("data-saved").is_some());
    assert_eq!(page.field("about"), "One\nTwo</textarea><script>");
    let faulty = [("name", ""), ("about", "kept"), ("locale", "ja")];
    let answer = browser.form("/account", &faulty).await;
    assert_eq!(answer.status, 422);
    let page = answer.page();
    assert_eq!(page.field("about"), "kept");
    assert!(!page.has("[data-saved]"));
}

#[tokio::test]
async fn the_language_follows_account_cookie_and_browser_in_this_order() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    t.sign_in_browser("ada@example.com").await;
    let mut stranger = t.anonymous();
    stranger.headers.push(("accept-language", "ja-JP,ja;q=0.9,en;q=0.5".into()));
    assert_eq!(stranger.get("/login").await.page().lang(), "ja");
    assert_eq!(stranger.form("/language", &[("language", "en")]).await.location(), "/");
    assert_eq!(stranger.get("/login").await.page().lang(), "en");
    browser.headers.push(("referer", "http://127.0.0.1:3000/devices".into()));
    assert_eq!(browser.form("/language", &[("language", "ja")]).await.location(), "/devices");
    browser.cookies.remove("sekisho_language");
    assert_eq!(browser.get("/devices").await.page().lang(), "ja", "the account remembers");
    assert_eq!(stranger.form("/language", &[("language", "xx")]).await.status, 422);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_in_the_same_look() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let answer = browser.get("/nothing").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("There is nothing here."));
    assert!(answer.page().has("nav a[href='/account']"), "with the person's navigation");
    let wrong = browser.form("/devices", &[]).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET,HEAD"));
    assert!(wrong.text().contains("can&#39;t be done here") || wrong.text().contains("can't be done here"));
}

#[tokio::test]
async fn no_page_shows_a_secret() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let cookie = browser.session_cookie();
    for path in ["/", "/account", "/devices", "/security", "/account/password"] {
        let page = browser.get(path).await.text();
        for secret in [&cookie, "$argon2", "sk_rt_"] {
            assert!(!page.contains(secret), "{path} shows {secret}");
        }
        // A token has dots; a nonce may begin like one.
        let word = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
        let token = page.split(word).find(|word| word.starts_with("eyJ") && word.contains('.'));
        assert_eq!(token, None, "{path}");
    }
}

#[tokio::test]
async fn sessions_live_on_after_a_restart() {
    let t = TestApp::new().await;
    let browser = t.browser("ada@example.com").await;
    let mut ended = t.sign_in_browser("ada@example.com").await;
    let gone = ended.clone();
    ended.form("/logout", &[]).await;
    let t = t.restart().await;
    let mut after = t.anonymous();
    after.cookies = browser.cookies.clone();
    assert_eq!(after.get("/devices").await.status, 200);
    after.cookies = gone.cookies.clone();
    assert_eq!(after.get("/devices").await.status, 303);
}
