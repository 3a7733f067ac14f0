//! What is read, what is refused, and that `.env.sample` tells the truth.

use super::*;

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
        ("SEKISHO_TOKEN_ALG", "HS256", "SEKISHO_TOKEN_ALG: must be"),
        ("SEKISHO_KEY_ROTATION", "10s", "SEKISHO_KEY_ROTATION: must be a duration of an hour"),
        ("SEKISHO_AUDIENCES", "orders, my shop", "SEKISHO_AUDIENCES: must be names"),
        ("SEKISHO_AUDIENCES", "http://127.0.0.1:3000/api", "SEKISHO_AUDIENCES: must be names"),
        ("SEKISHO_TRUSTED_PROXIES", "10.0.0.0/33", "SEKISHO_TRUSTED_PROXIES: must be"),
        ("SEKISHO_GITHUB_CLIENT_ID", "x", "SEKISHO_GITHUB_CLIENT_SECRET: is missing"),
        ("SEKISHO_IDLE_WARNING", "2h", "SEKISHO_IDLE_WARNING: must be shorter"),
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
