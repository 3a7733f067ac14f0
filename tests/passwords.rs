use std::time::Instant;

use serde_json::json;

use crate::harness::{MINUTE, PASSWORD, TestApp};

const NEW: &str = "another good passphrase";

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("not an address", "wrong"),
        ("ada@example.com", ""),
        ("", ""),
    ] {
        let answer = t.anonymous().post("/api/v1/tokens", json!({ "email": email, "password": password })).await;
        answer.problem(401, "invalid_credentials");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answers.push(answer.text());
        let page = t.anonymous().form("/login", &[("email", email), ("password", password)]).await;
        assert_eq!(page.status, 401);
        assert!(page.text().contains("The email address or the password is not right."));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Interleaved, and the fastest answer of each: a busy machine adds to times and never takes away, so that the fastest
/// of many come down to the work itself, if need be when the other tests are done. Work that only one of them does
/// would stay.
#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_its_tokens() {
    let t = TestApp::new().await;
    let mut here = t.browser("ada@example.com").await;
    let mut elsewhere = t.sign_in_browser("ada@example.com").await;
    let (mut api, tokens) = t.sign_in_api("ada@example.com").await;
    let old_cookie = here.clone();

    let change = [("current_password", PASSWORD), ("new_password", NEW)];
    assert_eq!(here.form("/account/password", &change).await.location(), "/account?done=password");
    assert_eq!(here.get("/devices").await.status, 200);

    assert_eq!(elsewhere.get("/devices").await.location(), "/login?next=%2Fdevices");
    assert!(elsewhere.get("/login").await.text().contains("because your password was changed"));
    let ended = api.get("/api/v1/me").await;
    assert_eq!(ended.problem(401, "session_revoked")["reason"], "password_changed");
    assert_eq!(ended.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = t.anonymous().post("/api/v1/tokens/refresh", refresh).await;
    assert_eq!(refused.problem(401, "session_revoked")["reason"], "password_changed");
    // The cookie from before the change is dead too: a copy of it is worth nothing.
    assert_eq!(old_cookie.clone().get("/devices").await.status, 303);

    t.anonymous()
        .post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD }))
        .await
        .problem(401, "invalid_credentials");
    let signed_in = t.anonymous().post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": NEW })).await;
    assert_eq!(signed_in.status, 200);
}

#[tokio::test]
async fn a_password_changes_over_the_api_and_this_session_stays() {
    let t = TestApp::new().await;
    let (mut api, tokens) = t.api("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let wrong = json!({ "current_password": "wrong", "new_password": NEW });
    let problem = api.json("PUT", "/api/v1/me/password", wrong).await.problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["field"], "current_password");
    let weak = json!({ "current_password": PASSWORD, "new_password": "password1" });
    let problem = api.json("PUT", "/api/v1/me/password", weak).await.problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["field"], "new_password");
    assert_eq!(browser.get("/devices").await.status, 200);

    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(api.json("PUT", "/api/v1/me/password", change).await.status, 204);
    assert_eq!(api.get("/api/v1/me").await.status, 200);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(t.anonymous().post("/api/v1/tokens/refresh", refresh).await.status, 200);
    assert_eq!(browser.get("/devices").await.status, 303);
}

#[tokio::test]
async fn a_hash_with_older_parameters_is_upgraded_at_the_next_sign_in() {
    use argon2::{Argon2, Params, PasswordHasher};
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let weak: Argon2<'_> = Params::new(8_192, 1, 1, None).expect("valid parameters").into();
    let old = weak.hash_password(PASSWORD.as_bytes()).expect("hashes").to_string();
    sqlx::query("update users set password_hash = $1").bind(old).execute(t.db.writer()).await.expect("updated");
    t.sign_in_api("ada@example.com").await;
    let stored: String =
        sqlx::query_scalar("select password_hash from users").fetch_one(t.db.reader()).await.expect("a row");
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    t.sign_in_api("ada@example.com").await;
}

#[tokio::test]
async fn guessing_is_slowed_down_by_account_and_by_network() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    let guess = |email: &str| json!({ "email": email, "password": "wrong" });
    let mut guesser = t.anonymous();
    guesser.ip = "2001:db8::1".parse().expect("an address");
    for spelling in ["ada@example.com", "ADA@example.com"].iter().cycle().take(10) {
        guesser.post("/api/v1/tokens", guess(spelling)).await.problem(401, "invalid_credentials");
    }
    // Another address of the same /64, another spelling, the page instead of the API: the same count.
    guesser.ip = "2001:db8::ffff".parse().expect("an address");
    let refused = guesser.post("/api/v1/tokens", guess(" Ada@Example.com")).await;
    refused.problem(429, "rate_limited");
    let wait: i64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=91).contains(&wait), "{wait}");
    let page = guesser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 429);
    assert!(!page.header("retry-after").is_empty());

    t.sign_in_api("ada@example.com").await; // from elsewhere, the person gets in
    // Other accounts from the same network: it has a count of its own, refilled every two seconds.
    let mut refused = false;
    for n in 0..60 {
        refused |= guesser.post("/api/v1/tokens", guess(&format!("u{n}@example.com"))).await.status == 429;
    }
    assert!(refused);
    t.clock.advance(2 * MINUTE);
    guesser.post("/api/v1/tokens", guess("ada@example.com")).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_lock_a_person_out_of_the_networks_they_use() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    let right = json!({ "email": "ada@example.com", "password": PASSWORD });
    let mut stranger = t.anonymous();
    let mut refused = 0;
    for n in 0..=110 {
        stranger.ip = [198, 51, n, 1].into();
        let guess = json!({ "email": "ada@example.com", "password": "wrong" });
        refused += usize::from(stranger.post("/api/v1/tokens", guess).await.status == 429);
    }
    assert!(refused > 5, "{refused}");
    stranger.post("/api/v1/tokens", right.clone()).await.problem(429, "rate_limited");
    assert_eq!(t.anonymous().post("/api/v1/tokens", right).await.status, 200, "from where she signed in before");
    let unknown = json!({ "email": "bob@example.com", "password": "wrong" });
    t.anonymous().post("/api/v1/tokens", unknown).await.problem(401, "invalid_credentials");
}

