//! `sekisho config …`

use std::{fmt::Write, time::Duration};

use clap::Subcommand;

use crate::config::Config;
use sekisho_core::{revocation::FOLLOW_EVERY, strategy::Strategy};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, and say what follows from them: what is looked up when, how long an end can go unseen, and what
    /// a stolen cookie or token is worth
    Check,
}

pub fn run(config: &Config, command: ConfigCommand) {
    match command {
        ConfigCommand::Check => print!("{}", report(config)),
    }
}

/// What follows from the settings; nothing of it is a secret.
fn report(config: &Config) -> String {
    let (strategy, policy) = (config.core.strategy, &config.core.policy);
    let access = short(policy.access_ttl);
    // A page token ends with the idle timeout.
    let page = short(policy.session_idle.map_or(policy.access_ttl, |idle| idle.min(policy.access_ttl)));
    let poll = format!("{} ms", FOLLOW_EVERY.as_millis());
    let mut report = Report::default();

    report.section(&format!("SEKISHO_STRATEGY={}: what is looked up", name(strategy)));
    report.line(
        "pages",
        match strategy {
            Strategy::Jwt => {
                "nothing while the page token lasts; its user, at most once a second; the session for a change"
            }
            _ => "the session and its user, at each request",
        },
    );
    match strategy {
        Strategy::Session => {
            report.line("API", "the token with its session, at each request; its user, at most once a second");
            report.line("other services", "ask /oauth/introspect, which reads token, session and user");
        }
        Strategy::Hybrid | Strategy::Jwt => {
            report.line("API", "nothing for the token; its user, at most once a second");
            report.line("other services", "nothing; or they ask /oauth/introspect, which reads session and user");
        }
    }
    report.line("changes", "the session's row, in the transaction of the change, under each strategy");

    report.section("How long an end can go unseen");
    report.line("on this node", "not at all");
    match strategy {
        Strategy::Session => {
            report.line("on other nodes", "not at all; a global sign-out up to ".to_owned() + &poll);
            report.line("database out of reach", "not at all: 503 with Retry-After");
            report.line("other services", "not at all, if they ask each time; else as long as they keep an answer");
        }
        Strategy::Jwt => {
            report.line("on other nodes", format!("{poll}, by polling the database; a change: not at all"));
            report.line("database out of reach", format!("until the token ends, {page}; a change is 503"));
            report.line("other services", format!("{poll} with the feed; without, until the token ends, {access}"));
        }
        Strategy::Hybrid => {
            report.line("on other nodes", format!("pages: not at all; API: {poll}, by polling the database"));
            report.line("database out of reach", format!("pages: 503; API: until the token ends, {access}"));
            report.line("other services", format!("{poll} with the feed; without, until the token ends, {access}"));
        }
    }

    report.section("What a stolen credential is worth, until its session is ended");
    let session = until(&[(policy.session_idle, "without activity"), (policy.session_absolute, "after sign-in")]);
    if strategy == Strategy::Jwt {
        report.line("page cookie", format!("{page}, or until the owner's next step-up"));
        report.line("refresh cookie", "the session, until its owner's is renewed: then both lose it");
        report.line("", format!("nobody notices if the owner never comes back: until {session}"));
    } else {
        report.line("cookie", format!("the session: until {session}, or the owner's next step-up"));
    }
    report.line("access token", format!("{access}, for its audience and scope"));
    let line = until(&[(policy.refresh_ttl, "without a refresh"), (policy.api_absolute, "after sign-in")]);
    report.line("refresh token", "the session, until its owner refreshes too: then both lose it");
    report.line("", format!("nobody notices if the owner never does: until {line}"));
    report.line(
        "step-up",
        match policy.step_up {
            Some(age) => format!("a thief who can't prove who they are is stopped {} after the owner did", short(age)),
            None => "never asked for: a thief can do all that the owner can".into(),
        },
    );

    if strategy == Strategy::Session && !config.core.audiences.is_empty() && config.service_secrets.is_empty() {
        report.section("Warning");
        report.line(
            "",
            "SEKISHO_AUDIENCES names services, but without SEKISHO_SERVICE_SECRET they can't ask about tokens",
        );
    }
    report.0
}

#[derive(Default)]
struct Report(String);

impl Report {
    fn section(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}{title}");
    }

    fn line(&mut self, what: &str, text: impl AsRef<str>) {
        let _ = writeln!(self.0, "  {what:<21} {}", text.as_ref());
    }
}

fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Hybrid => "hybrid",
        Strategy::Jwt => "jwt",
        Strategy::Session => "session",
    }
}

/// The limits that are set: whichever comes first.
fn until(limits: &[(Option<Duration>, &str)]) -> String {
    let limits = limits.iter().filter_map(|(time, what)| Some(format!("{} {what}", short((*time)?))));
    let limits: Vec<_> = limits.collect();
    if limits.is_empty() { "somebody ends it".into() } else { limits.join(" or ") }
}

/// As settings are written.
fn short(time: Duration) -> String {
    match time.as_secs() {
        86_400 => "24h".into(),
        s if s.is_multiple_of(86_400) => format!("{}d", s / 86_400),
        s if s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        s if s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &[(&str, &str)]) -> String {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        report(&Config::from_sources("", settings).expect("valid settings"))
    }

    #[test]
    fn the_report_follows_strategy_and_times() {
        let hybrid = check(&[]);
        for part in [
            "SEKISHO_STRATEGY=hybrid",
            "API                   nothing for the token",
            "API: until the token ends, 15m",
            "until 1h without activity or 24h after sign-in",
            "until 30d without a refresh or 90d after sign-in",
        ] {
            assert!(hybrid.contains(part), "{part} in {hybrid}");
        }
        let session = check(&[("SEKISHO_STRATEGY", "session"), ("SEKISHO_PROFILE", "high")]);
        let jwt = check(&[("SEKISHO_STRATEGY", "jwt"), ("SEKISHO_SESSION_IDLE", "5m")]);
        for part in ["nothing while the page token lasts", "page cookie           5m", "access token          15m"] {
            assert!(jwt.contains(part), "{part} in {jwt}");
        }
        for part in ["at each request", "503 with Retry-After", "access token          5m", "stopped 5m after"] {
            assert!(session.contains(part), "{part} in {session}");
        }
        let endless = [("SEKISHO_SESSION_IDLE", "0"), ("SEKISHO_SESSION_ABSOLUTE", "0"), ("SEKISHO_STEP_UP", "0")];
        let endless = check(&[endless.as_slice(), &[("SEKISHO_IDLE_WARNING", "0")]].concat());
        assert!(endless.contains("until somebody ends it") && endless.contains("never asked for"), "{endless}");
    }

    #[test]
    fn services_that_cannot_ask_are_warned_of() {
        let settings = [("SEKISHO_STRATEGY", "session"), ("SEKISHO_AUDIENCES", "orders")];
        assert!(check(&settings).contains("Warning"));
        let secret = ("SEKISHO_SERVICE_SECRET", "0123456789abcdef0123456789abcdef");
        let told = check(&[settings[0], settings[1], secret]);
        assert!(!told.contains("Warning") && !told.contains(secret.1), "{told}");
    }
}
