//! What a monitoring system is told at `/metrics`, on an address of its own (OpenMetrics text, read by Prometheus).

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

use crate::{db::sessions::Ended, event::Kind};

/// Seconds. An answer from memory takes less than the first, a hashed password about a tenth.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SessionKind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    pub method: &'static str,
    /// The route's pattern, never a path with an id in it.
    pub route: String,
    pub status: u16,
}

#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    sign_ins: Family<Outcome, Counter>,
    refreshes: Family<Outcome, Counter>,
    thefts: Counter,
    ended: Family<Reason, Counter>,
    live: Family<SessionKind, Gauge>,
    log_tampered: Gauge,
    csp_reports: Counter,
    requests: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sekisho");
        let mut metrics = Self {
            registry: Arc::default(),
            sign_ins: Family::default(),
            refreshes: Family::default(),
            thefts: Counter::<u64, AtomicU64>::default(),
            ended: Family::default(),
            live: Family::default(),
            log_tampered: Gauge::default(),
            csp_reports: Counter::default(),
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        };
        registry.register("sign_ins", "Sign-ins, by outcome", metrics.sign_ins.clone());
        registry.register("refreshes", "Refreshed tokens, by outcome", metrics.refreshes.clone());
        registry.register(
            "thefts",
            "Used refresh tokens that came back: sessions ended as stolen",
            metrics.thefts.clone(),
        );
        registry.register("sessions_ended", "Ended sessions, by reason", metrics.ended.clone());
        registry.register("sessions_live", "Live sessions, by kind, at most 30 s ago", metrics.live.clone());
        registry.register("audit_log_tampered", "1: the log was tampered with", metrics.log_tampered.clone());
        registry.register(
            "csp_reports",
            "Violations of the content policy that browsers report",
            metrics.csp_reports.clone(),
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
    pub fn event(&self, kind: Kind) {
        match kind {
            Kind::SignedIn => drop(self.sign_ins.get_or_create(&Outcome { outcome: "success" }).inc()),
            Kind::SignInFailed => drop(self.sign_ins.get_or_create(&Outcome { outcome: "failure" }).inc()),
            Kind::RefreshReuse => drop(self.thefts.inc()),
            _ => {}
        }
    }

    pub fn refresh(&self, ok: bool) {
        self.refreshes.get_or_create(&Outcome { outcome: if ok { "success" } else { "failure" } }).inc();
    }

    pub fn ended(&self, ended: &[Ended]) {
        for end in ended {
            self.ended.get_or_create(&Reason { reason: end.ended_reason.clone() }).inc();
        }
    }

    pub fn live(&self, live: &[(String, i64)]) {
        for kind in ["browser", "api"] {
            let n = live.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n);
            self.live.get_or_create(&SessionKind { kind: kind.into() }).set(n);
        }
    }

    pub fn log_tampered(&self, tampered: bool) {
        self.log_tampered.set(i64::from(tampered));
    }

    pub fn csp_report(&self) {
        self.csp_reports.inc();
    }

    pub fn request(&self, route: &Route, took: Duration) {
        self.requests.get_or_create(route).observe(took.as_secs_f64());
    }

    /// Everything, as text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
