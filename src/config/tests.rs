//! What is read, what is refused, and that `.env.sample` tells the truth.

use super::{
    mail::{Encryption, SmtpServer},
    *,
};
use secrecy::ExposeSecret;
use sekisho_core::policy::Mfa;

const SECRET: &str = "a secret of the tests, 32 characters or more";

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::from_sources(file, environment).map_err(|e| e.to_string())
}

#[test]
fn nothing_set_gives_the_medium_policy_on_localhost() {
    let config = load("", &[("PATH", "/bin")]).expect("the defaults hold");
    assert_eq!(config.core.policy, Policy::preset(Profile::Medium));
    assert_eq!(config.core.base_url.to_string(), "http://127.0.0.1:3000");
    assert!(config.core.github.is_none());
}

#[test]
fn the_environment_wins_over_the_file_and_both_over_the_profile() {
    let file = "profile = 'high'\nsession_idle = '5m'\nmax_devices = 3";
    let config = load(file, &[("SEKISHO_SESSION_IDLE", "2m"), ("SEKISHO_SESSION_ABSOLUTE", "0")]).expect("valid");
    assert_eq!(config.core.policy.session_idle, Some(Duration::from_secs(120)));
    assert_eq!(config.core.policy.session_absolute, None);
    assert_eq!(config.core.policy.max_devices, Some(3));
    assert_eq!(config.core.policy.access_ttl, Duration::from_secs(300));
}

#[test]
fn a_bad_setting_is_named() {
    for (key, value, named) in [
        ("SEKISHO_SESION_IDLE", "1h", "SEKISHO_SESION_IDLE: unknown"),
        ("SEKISHO_SESSION_IDLE", "1 hour", "SEKISHO_SESSION_IDLE: must be a duration"),
        ("SEKISHO_ACCESS_TTL", "0", "SEKISHO_ACCESS_TTL: must be"),
        ("SEKISHO_PROFILE", "extreme", "SEKISHO_PROFILE: must be low"),
        ("SEKISHO_SECRET", "short", "SEKISHO_SECRET: must be at least 32"),
        ("SEKISHO_WEBAUTHN_ORIGINS", "https://127.0.0.1:3000", "SEKISHO_WEBAUTHN_ORIGINS: must be origins"),
        ("SEKISHO_SERVICE_SECRET", "short", "SEKISHO_SERVICE_SECRET: must be at least 32"),
        (
            "SEKISHO_SERVICE_SECRET",
            "0123456789abcdef0123456789abcdef,short",
            "SEKISHO_SERVICE_SECRET: must be at least 32",
        ),
        ("SEKISHO_SERVICE_SECRET", "0123456789abcdef0123456789abcdef,", "SEKISHO_SERVICE_SECRET: must be at least 32"),
        ("SEKISHO_SERVICE_SECRET", "0123456789abcdef 0123456789abcdef", "SEKISHO_SERVICE_SECRET: must be at least 32"),
        ("SEKISHO_SECRET_PREVIOUS", "short", "SEKISHO_SECRET_PREVIOUS: must be at least 32"),
        ("SEKISHO_SECRET_PREVIOUS", SECRET, "SEKISHO_SECRET_PREVIOUS: needs SEKISHO_SECRET"),
        ("SEKISHO_BASE_URL", "example.com", "SEKISHO_BASE_URL: must be a URL"),
        ("SEKISHO_BASE_URL", "https://example.com/auth", "SEKISHO_BASE_URL: must be a URL"),
        ("SEKISHO_BASE_URL", "https://:x@example.com", "SEKISHO_BASE_URL: must be a URL"),
        ("SEKISHO_STRATEGY", "jwts", "SEKISHO_STRATEGY: must be hybrid, session or jwt"),
        ("SEKISHO_TOKEN_ALG", "HS256", "SEKISHO_TOKEN_ALG: must be"),
        ("SEKISHO_KEY_ROTATION", "10s", "SEKISHO_KEY_ROTATION: must be a duration of an hour"),
        ("SEKISHO_AUDIENCES", "orders, my shop", "SEKISHO_AUDIENCES: must be names"),
        ("SEKISHO_AUDIENCES", "http://127.0.0.1:3000/api", "SEKISHO_AUDIENCES: must be names"),
        ("SEKISHO_TRUSTED_PROXIES", "10.0.0.0/33", "SEKISHO_TRUSTED_PROXIES: must be"),
        ("SEKISHO_GITHUB_CLIENT_ID", "x", "SEKISHO_GITHUB_CLIENT_SECRET: is missing"),
        ("SEKISHO_BREACHED_PASSWORDS", "HIBP", "SEKISHO_BREACHED_PASSWORDS: must be off, hibp, or"),
        ("SEKISHO_BREACHED_PASSWORDS_URL", "example.com", "SEKISHO_BREACHED_PASSWORDS_URL: must be a URL"),
        ("SEKISHO_IDLE_WARNING", "2h", "SEKISHO_IDLE_WARNING: must be shorter"),
        ("SEKISHO_SMTP_URL", "mail.example.com", "SEKISHO_SMTP_URL: must be smtps://"),
        ("SEKISHO_SMTP_URL", "smtp://localhost:25", "SEKISHO_MAIL_FROM: is missing"),
        ("SEKISHO_MAIL_FROM", "Sekisho", "SEKISHO_MAIL_FROM: must be one mailbox"),
        ("SEKISHO_VERIFY_EMAIL", "required", "SEKISHO_VERIFY_EMAIL: needs SEKISHO_SMTP_URL"),
    ] {
        let error = load("", &[(key, value)]).expect_err(key);
        assert!(error.starts_with(named), "{error}");
        assert!(!key.ends_with("_SECRET") || !error.contains(value), "a secret is never repeated");
    }
    let test = ("SEKISHO_TEST_DATABASE_URL", "x");
    assert!(load("", &[test, ("SEKISHO_TYPO", "x")]).expect_err("a typo").starts_with("SEKISHO_TYPO"));
    assert!(load("session_idle = [1]", &[]).expect_err("not text").starts_with("session_idle: must be text"));
    assert!(load("x = ", &[]).expect_err("not TOML").starts_with("sekisho.toml: "));
}

