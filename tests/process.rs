//! The binary itself: how it starts, what it says when it can't, and what survives its death.

use std::{net::TcpListener, os::unix::fs::PermissionsExt, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::{
    PASSWORD,
    process::{Folder, Server, command, free_port, run},
};

#[tokio::test]
async fn a_first_start_makes_what_it_needs_and_a_killed_server_loses_nothing() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let secret = folder.0.join("data/sekisho.db.secret");
    let mode = std::fs::metadata(&secret).expect("a secret was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let person = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(server.post("/api/v1/users", person.clone()).await.status(), 201);
    let kept: Value = server.post("/api/v1/tokens", person.clone()).await.json().await.expect("JSON");
    let ended: Value = server.post("/api/v1/tokens", person).await.json().await.expect("JSON");
    let sign_out = Client::new().delete(format!("{}/api/v1/tokens", server.url));
    let sign_out = sign_out.bearer_auth(ended["access_token"].as_str().expect("a token")).send().await;
    assert_eq!(sign_out.expect("an answer").status(), 204);
    server.kill("-KILL");

    // The issuer is the base URL, which the port is part of: the refresh token carries over, as a person's does.
    let server = Server::start(&folder, &[]);
    let refresh = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = server.post("/api/v1/tokens/refresh", refresh(&kept)).await;
    assert_eq!(refreshed.status(), 200);
    let refreshed: Value = refreshed.json().await.expect("JSON");
    assert_eq!(server.me(&refreshed["access_token"]).await.0, 200);
    let refused: Value = server.post("/api/v1/tokens/refresh", refresh(&ended)).await.json().await.expect("JSON");
    assert_eq!(refused["reason"], "signed_out");
    server.kill("-KILL");
}

#[tokio::test]
async fn a_stop_is_clean() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    assert!(server.kill("-TERM").status.success());
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("an address");
    for (settings, said) in [
        (vec![("SEKISHO_SESION_IDLE", "1h")], "SEKISHO_SESION_IDLE: unknown setting"),
        (vec![("SEKISHO_SESSION_IDLE", "soon")], "SEKISHO_SESSION_IDLE: must be a duration"),
        (vec![("SEKISHO_LISTEN", taken.1.as_str())], "SEKISHO_LISTEN sets the address"),
        (vec![("SEKISHO_LISTEN", "127.0.0.1:0"), ("SEKISHO_DATABASE_URL", "mysql://x")], "sqlite:// or postgres://"),
        (vec![("SEKISHO_LISTEN", "127.0.0.1:0"), ("SEKISHO_DATABASE_URL", "sqlite:///proc/no/such.db")], "folder"),
    ] {
        let output = command(&folder, &settings).output().expect("the binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("sekisho: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{said} in {stderr}");
    }
}

#[test]
fn it_explains_itself() {
    let folder = Folder::new();
    let help = command(&folder, &[]).arg("--help").output().expect("the binary runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("serve") && help.contains("migrate") && help.contains(".env.sample"), "{help}");
    let migrated = command(&folder, &[]).arg("migrate").output().expect("the binary runs");
    assert!(migrated.status.success() && folder.0.join("data/sekisho.db").exists());
}

#[tokio::test]
async fn the_log_names_each_request_and_holds_no_secret_and_no_address() {
    let folder = Folder::new();
    let settings = [("SEKISHO_LOG", "debug"), ("SEKISHO_LOG_FORMAT", "json"), ("SEKISHO_RATE_LIMIT", "off")];
    let server = Server::start(&folder, &settings);
    let person = json!({ "email": "ada@example.com", "password": PASSWORD });
    let registered = server.post("/api/v1/users", person.clone()).await;
    let request_id = registered.headers()["x-request-id"].to_str().expect("text").to_owned();
    let tokens: Value = server.post("/api/v1/tokens", person).await.json().await.expect("JSON");
    server.me(&tokens["access_token"]).await;
    let wrong = json!({ "email": "ada@example.com", "password": "a wrong password" });
    server.post("/api/v1/tokens", wrong).await;
    server.post("/api/v1/tokens/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    let forged = format!("{}/login?next=%0d%0aforged&email=ada@example.com", server.url);
    let page = Client::new().get(forged).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    server.kill("-TERM");

    let log = std::fs::read_to_string(folder.0.join("log")).expect("a log");
    let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    for secret in ["ada@", PASSWORD, "a wrong password", "forged", &token("access_token"), &token("refresh_token")] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e} in {line}"));
    }
    assert!(log.lines().any(|line| line.contains(&request_id) && line.contains("registered")), "{log}");
}

#[tokio::test]
async fn a_house_gets_its_first_administrator_from_the_command_line() {
    let folder = Folder::new();
    let (code, said) = run(&folder, &["user", "create", "root@example.com", "--admin"]);
    assert_eq!(code, Some(0), "{said}");
    let password = said.trim().rsplit(' ').next().expect("a password").to_owned();
    let (code, said) = run(&folder, &["user", "create", "root@example.com"]);
    assert!(code == Some(1) && said.contains("sekisho: "), "{said}");

    let server = Server::start(&folder, &[]);
    let tokens = server.post("/api/v1/tokens", json!({ "email": "root@example.com", "password": password })).await;
    let tokens: Value = tokens.json().await.expect("JSON");
    assert_eq!(server.me(&tokens["access_token"]).await.1["roles"], json!(["user", "admin"]));

    // A running server learns within a second of what another process does.
    let (code, said) = run(&folder, &["user", "disable", "root@example.com"]);
    assert!(code == Some(1) && said.contains("There is no other administrator"), "{said}");
    run(&folder, &["user", "create", "second@example.com", "--admin"]);
    let (_, said) = run(&folder, &["user", "disable", "root@example.com"]);
    assert!(said.contains("sessions ended: 1"), "{said}");
    let refusal = server.refusal(&tokens["access_token"], Duration::from_secs(5)).await;
    assert_eq!(refusal["reason"], "account_disabled");
    let (code, said) = run(&folder, &["user", "password", "second@example.com"]);
    assert!(code == Some(0) && said.contains("sessions ended: 0"), "{said}");
    let password = said.trim().rsplit(' ').next().expect("a password");
    let again = server.post("/api/v1/tokens", json!({ "email": "second@example.com", "password": password })).await;
    assert_eq!(again.status(), 200);
    server.kill("-TERM");
    let (code, said) = run(&folder, &["audit", "verify"]);
    assert!(code == Some(0) && said.contains("The log is whole"), "{said}");
    let noted = said.trim().rsplit(' ').next().expect("its end").to_owned();
    assert_eq!(run(&folder, &["audit", "verify", "--noted", &noted]).0, Some(0));
    let (code, said) = run(&folder, &["audit", "verify", "--noted", "1:beef"]);
    assert!(code == Some(1) && said.contains("tampered"), "{said}");
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own() {
    let folder = Folder::new();
    let listen = free_port();
    let server = Server::start(&folder, &[("SEKISHO_METRICS_LISTEN", &listen), ("SEKISHO_RATE_LIMIT", "off")]);
    let person = json!({ "email": "ada@example.com", "password": PASSWORD });
    server.post("/api/v1/users", person.clone()).await;
    let tokens: Value = server.post("/api/v1/tokens", person).await.json().await.expect("JSON");
    server.post("/api/v1/tokens", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    server.post("/api/v1/tokens/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    server.post("/api/v1/made/up/by/a/stranger", json!({})).await;
    let get = async |url: String| Client::new().get(url).send().await.expect("an answer");
    assert_eq!(get(format!("{}/metrics", server.url)).await.status(), 404, "not for the public");
    let answer = get(format!("http://{listen}/metrics")).await;
    let content_type = answer.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(content_type.starts_with("application/openmetrics-text"));
    let text = answer.text().await.expect("text");
    for line in [
        "sekisho_sign_ins_total{outcome=\"success\"} 1",
        "sekisho_sign_ins_total{outcome=\"failure\"} 1",
        "sekisho_refreshes_total{outcome=\"success\"} 1",
        "sekisho_refresh_token_reuse_total 0",
        "sekisho_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/tokens\",status=\"200\"} 1",
        "route=\"other\",status=\"404\"",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("stranger"), "what a stranger makes up is no label");
    server.kill("-TERM");
}

#[tokio::test]
async fn a_key_is_withdrawn_and_a_secret_replaced_from_the_command_line() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("SEKISHO_STRATEGY", "hybrid")]);
    let person = json!({ "email": "ada@example.com", "password": PASSWORD });
    server.post("/api/v1/users", person.clone()).await;
    let tokens: Value = server.post("/api/v1/tokens", person.clone()).await.json().await.expect("JSON");
    assert_eq!(server.me(&tokens["access_token"]).await.0, 200);
    let (code, said) = run(&folder, &["keys", "list"]);
    assert!(code == Some(0) && said.contains("EdDSA") && said.contains("signing"), "{said}");
    let kid = said.lines().nth(1).and_then(|line| line.split(' ').next()).expect("a kid").to_owned();
    let (code, said) = run(&folder, &["keys", "rotate"]);
    assert!(code == Some(0) && said.contains("It signs from"), "{said}");
    let (code, said) = run(&folder, &["keys", "withdraw", "made-up"]);
    assert!(code == Some(1) && said.contains("there is no key made-up"), "{said}");

    // The running server refuses it within a second of the command.
    let (code, said) = run(&folder, &["keys", "withdraw", &kid]);
    assert!(code == Some(0) && said.contains("signs in its place, at once"), "{said}");
    server.refusal(&tokens["access_token"], Duration::from_millis(1_500)).await;
    let (_, said) = run(&folder, &["keys", "list"]);
    assert!(said.lines().any(|line| line.starts_with(&kid) && line.contains("withdrawn")), "{said}");
    let refresh = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
    let tokens: Value = server.post("/api/v1/tokens/refresh", refresh(&tokens)).await.json().await.expect("JSON");
    assert_eq!(server.me(&tokens["access_token"]).await.0, 200, "by the key that signs in its place");
    server.kill("-TERM");

    // The secret: as a crash leaves it after each step, the server starts and everybody stays signed in.
    let file = folder.0.join("data/sekisho.db.secret");
    let previous = folder.0.join("data/sekisho.db.secret.previous");
    let check = async |tokens: Value| -> Value {
        let server = Server::start(&folder, &[]);
        let answer = server.post("/api/v1/tokens/refresh", refresh(&tokens)).await;
        assert_eq!(answer.status(), 200);
        let tokens: Value = answer.json().await.expect("JSON");
        assert_eq!(server.me(&tokens["access_token"]).await.0, 200);
        server.kill("-KILL");
        tokens
    };
    let old = std::fs::read(&file).expect("a secret");
    std::fs::write(folder.0.join("data/sekisho.db.secret.new"), "half").expect("left over");
    std::fs::hard_link(&file, &previous).expect("kept");
    let tokens = check(tokens).await;
    let (code, said) = run(&folder, &["secret", "rotate"]);
    assert!(code == Some(0) && said.contains("Restart the server"), "{said}");
    assert!(std::fs::read(&file).expect("a secret") != old && std::fs::read(&previous).expect("the old one") == old);
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let tokens = check(tokens).await;
    let (code, said) = run(&folder, &["secret", "rotate"]);
    assert!(code == Some(0) && said.contains("signing keys") && !previous.exists(), "{said}");
    let tokens = check(tokens).await;
    // Killed after everything was sealed, before the old one was removed.
    std::fs::write(&previous, &old).expect("as if it was killed");
    let tokens = check(tokens).await;
    assert_eq!(run(&folder, &["secret", "rotate"]).0, Some(0));
    check(tokens).await;
    let (code, said) = run(&folder, &["audit", "verify"]);
    assert!(code == Some(0) && said.contains("The log is whole"), "{said}");
}
