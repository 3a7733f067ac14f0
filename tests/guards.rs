use axum::body::Body;

use crate::harness::{PASSWORD, TestApp};

#[tokio::test]
async fn a_change_that_another_site_asks_for_is_refused() {
    let t = TestApp::new().await;
    let browser = t.browser("ada@example.com").await;
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "http://127.0.0.1:3001")],
    ] {
        for path in ["/logout", "/account", "/account/password", "/devices/end-others", "/login", "/language"] {
            let mut victim = browser.clone();
            victim.headers.extend(headers.iter().map(|(n, v)| (*n, (*v).to_owned())));
            let answer = victim.form(path, &[("name", "Eve"), ("about", ""), ("locale", "")]).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(answer.text().contains("came from another site"));
        }
        for path in ["/session/token", "/session/activity", "/session/sign-in"] {
            let mut victim = browser.clone();
            victim.headers.extend(headers.iter().map(|(n, v)| (*n, (*v).to_owned())));
            victim.send("POST", path, None, Body::empty()).await.problem(403, "cross_origin");
        }
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3000")] {
        let mut own = browser.clone();
        own.headers.push((name, value.into()));
        assert_eq!(own.send("POST", "/session/activity", None, Body::empty()).await.status, 200);
    }
    assert_eq!(browser.clone().get("/devices").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_its_security_headers_and_every_page_its_own_nonce() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let mut nonces = Vec::new();
    for path in
        ["/", "/login", "/register", "/account", "/devices", "/security", "/nothing", "/api/v1/me", "/health/live"]
    {
        for client in [&mut t.anonymous(), &mut browser] {
            let answer = client.get(path).await;
            let policy = answer.header("content-security-policy").to_owned();
            for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
                assert!(policy.contains(directive), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "same-origin");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert_eq!(answer.header("strict-transport-security"), "", "http needs none");
            let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\''));
            // Only where there is WebAssembly: no other page has an inline script.
            assert_eq!(nonce.is_some(), policy.contains("wasm-unsafe-eval"), "{path}: {policy}");
            if let Some((nonce, _)) = nonce {
                assert!(answer.page().has(&format!("script[nonce={nonce:?}]")), "{path}: the page uses its nonce");
                nonces.push(nonce.to_owned());
            }
        }
    }
    let all = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!((all, nonces.len()), (5, 5));
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host_and_removed_as_well() {
    let t = TestApp::with(&[("SEKISHO_STRATEGY", "hybrid"), ("SEKISHO_BASE_URL", "https://sign-in.example")]).await;
    t.register("ada@example.com").await;
    let mut browser = t.anonymous();
    let answer = browser.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let cookie = answer.header("set-cookie");
    for part in ["__Host-sekisho=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain") && cookie.len() < 4_096);
    assert!(answer.header("strict-transport-security").starts_with("max-age=63072000"));
    let removal = browser.form("/logout", &[]).await;
    let removal = removal.header("set-cookie");
    for part in ["__Host-sekisho=;", "Secure", "Path=/", "Max-Age=0"] {
        assert!(removal.contains(part), "{part} in {removal}");
    }
}

#[tokio::test]
async fn spoofed_hosts_never_show_up() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    for name in ["host", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-url"] {
        browser.headers.push((name, "evil.example".into()));
    }
    for path in ["/", "/login", "/devices", "/nothing", "/.well-known/jwks.json"] {
        let answer = browser.get(path).await;
        assert!(!answer.text().contains("evil.example") && !answer.header("location").contains("evil"), "{path}");
    }
}

#[tokio::test]
async fn a_forwarded_address_counts_from_a_trusted_proxy_only() {
    for (settings, shown) in [(vec![], "127.0.0.1"), (vec![("SEKISHO_TRUSTED_PROXIES", "127.0.0.0/8")], "203.0.113.9")]
    {
        let t = TestApp::with(&settings).await;
        t.register("ada@example.com").await;
        let mut client = t.anonymous();
        client.headers.push(("x-forwarded-for", "203.0.113.9".into()));
        client.form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        let devices = client.get("/devices").await.page();
        assert!(devices.select("dd").iter().any(|detail| detail.text() == shown), "{shown}");
    }
}

#[tokio::test]
async fn a_form_of_ten_megabytes_is_refused_with_a_page() {
    let t = TestApp::new().await;
    let mut browser = t.browser("ada@example.com").await;
    let answer = browser.form("/account", &[("name", "Ada"), ("about", &"x".repeat(10_000_000)), ("locale", "")]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("That is too large."));
}

