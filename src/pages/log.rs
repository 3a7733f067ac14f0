//! One's own log as rows of a list: what happened, on which device, where and when.

use std::collections::HashMap;

use leptos::prelude::*;
use time::Date;

use super::{
    client::NamedClient,
    icon::{Icon, Picture},
    times::{Ago, Reader},
};
use crate::locale::Lang;
use sekisho_core::{Device, Event};
use sekisho_model::EventKind;

/// The devices that a page of the log names, by session.
pub type Devices = HashMap<String, Device>;

/// The sessions that some events are about.
pub fn sessions_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<&'a str> {
    let mut ids: Vec<_> = events.into_iter().filter_map(|event| event.session_id.as_deref()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Without the sign-ins that a notice of a new device among `said` tells of as well.
pub fn without_repeats(events: Vec<Event>, said: &[Event]) -> Vec<Event> {
    let new: Vec<_> = events.iter().chain(said).filter(|event| is(event, EventKind::NewDevice)).collect();
    let new: Vec<_> = new.into_iter().filter_map(|event| event.session_id.clone()).collect();
    let is_said = |event: &Event| said.iter().any(|other| other.id == event.id);
    let repeats = |event: &Event| {
        is(event, EventKind::SignedIn) && event.session_id.as_ref().is_some_and(|session| new.contains(session))
    };
    events.into_iter().filter(|event| !is_said(event) && !repeats(event)).collect()
}

fn is(event: &Event, kind: EventKind) -> bool {
    event.kind == kind.as_str()
}

/// Events in days by the reader's clock, the latest first.
pub fn by_day(events: Vec<Event>) -> Vec<(Date, Vec<Event>)> {
    let reader = Reader::of_page();
    let mut days: Vec<(Date, Vec<Event>)> = Vec::new();
    for event in events {
        let date = reader.date(event.at);
        match days.last_mut().filter(|(day, _)| *day == date) {
            Some((_, events)) => events.push(event),
            None => days.push((date, vec![event])),
        }
    }
    days
}

/// What kind of thing happened, as a picture; a device's own where it signed in.
fn icon(kind: Option<EventKind>, client: &NamedClient) -> Icon {
    use EventKind as Kind;
    match kind {
        Some(Kind::SignedIn | Kind::NewDevice | Kind::BrowserTrusted) => client.icon,
        Some(Kind::RefreshReuse | Kind::LogTampered) => Icon::Theft,
        Some(kind) if kind.outcome() == "failure" => Icon::Alert,
        Some(Kind::SessionEnded | Kind::GlobalSignOut) => Icon::SignOut,
        Some(Kind::PasswordChanged | Kind::RecoveryRequested | Kind::RecoveryUsed | Kind::SteppedUp) => Icon::Key,
        Some(
            Kind::SecondFactorAdded
            | Kind::SecondFactorRemoved
            | Kind::RecoveryCodeUsed
            | Kind::RecoveryCodesRegenerated
            | Kind::NotMe
            | Kind::RefreshReplayed,
        ) => Icon::Shield,
        Some(Kind::EmailVerified | Kind::EmailChanged) => Icon::Mail,
        Some(Kind::GithubLinked | Kind::GithubUnlinked) => Icon::Link,
        _ => Icon::Person,
    }
}

/// One event as a row.
#[component]
pub fn LogRow(
    lang: Lang,
    event: Event,
    /// Those of the page.
    devices: Devices,
    /// Asks whether it was the person.
    #[prop(default = false)]
    is_new: bool,
) -> impl IntoView {
    let kind: Option<EventKind> = event.kind.parse().ok();
    // What an administrator did tells nothing of their device and address.
    let by_other = event.actor_id.is_some();
    let device = event.session_id.as_ref().and_then(|id| devices.get(id));
    let client = match device {
        Some(device) => NamedClient::of_device(lang, device),
        None => NamedClient::of_user_agent(lang, &event.user_agent),
    };
    let what = match kind {
        Some(EventKind::NewDevice) => lang.t("security-new-sign-in"),
        _ => lang.t(&format!("event-{}", event.kind)),
    };
    // A session of the person's own tells nothing of anybody else, whoever ended it.
    let is_known = device.is_some() || !by_other && !event.user_agent.is_empty();
    let title = match is_known {
        true => lang.t_with("security-event-on", &[("event", &what), ("device", &client.name)]),
        false => what,
    };
    let flag = match kind {
        Some(EventKind::RefreshReuse | EventKind::LogTampered) => Some("security-flag-theft"),
        Some(kind) if kind.outcome() == "failure" => Some("security-flag-failure"),
        _ => None,
    };
    let reason = event.reason.as_ref().map(|reason| lang.t(&format!("reason-{reason}")));
    let new = (kind == Some(EventKind::NewDevice)).then(|| lang.t("security-new-sign-in-hint"));
    let facts = [
        reason.or(new),
        client.client.clone().filter(|_| is_known),
        Some(event.ip).filter(|ip| !by_other && !ip.is_empty()),
        by_other.then(|| lang.t("security-by-administrator")),
    ];
    let facts = facts.into_iter().flatten().map(|fact| view! { <span>{fact}</span> }).collect_view();
    view! {
        <li data-outcome=event.outcome data-new=is_new.then_some("")>
            <Picture icon=icon(kind, &client) />
            <div>
                <p>
                    {title}
                    {flag.map(|key| view! { <span class="badge" data-kind="disabled">{lang.t(key)}</span> })}
                </p>
                <p class="facts-line">{facts}</p>
                {is_new.then(|| view! {
                    <p class="question">
                        {lang.t("security-was-this-you")} " "
                        <a href="/account/password">{lang.t("security-not-me")}</a>
                    </p>
                })}
            </div>
            <Ago at=event.at />
        </li>
    }
}