fn mail(server: &str, from: &str) -> Result<MailConfig, String> {
    let config = load("", &[("SEKISHO_SMTP_URL", server), ("SEKISHO_MAIL_FROM", from)])?;
    config.mail.ok_or_else(|| "no mail server".into())
}

#[test]
fn mail_leaves_this_machine_with_tls_only() {
    for (server, host, port, encryption) in [
        ("smtps://mail.example.com", "mail.example.com", 465, Encryption::Tls),
        ("smtps://localhost:2465", "localhost", 2465, Encryption::Tls),
        ("smtp://mail.example.com/", "mail.example.com", 587, Encryption::StartTls),
        ("smtp://Mail.Example.COM:25", "mail.example.com", 25, Encryption::StartTls),
        ("smtp://192.0.2.1", "192.0.2.1", 587, Encryption::StartTls),
        ("smtp://localhost.example.com", "localhost.example.com", 587, Encryption::StartTls),
        ("smtp://0.0.0.0", "0.0.0.0", 587, Encryption::StartTls),
        ("smtp://localhost:25", "localhost", 25, Encryption::None),
        ("smtp://127.0.0.2:1025", "127.0.0.2", 1025, Encryption::None),
        ("smtp://[::1]:25", "[::1]", 25, Encryption::None),
    ] {
        let MailServer::Smtp(parsed) = mail(server, "a@example.com").expect(server).server else { panic!("{server}") };
        let found = (parsed.host.to_string(), parsed.port, parsed.encryption, parsed.login.is_none());
        assert_eq!(found, (host.to_owned(), port, encryption, true), "{server}");
    }
}

#[test]
fn credentials_of_the_mail_server_are_decoded_and_never_shown() {
    let config =
        mail("smtps://ada%40example.com:p%3Aa%2Fs%25s%E2%82%AC@mail.example.com", "a@example.com").expect("valid");
    let shown = format!("{config:?}");
    let MailServer::Smtp(SmtpServer { login: Some(login), .. }) = config.server else { panic!("no login") };
    assert_eq!((login.user.as_str(), login.password.expose_secret()), ("ada@example.com", "p:a/s%s€"));
    assert!(!shown.contains("s%s") && !shown.contains("p%3Aa"), "{shown}");
    for bad in [
        "smtps://user@mail.example.com",
        "smtps://:secret-word@mail.example.com",
        "smtps://user:%FF-secret-word@mail.example.com",
        "smtps://user:secret-word/@mail.example.com",
        "smtps://user:secret-word#@mail.example.com",
        "smtps://user:secret-word@mail.example.com/path",
        "smtps://user:secret-word@mail.example.com?tls=none",
        "smtps://user:secret-word@mail.example.com:0",
        "smtps://user:secret-word@mail.example.com:99999",
        "smtp+starttls://user:secret-word@mail.example.com",
        "https://user:secret-word@mail.example.com",
        "smtps://",
        "smtps:mail.example.com",
        "smtps://mail example.com",
        "file:",
        "file://data/secret-word",
    ] {
        let error = mail(bad, "a@example.com").expect_err(bad);
        assert!(error.starts_with("SEKISHO_SMTP_URL: must be smtps://"), "{bad}: {error}");
        assert!(!error.contains("secret-word"), "{error}");
    }
}

#[test]
fn messages_go_into_a_folder_where_the_url_is_a_file() {
    for (server, path) in
        [("file:data/outbox", "data/outbox"), ("file:/var/mail", "/var/mail"), ("file:///var/mail", "/var/mail")]
    {
        let MailServer::Folder(folder) = mail(server, "a@example.com").expect(server).server else {
            panic!("{server}")
        };
        assert_eq!(folder.to_str(), Some(path), "{server}");
    }
}

