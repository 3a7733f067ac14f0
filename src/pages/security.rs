//! `/security`: one's own log, a page at a time.

use axum::response::{Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    layout::Layout,
    log::{Devices, LogRow, by_day, sessions_of, without_repeats},
    paging::{Paging, cursor},
    times::Reader,
    visitor::Member,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{Event, UnixMillis};
use sekisho_model::EventKind;

const PAGE: usize = 20;

#[derive(Deserialize)]
pub struct SecurityQuery {
    before: Option<String>,
    /// A [`Choice`] by name.
    show: Option<String>,
}

/// What the list can be narrowed to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    SignIns,
    Problems,
    Ends,
    Changes,
}

impl Choice {
    const ALL: [Self; 4] = [Self::SignIns, Self::Problems, Self::Ends, Self::Changes];

    /// In the query.
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIns => "sign-ins",
            Self::Problems => "problems",
            Self::Ends => "ends",
            Self::Changes => "changes",
        }
    }

    /// The locale key.
    fn label(self) -> &'static str {
        match self {
            Self::SignIns => "security-show-sign-ins",
            Self::Problems => "security-show-problems",
            Self::Ends => "security-show-ends",
            Self::Changes => "security-show-changes",
        }
    }

    fn has(self, kind: EventKind) -> bool {
        let choice = match kind {
            EventKind::SignedIn | EventKind::NewDevice | EventKind::SteppedUp => Self::SignIns,
            EventKind::SessionEnded | EventKind::GlobalSignOut => Self::Ends,
            EventKind::RefreshReplayed => Self::Problems,
            kind if kind.outcome() == "failure" => Self::Problems,
            _ => Self::Changes,
        };
        self == choice
    }

    fn kinds(self) -> Vec<EventKind> {
        EventKind::ALL.iter().copied().filter(|kind| self.has(*kind)).collect()
    }
}

pub async fn show(member: Member, Query(range): Query<SecurityQuery>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    let (lang, core) = (visitor.lang, &visitor.app.core);
    let before = cursor(range.before);
    let is_newest = before.is_none();
    let choice = Choice::ALL.into_iter().find(|choice| Some(choice.as_str()) == range.show.as_deref());
    let kinds = choice.map(Choice::kinds).unwrap_or_default();
    let user_id = &signed_in.user.id;
    let (events, older) = core.security_log.list(user_id, &kinds, before.as_deref(), PAGE).await?;
    // What is to be looked at comes first, and is not told twice.
    let notices = match is_newest && choice.is_none() {
        true => core.security_log.notices(&signed_in.user).await?,
        false => Vec::new(),
    };
    let events = without_repeats(events, &notices);
    let devices = core.device_names.find(user_id, &sessions_of(events.iter().chain(&notices))).await?;
    let session_id = signed_in.session.id.clone();
    let dismissing = match core.security_log.may_acknowledge(&signed_in.session) {
        false => Dismissing::NewDevice,
        true if notices.iter().all(|event| event.session_id.as_deref() == Some(session_id.as_str())) => Dismissing::Own,
        true => Dismissing::Possible,
    };
    let page = Layout::new(visitor, "security-title").at("/security");
    Ok(page
        .render(move || {
            view! { <SecurityPage lang choice notices dismissing events devices newest=is_newest older /> }
        })
        .await)
}

#[derive(Deserialize)]
pub struct NoticesSeenForm {
    /// The time of the latest that was shown, in Unix milliseconds.
    until: UnixMillis,
}

/// `POST /security/seen`
pub async fn seen(member: Member, Form(seen): Form<NoticesSeenForm>) -> Result<Redirect, HttpError> {
    let Member { visitor, signed_in } = member;
    visitor.app.core.security_log.acknowledge(&signed_in, seen.until, &visitor.context).await?;
    Ok(Redirect::to("/security"))
}

/// Whether this session may dismiss notices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dismissing {
    Possible,
    /// Its device is too new.
    NewDevice,
    /// They are all about what it did itself.
    Own,
}

/// What the person should know of, until they say that they have seen it.
#[component]
fn Notices(lang: Lang, notices: Vec<Event>, devices: Devices, dismissing: Dismissing) -> impl IntoView {
    let until = notices.iter().map(|event| event.at).max();
    let several = notices.len() > 1;
    let refused = match dismissing {
        Dismissing::Possible => None,
        Dismissing::NewDevice => Some("security-notices-new-device"),
        Dismissing::Own => Some("security-notices-own"),
    };
    let rows = notices
        .into_iter()
        .map(|event| view! { <LogRow lang event devices=devices.clone() is_new=true /> })
        .collect_view();
    view! {
        <section class="log notices" aria-labelledby="notices">
            <h2 id="notices">{lang.t("security-notices")}</h2>
            <div class="card">
                <ul>{rows}</ul>
                <div class="answer">
                    <p class="hint">{lang.t(refused.unwrap_or("security-notices-text"))}</p>
                    <form method="post" action="/security/seen" class="actions">
                        <input type="hidden" name="until" value=until />
                        {refused.is_none().then(|| view! {
                            <button class="secondary small">
                                {lang.t(if several { "security-notices-all-seen" } else { "security-notices-seen" })}
                            </button>
                        })}
                        <a class="button secondary small" href="/account/password">{lang.t("account-password-change")}</a>
                    </form>
                </div>
            </div>
        </section>
    }
}

#[component]
fn SecurityPage(
    lang: Lang,
    choice: Option<Choice>,
    notices: Vec<Event>,
    dismissing: Dismissing,
    events: Vec<Event>,
    devices: Devices,
    newest: bool,
    older: Option<String>,
) -> impl IntoView {
    let reader = Reader::of_page();
    let is_empty = events.is_empty() && notices.is_empty();
    let notices = (!notices.is_empty()).then(|| {
        let devices = devices.clone();
        view! { <Notices lang notices devices dismissing /> }
    });
    let days = by_day(events)
        .into_iter()
        .map(|(date, events)| {
            let rows = events.into_iter().map(|event| view! { <LogRow lang event devices=devices.clone() /> });
            let id = format!("day-{date}");
            view! {
                <section class="log" aria-labelledby=id>
                    <h2 id=id.clone()><time datetime=date.to_string()>{reader.day(date)}</time></h2>
                    <ul class="card">{rows.collect_view()}</ul>
                </section>
            }
        })
        .collect_view();
    let list = choice.map_or("/security".to_owned(), |choice| format!("/security?show={}", choice.as_str()));
    let options = std::iter::once(("", "security-show-all", choice.is_none()))
        .chain(Choice::ALL.map(|option| (option.as_str(), option.label(), choice == Some(option))))
        .map(|(value, label, selected)| view! { <option value=value selected=selected>{lang.t(label)}</option> })
        .collect_view();
    view! {
        <div class="title">
            <div>
                <h1>{lang.t("security-title")}</h1>
                <p class="lead">{lang.t("security-lead")}</p>
            </div>
            <form method="get" action="/security" class="show" data-draft="off">
                <label for="show">{lang.t("security-show")}</label>
                <select id="show" name="show">{options}</select>
                <button class="secondary">{lang.t("security-show-submit")}</button>
            </form>
        </div>
        {notices}
        {days}
        {is_empty.then(|| view! { <p class="card empty">{lang.t("security-empty")}</p> })}
        {reader.utc_offset.is_none().then(|| view! { <p class="hint">{lang.t("times-utc")}</p> })}
        <Paging lang list newest older />
    }
}
