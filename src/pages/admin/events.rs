//! `/admin/events`: the audit log, searched and exported.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{PAGE, Tabs, link};
use crate::{
    http::{
        error::HttpError,
        export::{ExportRequest, export},
        query::Query,
    },
    locale::Lang,
    pages::{
        form::{Field, FormErrorNotice, FormErrors, describe, error_text},
        layout::{Layout, When},
        paging::{Paging, cursor},
        step_up::RecentlyAuthenticated,
        table::Table,
        visitor::Administrator,
    },
};
use sekisho_core::{NamedEvent, audit::filter::LogFilter, clock::rfc3339};
use sekisho_model::EventKind;

/// `2026-11-21T06:00`
const LOCAL_TIME: usize = 16;

#[derive(Deserialize)]
pub struct ListQuery {
    before: Option<String>,
}

pub async fn show(
    who: Administrator,
    Query(asked): Query<LogFilter>,
    Query(range): Query<ListQuery>,
) -> Result<Response, HttpError> {
    let visitor = who.visitor;
    let lang = visitor.lang;
    let core = &visitor.app.core;
    let before = cursor(range.before);
    let newest = before.is_none();
    let (found, form_errors) = match core.administration.resolve_filter(&asked).await {
        Ok(Some(filter)) => {
            let (entries, older) = core.administration.search_events(&filter, before.as_deref(), PAGE).await?;
            (SearchResult::Entries { entries, newest, older }, FormErrors::default())
        }
        Ok(None) => (SearchResult::Nobody, FormErrors::default()),
        Err(error) => (SearchResult::Nothing, FormErrors::of(error)?),
    };
    let page = Layout::new(visitor, "admin-log").at("/admin").form_errors(&form_errors);
    Ok(page.render(move || view! { <LogPage lang asked found form_errors /> }).await)
}

/// `POST /admin/events/export`
pub async fn download(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, ExportRequest>,
) -> Result<Response, HttpError> {
    Ok(export(who.visitor.app.clone(), form, &who.visitor.context).await?)
}

enum SearchResult {
    Entries {
        entries: Vec<NamedEvent>,
        newest: bool,
        older: Option<String>,
    },
    /// The person is unknown.
    Nobody,
    /// It was not looked for: the filter is invalid.
    Nothing,
}

