//! `/security`: one's own log, a page at a time.

use axum::{extract::Query, response::Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    error_page::ErrorPage,
    layout::{Layout, When},
    visitor::Member,
};
use crate::{db::events::Event, locale::Lang};

const PAGE: usize = 20;

#[derive(Deserialize)]
pub struct Range {
    before: Option<String>,
}

pub async fn show(member: Member, Query(range): Query<Range>) -> Result<Response, ErrorPage> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let before = range.before.filter(|id| uuid::Uuid::try_parse(id).is_ok());
    let newest = before.is_none();
    let (events, older) = visitor.app.auth.events(&signed_in.user.id, before.as_deref(), PAGE).await?;
    let page = Layout::new(visitor, "security-title").at("/security");
    Ok(page.render(move || view! { <SecurityPage lang events newest older /> }).await)
}

#[component]
fn SecurityPage(lang: Lang, events: Vec<Event>, newest: bool, older: Option<String>) -> impl IntoView {
    let empty = events.is_empty();
    let rows = events.into_iter().map(|event| view! { <Entry lang event /> }).collect_view();
    view! {
        <h1>{lang.t("security-title")}</h1>
        <p class="lead">{lang.t("security-lead")}</p>
        {if empty {
            view! { <p>{lang.t("security-empty")}</p> }.into_any()
        } else {
            view! {
                <div class="card table" tabindex="0" role="region" aria-label=lang.t("security-title")>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{lang.t("security-what")}</th>
                                <th scope="col">{lang.t("security-when")}</th>
                                <th scope="col">{lang.t("security-where")}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }}
        <p class="actions">
            {(!newest).then(|| view! { <a class="button secondary" href="/security">{lang.t("security-newest")}</a> })}
            {older.map(|before| view! {
                <a class="button secondary" rel="next" href=format!("/security?before={before}")>
                    {lang.t("security-older")}
                </a>
            })}
        </p>
    }
}

#[component]
fn Entry(lang: Lang, event: Event) -> impl IntoView {
    let reason = event.reason.map(|reason| lang.t(&format!("reason-{reason}")));
    view! {
        <tr data-outcome=event.outcome>
            <td>
                {lang.t(&format!("event-{}", event.kind))}
                {reason.map(|reason| view! { <span class="hint">{reason}</span> })}
            </td>
            <td><When at=event.at /></td>
            <td>{event.ip}</td>
        </tr>
    }
}
