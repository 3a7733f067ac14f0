//! Metrics for Prometheus (OpenMetrics text), served at `/metrics` on a separate address. No label identifies a user.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use sekisho_model::{EventKind, SessionKind};

use crate::db::sessions::{LiveCount, ending::Ended};

/// Histogram buckets in seconds: a response from memory takes under 1 ms, a password hash about 100 ms.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

/// The labels of `request_duration`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// The route pattern, never a path with an id: bounds the cardinality.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// The metrics registry; clones share it.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    sign_ins: Family<Outcome, Counter>,
    refreshes: Family<Outcome, Counter>,
    refresh_token_reuse: Counter,
    ended: Family<Reason, Counter>,
    live: Family<KindLabel, Gauge>,
    log_tampered: Gauge,
    csp_reports: Counter,
    mails: Family<Outcome, Counter>,
    breached_passwords: Family<Outcome, Counter>,
    requests: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sekisho");
        let mut metrics = Self {
            registry: Arc::default(),
            sign_ins: Family::default(),
            refreshes: Family::default(),
            refresh_token_reuse: Counter::<u64, AtomicU64>::default(),
            ended: Family::default(),
            live: Family::default(),
            log_tampered: Gauge::default(),
            csp_reports: Counter::default(),
            mails: Family::default(),
            breached_passwords: Family::default(),
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        };
        registry.register("sign_ins", "Sign-ins, by outcome", metrics.sign_ins.clone());
        registry.register("refreshes", "Refreshed tokens, by outcome", metrics.refreshes.clone());
        registry.register(
            "refresh_token_reuse",
            "Sessions revoked because of refresh token reuse",
            metrics.refresh_token_reuse.clone(),
        );
        registry.register("sessions_ended", "Ended sessions, by reason", metrics.ended.clone());
        registry.register("sessions_live", "Live sessions, by kind, at most 30 s ago", metrics.live.clone());
        registry.register("audit_log_tampered", "1: tampering with the log was detected", metrics.log_tampered.clone());
        registry.register(
            "csp_reports",
            "Content Security Policy violations reported by browsers",
            metrics.csp_reports.clone(),
        );
        registry.register("mails", "Attempts to send an e-mail message, by outcome", metrics.mails.clone());
        registry.register(
            "breached_password_checks",
            "New passwords looked up among breached ones, by outcome: breached, clear, unchecked",
            metrics.breached_passwords.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time to answer, by route",
            Unit::Seconds,
            metrics.requests.clone(),
        );
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Counts a security event.
    pub fn event(&self, kind: EventKind) {
        match kind {
            EventKind::SignedIn => drop(self.sign_ins.get_or_create(&Outcome { outcome: "success" }).inc()),
            EventKind::SignInFailed => drop(self.sign_ins.get_or_create(&Outcome { outcome: "failure" }).inc()),
            EventKind::RefreshReuse => drop(self.refresh_token_reuse.inc()),
            _ => {}
        }
    }

    /// Counts a token refresh.
    pub fn refresh(&self, ok: bool) {
        self.refreshes.get_or_create(&Outcome { outcome: if ok { "success" } else { "failure" } }).inc();
    }

    /// Counts ended sessions, by reason.
    pub(crate) fn ended(&self, ended: &[Ended]) {
        for end in ended {
            self.ended.get_or_create(&Reason { reason: end.ended_reason.as_str() }).inc();
        }
    }

    /// Sets the gauge of live sessions, by kind.
    pub(crate) fn live(&self, live: &[LiveCount]) {
        for kind in SessionKind::ALL {
            let n = live.iter().find(|live| live.kind == *kind).map_or(0, |live| live.n);
            self.live.get_or_create(&KindLabel { kind: kind.as_str() }).set(n);
        }
    }

    /// Sets the gauge of detected tampering.
    pub fn log_tampered(&self, tampered: bool) {
        self.log_tampered.set(i64::from(tampered));
    }

    /// Counts a CSP violation report.
    pub fn csp_report(&self) {
        self.csp_reports.inc();
    }

    /// Counts an attempt to send a message.
    pub(crate) fn mail(&self, ok: bool) {
        self.mails.get_or_create(&Outcome { outcome: if ok { "success" } else { "failure" } }).inc();
    }

    /// Counts a look-up of a new password among breached ones.
    pub(crate) fn breached_password(&self, outcome: &'static str) {
        self.breached_passwords.get_or_create(&Outcome { outcome }).inc();
    }

    /// Records the duration of a request.
    pub fn request(&self, route: &Route, took: Duration) {
        self.requests.get_or_create(route).observe(took.as_secs_f64());
    }

    /// Encodes all metrics as OpenMetrics text.
    ///
    /// # Errors
    /// Only if writing to the string fails.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