/// What was asked for, as a link says it.
fn pairs(asked: &LogFilter) -> [(&'static str, &str); 5] {
    let LogFilter { person, kind, from, to, network } = asked;
    [("person", person), ("kind", kind), ("from", from), ("to", to), ("network", network)]
        .map(|(name, text)| (name, text.as_deref().unwrap_or_default()))
}

#[component]
fn LogPage(lang: Lang, asked: LogFilter, found: SearchResult, form_errors: FormErrors) -> impl IntoView {
    let list = link("/admin/events", &pairs(&asked));
    let export = asked.clone();
    let found = match found {
        SearchResult::Nothing => ().into_any(),
        SearchResult::Nobody => view! { <p>{lang.t("admin-log-nobody")}</p> }.into_any(),
        SearchResult::Entries { entries, newest, older } => view! {
            <LogTable lang entries label="admin-log" people=true />
            <Paging lang list newest older />
            <ExportForm lang asked=export />
        }
        .into_any(),
    };
    view! {
        <Tabs lang at="/admin/events" />
        <h1>{lang.t("admin-log")}</h1>
        <p class="lead">{lang.t("admin-log-lead")}</p>
        <FormErrorNotice lang form_errors=form_errors.clone() />
        <FilterForm lang asked form_errors />
        {found}
    }
}

/// Takes what was found along, in one of two formats.
#[component]
fn ExportForm(lang: Lang, asked: LogFilter) -> impl IntoView {
    let given = pairs(&asked).into_iter().filter(|(_, text)| !text.is_empty());
    let given = given.map(|(name, text)| view! { <input type="hidden" name=name value=text.to_owned() /> });
    view! {
        <form class="hint" method="post" action="/admin/events/export">
            {given.collect_view()}
            {lang.t("admin-export")} " " <button class="link" name="format" value="csv">"CSV"</button> " · "
            <button class="link" name="format" value="jsonl">"JSON Lines"</button>
        </form>
    }
}

#[component]
fn FilterForm(lang: Lang, asked: LogFilter, form_errors: FormErrors) -> impl IntoView {
    let filtered = pairs(&asked).iter().any(|(_, text)| !text.is_empty());
    let [person, kind, from, to, network] = pairs(&asked).map(|(_, text)| text.to_owned());
    let kinds = std::iter::once(("", lang.t("admin-log-any")))
        .chain(EventKind::ALL.iter().map(|kind| (kind.as_str(), lang.t(&format!("event-{}", kind.as_str())))))
        .map(|(name, label)| view! { <option value=name selected=kind == name>{label}</option> })
        .collect_view();
    let error = form_errors.field("kind", lang);
    view! {
        <form class="filter" method="get" action="/admin/events" role="search">
            <Field lang form_errors=form_errors.clone() name="person" label="admin-log-person" value=person
                required=false maxlength=254 />
            <div class="field">
                <label for="kind">{lang.t("security-what")}</label>
                <select
                    id="kind"
                    name="kind"
                    aria-invalid=error.is_some().then_some("true")
                    aria-describedby=describe("kind", false, error.is_some())
                >
                    {kinds}
                </select>
                {error_text("kind", error)}
            </div>
            <Field lang form_errors=form_errors.clone() name="network" label="admin-log-network" value=network
                required=false maxlength=64 />
            <TimeField lang form_errors=form_errors.clone() name="from" label="admin-log-from" value=from />
            <TimeField lang form_errors name="to" label="admin-log-to" value=to />
            <p class="actions">
                <button class="secondary">{lang.t("admin-log-submit")}</button>
                {filtered.then(|| view! { <a href="/admin/events">{lang.t("admin-log-clear")}</a> })}
            </p>
        </form>
    }
}

/// A time of UTC. What a browser's own field for times would not take, and so drop, is shown as text.
#[component]
fn TimeField(
    lang: Lang,
    form_errors: FormErrors,
    name: &'static str,
    label: &'static str,
    value: String,
) -> impl IntoView {
    let fits = [0, LOCAL_TIME].contains(&value.len()) && form_errors.fields.iter().all(|error| error.field != name);
    let kind = if fits { "datetime-local" } else { "text" };
    view! { <Field lang form_errors name label kind value required=false maxlength=40 /> }
}

/// Entries of the log.
#[component]
pub fn LogTable(
    lang: Lang,
    entries: Vec<NamedEvent>,
    /// The table's name, a locale key.
    label: &'static str,
    /// Whether they are about several people.
    people: bool,
) -> impl IntoView {
    let columns: &[_] = match people {
        true => &["security-what", "admin-user", "security-when", "security-where"],
        false => &["security-what", "security-when", "security-where"],
    };
    let rows = entries.into_iter().map(|entry| view! { <Row lang entry people /> }).collect_view();
    view! { <Table lang label columns empty="admin-log-empty" rows /> }
}

#[component]
fn Row(lang: Lang, entry: NamedEvent, people: bool) -> impl IntoView {
    let NamedEvent { event, user_email, actor_email } = entry;
    let reason = event.reason.as_ref().map(|reason| lang.t(&format!("reason-{reason}")));
    let actor = event.actor_id.clone().map(|id| {
        let by = |name: String| lang.t1("admin-log-by", "person", name);
        match actor_email {
            Some(email) => view! { <a class="under" href=format!("/admin/users/{id}")>{by(email)}</a> }.into_any(),
            // The command line, or somebody whose account is gone.
            None => view! { <span class="under">{by(id)}</span> }.into_any(),
        }
    });
    // Somebody whose account is gone has only an id.
    let person = event.user_id.clone().map(|id| match user_email {
        Some(email) => view! { <a href=format!("/admin/users/{id}")>{email}</a> }.into_any(),
        None => view! { <code>{id}</code> }.into_any(),
    });
    let facts = [
        ("admin-log-time", Some(rfc3339(event.at))),
        ("admin-log-session", event.session_id),
        ("admin-log-agent", Some(event.user_agent)),
        ("admin-log-request", event.request_id),
        ("admin-log-number", Some(event.seq.to_string())),
        ("admin-log-hash", Some(event.hash)),
    ];
    let facts = facts.into_iter().filter_map(|(label, fact)| Some((label, fact.filter(|fact| !fact.is_empty())?)));
    let facts = facts.map(|(label, fact)| view! { <div><dt>{lang.t(label)}</dt><dd><code>{fact}</code></dd></div> });
    view! {
        <tr data-outcome=event.outcome>
            <td>
                {lang.t(&format!("event-{}", event.kind))}
                {reason.map(|reason| view! { <span class="hint">{reason}</span> })}
                {event.detail.map(|detail| view! { <span class="under">{detail}</span> })}
                {actor}
                <details>
                    <summary>{lang.t("admin-log-details")}</summary>
                    <dl class="facts">{facts.collect_view()}</dl>
                </details>
            </td>
            {people.then(|| view! { <td>{person}</td> })}
            <td><When at=event.at /></td>
            <td class="address">{event.ip}</td>
        </tr>
    }
}
