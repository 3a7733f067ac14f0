//! `/admin`: how many there are, and what happened lately.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    Tabs, link,
    plot::{Measure, Plot, Unit, bars, grouped},
};
use crate::{
    http::{error::HttpError, query::Query},
    locale::Lang,
    pages::{layout::Layout, visitor::Administrator},
};
use sekisho_core::{administration::Overview, audit::statistics::LIVE, audit::statistics::REFRESHES};
use sekisho_model::EventKind;

#[derive(Deserialize)]
pub struct OverviewQuery {
    by: Option<String>,
}

pub async fn show(who: Administrator, Query(choice): Query<OverviewQuery>) -> Result<Response, HttpError> {
    let visitor = who.visitor;
    let lang = visitor.lang;
    let overview = visitor.app.core.administration.overview().await?;
    let unit = if choice.by.as_deref() == Some("day") { Unit::Day } else { Unit::Hour };
    let page = Layout::new(visitor, "admin-overview").at("/admin");
    Ok(page.render(move || view! { <OverviewPage lang overview unit /> }).await)
}

#[component]
fn OverviewPage(lang: Lang, overview: Overview, unit: Unit) -> impl IntoView {
    let figures = [
        ("admin-figure-users", overview.users, link("/admin/users", &[])),
        ("admin-figure-disabled", overview.disabled, link("/admin/users", &[("filter", "disabled")])),
        ("admin-figure-browsers", overview.live_browsers, link("/admin/sessions", &[])),
        ("admin-figure-api", overview.live_api, link("/admin/sessions", &[])),
    ];
    let figures = figures.map(|(label, n, href)| {
        view! {
            <div class="card">
                <dt><a href=href>{lang.t(label)}</a></dt>
                <dd>{grouped(n)}</dd>
            </div>
        }
    });
    let plots = [
        ("admin-plot-sign-ins", EventKind::SignedIn.as_str(), Measure::Sum, "good"),
        ("admin-plot-live", LIVE, Measure::Peak, "good"),
        ("admin-plot-failures", EventKind::SignInFailed.as_str(), Measure::Sum, "bad"),
        ("admin-plot-refreshes", REFRESHES, Measure::Sum, "good"),
        ("admin-plot-refresh-token-reuse", EventKind::RefreshReuse.as_str(), Measure::Sum, "bad"),
    ];
    let plots = plots.map(|(title, kind, measure, tone)| {
        let bars = bars(&overview.counts, kind, overview.hour, unit, measure);
        view! { <Plot lang title tone unit measure bars /> }
    });
    let span = move |choice: Unit, href: &'static str, label: &str| {
        view! { <li><a href=href aria-current=(choice == unit).then_some("true")>{lang.t(label)}</a></li> }
    };
    let tampered = overview.tampered_seq.map(|seq| {
        view! { <p class="notice" data-kind="error" role="alert">{lang.t1("admin-log-tampered", "seq", seq)}</p> }
    });
    view! {
        <Tabs lang at="/admin" />
        <h1>{lang.t("admin-overview")}</h1>
        {tampered}
        <dl class="figures">{figures.collect_view()}</dl>
        <nav class="spans" aria-label=lang.t("admin-span")>
            <ul>
                {span(Unit::Hour, "/admin?by=hour", "admin-span-hours")}
                {span(Unit::Day, "/admin?by=day", "admin-span-days")}
            </ul>
            <p class="hint">{lang.t("admin-span-utc")}</p>
        </nav>
        <div class="plots">{plots.collect_view()}</div>
    }
}