/// The attack: leading blanks beyond where a name was cut made a new count for each number of them.
#[tokio::test]
async fn blanks_before_an_address_make_no_new_count() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    let mut guesser = t.anonymous();
    let mut answers = Vec::new();
    for n in 0..12 {
        let blanks = ["", " ", "\t ", "\u{3000}"][n % 4].to_owned() + &" ".repeat(230 + 2 * n);
        let email = format!("{blanks}ADA@example.com{blanks}");
        let guess = json!({ "email": email, "password": "wrong" });
        answers.push(guesser.post("/api/v1/tokens", guess).await.status.as_u16());
    }
    assert_eq!(answers, [[401; 10].as_slice(), &[429; 2]].concat());
}

/// OWASP's device cookies: guesses by others, from the owner's own address or from everywhere, keep only them out.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_signed_in_before_is_not_locked_out_by_guesses_of_others() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    let mut owner = t.sign_in_browser("ada@example.com").await;
    owner.form("/logout", &[]).await;
    let guess = [("email", "ada@example.com"), ("password", "wrong")];
    let right = [("email", "ada@example.com"), ("password", PASSWORD)];
    let mut guesser = t.anonymous();
    for n in 0..12 {
        guesser.ip = [127, 0, 0, 1].into();
        guesser.form("/login", &guess).await;
        for m in 0..10 {
            guesser.ip = [198, 51, n, m].into();
            guesser.form("/login", &guess).await;
        }
    }
    guesser.ip = [127, 0, 0, 1].into();
    let refused = guesser.form("/login", &right).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("Try again in "), "the wait is said");
    assert_eq!(owner.form("/login", &right).await.status, 303, "the owner's browser, from the same address");
    // It has a count of its own, which is no larger.
    owner.form("/logout", &[]).await;
    let mut thief = owner.clone();
    let statuses: Vec<_> = futures::future::join_all((0..12).map(|_| {
        let mut thief = thief.clone();
        async move { thief.form("/login", &guess).await.status.as_u16() }
    }))
    .await;
    assert!(statuses.iter().filter(|status| **status == 429).count() >= 3, "{statuses:?}");
    // The API reads no cookie.
    let answer = owner.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    answer.problem(429, "rate_limited");
    // Whoever knew the password once, and collected cookies then, has nothing from them after a change.
    t.register("eve@example.com").await;
    let collected = [t.sign_in_browser("eve@example.com").await, t.sign_in_browser("eve@example.com").await];
    let (mut eve, _) = t.sign_in_api("eve@example.com").await;
    t.clock.advance(2 * MINUTE);
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(eve.json("PUT", "/api/v1/me/password", change).await.status, 204);
    let mut statuses = Vec::new();
    for mut guesser in collected {
        guesser.ip = [203, 0, 113, 7].into();
        guesser.cookies.remove("sekisho");
        for _ in 0..10 {
            let guess = [("email", "eve@example.com"), ("password", "wrong")];
            statuses.push(guesser.form("/login", &guess).await.status.as_u16());
        }
    }
    assert!(statuses.iter().filter(|status| **status == 429).count() >= 9, "{statuses:?}");
    // Nor is it worth anything for another account, or when altered.
    t.register("bob@example.com").await;
    thief.ip = [203, 0, 113, 5].into();
    let cookie = thief.cookies["sekisho_device"].clone();
    for cookie in [cookie.clone(), format!("{cookie}x"), cookie.replace('.', ".A"), "~~~".into(), "x".repeat(5_000)] {
        thief.cookies.insert("sekisho_device".into(), cookie);
        let guess = [("email", "bob@example.com"), ("password", "wrong")];
        let statuses = [thief.form("/login", &guess).await.status, thief.form("/login", &guess).await.status];
        assert!(statuses.iter().all(|status| [401, 429].contains(&status.as_u16())));
    }
    assert_eq!(thief.form("/login", &[("email", "bob@example.com"), ("password", "wrong")]).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_within_the_owners_own_network_are_counted_together() {
    let t = TestApp::with(&[("SEKISHO_RATE_LIMIT", "on")]).await;
    t.register("ada@example.com").await;
    t.sign_in_api("ada@example.com").await;
    let mut neighbour = t.anonymous();
    let mut refused = 0;
    for n in 2..=120 {
        neighbour.ip = [127, 0, 0, n].into();
        let guess = json!({ "email": "ada@example.com", "password": "wrong" });
        refused += usize::from(neighbour.post("/api/v1/tokens", guess).await.status == 429);
    }
    assert!((10..=20).contains(&refused), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_does_not_slow_down_other_requests() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let flood: Vec<_> = (0..60)
        .map(|_| {
            let mut client = t.anonymous();
            let body = json!({ "email": "ada@example.com", "password": "wrong" });
            tokio::spawn(async move { client.post("/api/v1/tokens", body).await.status })
        })
        .collect();
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(api.get("/api/v1/me").await.status, 200);
    }
    let served = start.elapsed();
    assert!(!flood.iter().all(|request| request.is_finished()), "the flood was over before it was measured");
    for request in flood {
        assert_eq!(request.await.expect("no panic"), 401);
    }
    assert!(served < start.elapsed() / 2, "{served:?} of {:?}", start.elapsed());
}