#[test]
fn the_sender_is_one_ascii_mailbox() {
    let server = "smtp://localhost:25";
    for (from, name, address) in [
        ("sign-in@example.com", None, "sign-in@example.com"),
        ("Sekisho <sign-in@example.com>", Some("Sekisho"), "sign-in@example.com"),
        ("\"Sekisho, Inc.\" <sign-in@example.com>", Some("Sekisho, Inc."), "sign-in@example.com"),
        ("関所 <sign-in@example.com>", Some("関所"), "sign-in@example.com"),
    ] {
        let mailbox = mail(server, from).expect(from).from;
        assert_eq!((mailbox.name.as_deref(), mailbox.email.to_string().as_str()), (name, address), "{from}");
    }
    for bad in [
        "Sekisho",
        "sign-in@",
        "a@example.com, b@example.com",
        "a@example.com b@example.com",
        "A <a@example.com>, B <b@example.com>",
        "A <a@example.com> B",
        "a@example.com\r\nBcc: b@example.com",
        "A\r\nBcc: b@example.com <a@example.com>",
        "関@example.com",
    ] {
        let error = mail(server, bad).expect_err(bad);
        assert!(error.starts_with("SEKISHO_MAIL_FROM: must be one mailbox"), "{bad:?}: {error}");
    }
}

#[test]
fn webauthn_origins_are_the_base_urls_host_and_its_subdomains() {
    let origins = |base: &str, origins: &str| {
        let environment = [("SEKISHO_BASE_URL", base), ("SEKISHO_WEBAUTHN_ORIGINS", origins)];
        load("", &environment).map(|config| config.core.webauthn_origins.len())
    };
    let base = "https://id.example.com";
    assert_eq!(origins(base, "https://id.example.com:8443, https://app.id.example.com"), Ok(2));
    for wrong in [
        "https://example.com",
        "https://evil-id.example.com",
        "https://id.example.com.evil.example",
        "http://app.id.example.com",
        "https://app.id.example.com/path",
        "https://app.id.example.com,x",
    ] {
        assert!(origins(base, wrong).expect_err(wrong).starts_with("SEKISHO_WEBAUTHN_ORIGINS"), "{wrong}");
    }
    assert!(origins("http://127.0.0.1:3000", "http://localhost:3000").is_err());
}

/// The settings in `.env.sample`, those behind a # as well, in its order.
fn sample() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../../.env.sample").lines();
    let settings = lines.map(|line| line.strip_prefix('#').unwrap_or(line));
    settings.filter(|line| line.starts_with("SEKISHO_")).filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn env_sample_lists_exactly_the_settings_that_the_code_reads() {
    let mut source = Source::read("", []).expect("nothing to refuse");
    Config::from_source(&mut source).expect("the defaults hold");
    let mut read: Vec<String> = source.asked.iter().map(|name| format!("SEKISHO_{}", name.to_uppercase())).collect();
    let mut listed: Vec<&str> = sample().into_iter().map(|(key, _)| key).collect();
    read.sort();
    listed.sort_unstable();
    assert_eq!(listed, read);
}

#[test]
fn the_values_in_env_sample_are_the_defaults() {
    // Debug shows every value but the secrets, whose places in the sample are empty.
    let loaded = |environment: &[(&str, &str)]| format!("{:#?}", load("", environment).expect("valid"));
    assert_eq!(loaded(&sample()), loaded(&[]));

    // What is read beside an OAuth app only.
    let app = [("SEKISHO_GITHUB_CLIENT_ID", "id"), ("SEKISHO_GITHUB_CLIENT_SECRET", "secret")];
    assert_eq!(loaded(&[sample(), app.to_vec()].concat()), loaded(&app));
    let range_api = [("SEKISHO_BREACHED_PASSWORDS", "hibp")];
    assert_eq!(loaded(&[sample(), range_api.to_vec()].concat()), loaded(&range_api));
}

#[test]
fn env_sample_sets_what_every_profile_shares_and_comments_out_what_a_profile_decides() {
    for profile in ["low", "medium", "high"] {
        let lines = include_str!("../../.env.sample").lines();
        let set: Vec<_> = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
        let profile = ("SEKISHO_PROFILE", profile);
        let sampled = load("", &[set, vec![profile]].concat()).expect("valid");
        assert_eq!(sampled.core.policy, load("", &[profile]).expect("valid").core.policy);
    }
}

#[test]
fn the_high_profile_requires_a_second_factor_and_where_mail_is_configured_a_verified_address() {
    let high = ("SEKISHO_PROFILE", "high");
    let mail = [("SEKISHO_SMTP_URL", "smtp://127.0.0.1:1025"), ("SEKISHO_MAIL_FROM", "a@example.com")];
    let policy = |settings: &[(&str, &str)]| load("", settings).expect("valid").core.policy;
    let without_mail = policy(&[high]);
    assert_eq!((without_mail.mfa, without_mail.verify_email, without_mail.trust_browser), (Mfa::Required, false, None));
    assert!(policy(&[mail[0], mail[1], high]).verify_email);
    let overridden = policy(&[mail[0], mail[1], high, ("SEKISHO_VERIFY_EMAIL", "off"), ("SEKISHO_MFA", "admins")]);
    assert_eq!((overridden.mfa, overridden.verify_email), (Mfa::Admins, false));
    assert!(!policy(&mail).verify_email, "not by itself");
}
