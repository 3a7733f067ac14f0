//! `/`: what this is, or how things stand for whoever is signed in.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use super::{
    admin::plot::grouped,
    avatar::Avatar,
    client::NamedClient,
    device_card::deadline_text,
    icon::{Icon, Picture},
    landing::Landing,
    layout::Layout,
    log::{Devices, LogRow, sessions_of, without_repeats},
    times::Ago,
    visitor::Visitor,
};
use crate::{http::error::HttpError, locale::Lang};
use sekisho_core::{Error, Event, Session, User, administration::Overview, session::SignedIn};
use sekisho_model::{AuthMethod, EventKind, Permission};

/// Other devices that are shown; one more is read, to say that there are more.
const DEVICES: usize = 3;
/// Events that are shown; some of those read are told by others.
const EVENTS: usize = 3;
/// Recovery codes from which on new ones are advised.
const FEW_CODES: i64 = 3;

pub async fn show(visitor: Visitor) -> Result<Response, HttpError> {
    match visitor.signed_in.clone() {
        Some(signed_in) if visitor.app.core.accounts.must_verify(&signed_in.user) => {
            Ok(Redirect::to("/verify-email").into_response())
        }
        Some(signed_in) => {
            let lang = visitor.lang;
            let standing = match Standing::read(&visitor, &signed_in).await {
                Ok(standing) => Some(standing),
                // Who signed in is known without the database where a page token says so.
                Err(Error::Unavailable(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let page = Layout::new(visitor, "brand");
            Ok(page
                .render(move || {
                    view! {
                        <Person lang user=signed_in.user.clone() />
                        {match standing {
                            Some(standing) => view! { <Home lang signed_in standing /> }.into_any(),
                            None => view! { <p class="notice" data-kind="error">{lang.t("home-unavailable")}</p> }.into_any(),
                        }}
                    }
                })
                .await)
        }
        None => {
            let (lang, registration) = (visitor.lang, visitor.app.config.core.registration_open);
            Ok(Layout::new(visitor, "brand").render(move || view! { <Landing lang registration /> }).await)
        }
    }
}

/// How things stand, in a fixed number of statements however much there is.
struct Standing {
    /// The other devices, the latest first.
    others: Vec<Session>,
    has_more: bool,
    /// The last sign-in before this one.
    previous: Option<Event>,
    notices: Vec<Event>,
    events: Vec<Event>,
    devices: Devices,
    checks: Vec<Check>,
    /// For an administrator.
    overview: Option<Overview>,
}

/// One thing that makes an account safer.
struct Check {
    /// Locale keys: what it is, and what to do about it.
    label: &'static str,
    advice: &'static str,
    href: &'static str,
    is_done: bool,
    /// More about how it stands.
    note: Option<String>,
}

impl Standing {
    async fn read(visitor: &Visitor, signed_in: &SignedIn) -> Result<Self, Error> {
        let (core, user, session) = (&visitor.app.core, &signed_in.user, &signed_in.session);
        let (mut others, older) = core.sessions.list(&user.id, None, DEVICES + 2).await?;
        others.retain(|other| other.id != session.id);
        let has_more = older.is_some() || others.len() > DEVICES;
        others.truncate(DEVICES);
        let previous = core.security_log.sign_in_before(session).await?;
        let notices = core.security_log.notices(user).await?;
        let (events, _) = core.security_log.list(&user.id, &[], None, 2 * EVENTS).await?;
        let mut events = without_repeats(events, &[]);
        events.truncate(EVENTS);
        let mut ids = sessions_of(events.iter().chain(&previous));
        ids.extend(others.iter().chain([session]).map(|session| session.id.as_str()));
        let devices = core.device_names.find(&user.id, &ids).await?;
        let overview = match signed_in.permissions.allow(Permission::ADMINISTER) {
            true => Some(core.administration.overview().await?),
            false => None,
        };
        let checks = checks(visitor, signed_in).await?;
        Ok(Self { others, has_more, previous, notices, events, devices, checks, overview })
    }
}

async fn checks(visitor: &Visitor, signed_in: &SignedIn) -> Result<Vec<Check>, Error> {
    let (core, user, lang) = (&visitor.app.core, &signed_in.user, visitor.lang);
    let has_app = user.auth_methods.has_second_factor();
    let email = Check {
        label: "home-check-email",
        advice: "home-check-email-advice",
        href: "/account#email",
        is_done: user.email_verified_at.is_some(),
        note: None,
    };
    let factor = Check {
        label: "home-check-factor",
        advice: "home-check-factor-advice",
        href: "/account/security",
        is_done: user.auth_methods.can_present_second_factor(),
        note: None,
    };
    let codes = match has_app {
        true => Some(core.second_factors.status(&user.id).await?.recovery_codes),
        false => None,
    };
    let codes = codes.map(|left| Check {
        label: "home-check-codes",
        advice: "recovery-codes-few",
        href: "/account/security#recovery-codes",
        is_done: left > FEW_CODES,
        note: Some(lang.t1("recovery-codes-left", "count", left)),
    });
    let github = core.identities.is_configured().then(|| Check {
        label: "home-check-github",
        advice: "home-check-github-advice",
        href: "/account#github",
        is_done: user.auth_methods.contains(AuthMethod::Github),
        note: None,
    });
    // Where no mail is sent, nobody can verify an address.
    let email = (core.mails.is_configured() || email.is_done).then_some(email);
    Ok([email, Some(factor), codes, github].into_iter().flatten().collect())
}

#[component]
fn Person(lang: Lang, user: User) -> impl IntoView {
    view! {
        <div class="person">
            <Avatar name=user.name.clone() />
            <div>
                <h1>{lang.t1("home-welcome", "name", user.name)}</h1>
                <p class="lead">{user.email}</p>
            </div>
        </div>
    }
}

#[component]
fn Home(lang: Lang, signed_in: Arc<SignedIn>, standing: Standing) -> impl IntoView {
    let Standing { others, has_more, previous, notices, events, devices, checks, overview } = standing;
    let session = &signed_in.session;
    let rows = events.into_iter().map(|event| view! { <LogRow lang event devices=devices.clone() /> }).collect_view();
    view! {
        {(!notices.is_empty()).then(|| view! {
            <section class="notice alert" data-kind="error" aria-label=lang.t("security-notices")>
                <div>
                    <p>{lang.t1("home-alerts", "count", notices.len() as i64)}</p>
                    <a class="button secondary small" href="/security">{lang.t("home-alerts-review")}</a>
                </div>
            </section>
        })}
        {overview.map(|overview| view! { <Day lang overview /> })}
        <div class="board">
            <div>
                <section class="card" aria-labelledby="this-device">
                    <h2 id="this-device">{lang.t("devices-this")}</h2>
                    <ThisDevice lang session=session.clone() previous devices=devices.clone() />
                </section>
                <section class="card log" aria-labelledby="latest">
                    <h2 id="latest">{lang.t("home-latest")}</h2>
                    <ul>{rows}</ul>
                    <p><a href="/security">{lang.t("home-latest-all")}</a></p>
                </section>
            </div>
            <div>
                <Checklist lang checks />
                <OtherDevices lang others has_more devices />
            </div>
        </div>
    }
}

/// This device and until when, and the sign-in before this one.
#[component]
fn ThisDevice(lang: Lang, session: Session, previous: Option<Event>, devices: Devices) -> impl IntoView {
    let own_name = devices.get(session.id.as_str()).and_then(|device| device.name.as_deref());
    let this = NamedClient::of_session(lang, &session, own_name);
    let deadline = deadline_text(lang, &session);
    let previous = previous.map(|event| {
        let device = event.session_id.as_ref().and_then(|id| devices.get(id));
        let before = match device {
            Some(device) => NamedClient::of_device(lang, device),
            None => NamedClient::of_user_agent(lang, &event.user_agent),
        };
        view! {
            <div class="device-line previous">
                <Picture icon=before.icon />
                <div>
                    <p class="hint">{lang.t("home-previous")}</p>
                    <p>{before.name}</p>
                    <p class="facts-line"><span><Ago at=event.at /></span> <span>{event.ip}</span></p>
                </div>
            </div>
        }
    });
    view! {
        <div class="device-line">
            <Picture icon=this.icon />
            <div>
                <p>{this.name}</p>
                <p class="facts-line">
                    {this.client.map(|client| view! { <span>{client}</span> })}
                    <span>{lang.t("home-signed-in")} " " <Ago at=session.created_at /></span>
                    <span>{session.ip}</span>
                </p>
                {deadline.map(|text| view! { <p class="hint">{text}</p> })}
            </div>
        </div>
        {previous}
    }
}

#[component]
fn Checklist(lang: Lang, checks: Vec<Check>) -> impl IntoView {
    let (all, done) = (checks.len(), checks.iter().filter(|check| check.is_done).count());
    let items = checks
        .into_iter()
        .map(|check| {
            let Check { label, advice, href, is_done, note } = check;
            let (icon, state) =
                if is_done { (Icon::Check, "home-check-done") } else { (Icon::Circle, "home-check-open") };
            view! {
                <li data-done=is_done.then_some("")>
                    <Picture icon />
                    <div>
                        <p>
                            <span class="visually-hidden">{lang.t(state)} " "</span>
                            <a href=href>{lang.t(label)}</a>
                        </p>
                        {note.map(|note| view! { <p class="hint">{note}</p> })}
                        {(!is_done).then(|| view! { <p class="hint">{lang.t(advice)}</p> })}
                    </div>
                </li>
            }
        })
        .collect_view();
    let progress = lang.t_with("home-checks-done", &[("done", &done.to_string()), ("all", &all.to_string())]);
    view! {
        <section class="card" aria-labelledby="checklist">
            <h2 id="checklist">{lang.t("home-checks")}</h2>
            <div class="progress">
                <progress max=all value=done aria-labelledby="checklist"></progress>
                <p class="hint">{progress}</p>
            </div>
            <ul class="checklist">{items}</ul>
        </section>
    }
}

/// The device list in short.
#[component]
fn OtherDevices(lang: Lang, others: Vec<Session>, has_more: bool, devices: Devices) -> impl IntoView {
    let is_alone = others.is_empty();
    let rows = others
        .into_iter()
        .map(|session| {
            let own_name = devices.get(session.id.as_str()).and_then(|device| device.name.as_deref());
            let NamedClient { name, icon, .. } = NamedClient::of_session(lang, &session, own_name);
            view! {
                <li class="device-line">
                    <Picture icon />
                    <div>
                        <p>{name}</p>
                        <p class="facts-line">
                            <span>{lang.t("home-active")} " " <Ago at=session.last_active_at /></span>
                            <span>{session.ip}</span>
                        </p>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="other-devices">
            <h2 id="other-devices">{lang.t("home-devices")}</h2>
            {match is_alone {
                true => view! { <p class="hint">{lang.t("devices-only-this")}</p> }.into_any(),
                false => view! { <ul class="device-lines">{rows}</ul> }.into_any(),
            }}
            <p><a href="/devices">{lang.t(if has_more { "home-devices-more" } else { "home-to-devices" })}</a></p>
        </section>
    }
}

/// The last 24 hours, for an administrator.
#[component]
fn Day(lang: Lang, overview: Overview) -> impl IntoView {
    let since = overview.hour - 23;
    let of_day = |kind: EventKind| {
        let of_kind = overview.counts.iter().filter(|count| count.kind == kind.as_str() && count.hour >= since);
        of_kind.map(|count| count.n).sum::<i64>()
    };
    let figures = [
        ("admin-plot-sign-ins", of_day(EventKind::SignedIn), "/admin"),
        ("admin-plot-failures", of_day(EventKind::SignInFailed), "/admin"),
        ("home-day-registered", of_day(EventKind::Registered), "/admin/users"),
        ("home-day-live", overview.live_browsers + overview.live_api, "/admin/sessions"),
    ];
    let figures = figures.map(|(label, n, href)| {
        view! {
            <div class="card">
                <dt><a href=href>{lang.t(label)}</a></dt>
                <dd>{grouped(n)}</dd>
            </div>
        }
    });
    view! {
        <section class="day" aria-labelledby="day">
            <h2 id="day">{lang.t("home-day")}</h2>
            <dl class="figures">{figures.collect_view()}</dl>
        </section>
    }
}
