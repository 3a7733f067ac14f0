//! `POST /csp-reports`: browsers tell that a page's content policy was violated (ASVS 3.4.7), as
//! `application/csp-report` (`report-uri`) or `application/reports+json` (`report-to`). Counted and logged. Anybody can
//! send anything here, so that a report is a hint and no proof; what is not one is dropped without a word.

use axum::{Extension, body::Bytes, extract::State, http::StatusCode};
use serde_json::Value;

use crate::{http::error::HttpError, state::AppState};
use sekisho_core::RequestContext;

/// The largest report that is read; a browser's are a few hundred bytes each.
const MAX_BYTES: usize = 16 * 1024;
/// How many reports of one request are logged.
const MAX_REPORTS: usize = 5;
const MAX_CHARS: usize = 200;

/// What is logged of a report, whichever form it has.
#[derive(Debug)]
struct Report {
    directive: String,
    document: String,
    blocked: String,
    source: String,
}

impl Report {
    fn read(report: &Value) -> Option<Self> {
        let text = |names: [&str; 2]| names.iter().find_map(|name| report.get(name)?.as_str()).map(sanitise);
        Some(Self {
            directive: text(["effectiveDirective", "effective-directive"])
                .or_else(|| text(["violated-directive", "violatedDirective"]))?,
            document: text(["documentURL", "document-uri"]).unwrap_or_default(),
            blocked: text(["blockedURL", "blocked-uri"]).unwrap_or_default(),
            source: text(["sourceFile", "source-file"]).unwrap_or_default(),
        })
    }
}

pub async fn create(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    body: Bytes,
) -> Result<StatusCode, HttpError> {
    app.core.limits.csp_report(context.ip)?;
    if body.len() > MAX_BYTES {
        return Err(HttpError::TooLarge);
    }
    for Report { directive, document, blocked, source } in reports(&body) {
        app.core.metrics.csp_report();
        tracing::warn!(directive, document, blocked, source, "a browser reports a violation of the content policy");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn reports(body: &[u8]) -> Vec<Report> {
    let entries = match serde_json::from_slice(body) {
        Ok(Value::Array(entries)) => entries,
        Ok(report) => vec![report],
        Err(_) => return Vec::new(),
    };
    let report = |entry: &Value| match entry.get("type").and_then(Value::as_str) {
        Some("csp-violation") => Report::read(entry.get("body")?),
        Some(_) => None,
        None => Report::read(entry.get("csp-report")?),
    };
    entries.iter().filter_map(report).take(MAX_REPORTS).collect()
}

/// One short printable line (ASVS 16.4.1) without query and fragment, which may hold a code or a state (16.2.5).
fn sanitise(text: &str) -> String {
    let text = match url::Url::parse(text) {
        Ok(url) if url.has_host() => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        _ => text.split(['?', '#']).next().unwrap_or_default().to_owned(),
    };
    // Control characters, and those that turn the direction of what follows.
    let printable = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(printable).take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_anything_else_is_dropped() {
        let old = r#"{"csp-report":{"document-uri":"https://a.example/login","violated-directive":"script-src",
            "effective-directive":"script-src","blocked-uri":"inline","line-number":7}}"#;
        let new = r#"[{"type":"deprecation","body":{"id":"x"}},{"type":"csp-violation","age":1,"url":"https://a.example/",
            "body":{"documentURL":"https://a.example/","effectiveDirective":"img-src","blockedURL":"https://b.example/",
            "sourceFile":null}}]"#;
        for (body, directive) in [(old, "script-src"), (new, "img-src")] {
            let reports = reports(body.as_bytes());
            assert_eq!(reports.iter().map(|r| r.directive.as_str()).collect::<Vec<_>>(), [directive]);
        }
        let nested = "[".repeat(10_000);
        for odd in ["", "x", "{}", "[]", "[1]", "null", r#"{"csp-report":1}"#, r#"{"csp-report":{}}"#, nested.as_str()]
        {
            assert!(reports(odd.as_bytes()).is_empty(), "{odd:.20}");
        }
        let many = format!("[{}]", vec![r#"{"csp-report":{"violated-directive":"x"}}"#; 100].join(","));
        assert_eq!(reports(many.as_bytes()).len(), MAX_REPORTS);
    }

    #[test]
    fn what_is_logged_is_one_short_line_without_secrets() {
        assert_eq!(sanitise("https://a.example/reset?token=secret#x"), "https://a.example/reset");
        assert_eq!(sanitise("https://ada:secret@a.example/"), "https://a.example/");
        assert_eq!(sanitise("a\r\nERROR forged\u{1b}[31m\u{202e}"), "aERROR forged[31m");
        assert_eq!(sanitise(&"x".repeat(60_000)).len(), MAX_CHARS);
    }
}