#[tokio::test]
async fn every_answer_has_an_id_of_our_own() {
    let t = TestApp::new().await;
    let mut client = t.anonymous();
    client.headers.push(("x-request-id", "forged\u{7f}".replace('\u{7f}', "-line")));
    let answer = client.get("/").await;
    let (first, second) = (answer.header("x-request-id").to_owned(), client.get("/").await);
    let (process, n) = first.split_once('-').expect("a process and a number");
    assert!(process.len() == 16 && !n.is_empty());
    assert!(second.header("x-request-id").starts_with(process) && second.header("x-request-id") != first);
}

#[tokio::test]
async fn files_are_compressed_named_by_content_and_cached_for_ever() {
    let t = TestApp::new().await;
    let page = t.anonymous().get("/login").await.page();
    let css = page.one("link[rel=stylesheet]").attr("href").expect("an address");
    assert!(css.starts_with("/pkg/"), "{css}");
    let mut client = t.anonymous();
    client.headers.push(("accept-encoding", "gzip, br".into()));
    let answer = client.get(css).await;
    assert_eq!(answer.status, 200, "built by `cargo leptos build` before the tests");
    assert_eq!(answer.header("content-type"), "text/css");
    if cfg!(not(debug_assertions)) {
        assert_eq!(answer.header("content-encoding"), "br");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    }
    client.get("/pkg/sekisho-000000000000.css").await.problem(404, "not_found");
    client.get("/pkg/..%2f..%2fCargo.toml").await.problem(404, "not_found");
    assert_eq!(client.get("/favicon.svg").await.header("content-type"), "image/svg+xml");
}

#[tokio::test]
async fn headers_of_a_proxy_sign_nobody_in_on_any_page() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    for path in ["/account", "/account/password", "/devices", "/security", "/session/events"] {
        let mut stranger = t.anonymous();
        for name in ["x-forwarded-user", "x-auth-request-email", "x-remote-user", "remote_user", "x_forwarded_user"] {
            stranger.headers.push((name, "ada@example.com".into()));
        }
        assert!([303, 401].contains(&stranger.get(path).await.status.as_u16()), "{path}");
    }
}

#[test]
fn dependencies_with_known_holes_are_not_in_the_lock_file() {
    let lock: toml::Table = include_str!("../Cargo.lock").parse().expect("a lock file");
    let packages = lock["package"].as_array().expect("packages");
    for (name, fixed_in) in [("jsonwebtoken", "10.3.0"), ("h2", "0.4.16"), ("time", "0.3.47"), ("sqlx", "0.8.1")] {
        let parts = |v: &str| v.split('.').filter_map(|n| n.parse::<u64>().ok()).collect::<Vec<_>>();
        for package in packages.iter().filter(|p| p["name"].as_str() == Some(name)) {
            let version = package["version"].as_str().expect("a version");
            assert!(parts(version) >= parts(fixed_in), "{name} {version}");
        }
    }
    // RUSTSEC-2023-0071, a timing attack on the private key, has no fix: RSA tokens are signed by aws-lc instead. What
    // verifies passkeys brings it for public keys.
    let dependents = |crate_name: &str| {
        let depends = |package: &&toml::Value| {
            let needs = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            needs.filter_map(toml::Value::as_str).any(|need| need.split(' ').next() == Some(crate_name))
        };
        packages.iter().filter(depends).filter_map(|p| p["name"].as_str()).collect::<Vec<_>>()
    };
    assert_eq!(dependents("rsa"), ["crypto-glue"]);
    assert_eq!(dependents("crypto-glue"), ["webauthn-attestation-ca", "webauthn-rs-core"]);
}

#[test]
fn the_tests_that_security_md_names_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    let mut folders = vec![root.join("tests"), root.join("crates/core/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            match entry.extension() {
                Some(extension) if extension == "rs" => {
                    sources += &std::fs::read_to_string(entry).expect("a source");
                }
                None if entry.is_dir() => folders.push(entry),
                _ => {}
            }
        }
    }
    let text = std::fs::read_to_string(root.join("SECURITY.md")).expect("SECURITY.md");
    let table = text.split_once("chapter 6").expect("the table").1;
    let names =
        table.lines().filter(|line| line.starts_with("| 6.")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let tests: Vec<_> = names
        .map(|name| name.rsplit("::").next().expect("a name"))
        .filter(|name| {
            name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        })
        .collect();
    assert!(tests.len() > 20, "{tests:?}");
    for test in tests {
        assert!(sources.contains(&format!("fn {test}(")), "{test}");
    }
}
