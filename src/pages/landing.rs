//! `/` for strangers: what this is, and how it looks when a device is ended. All of it is HTML and CSS.

use leptos::prelude::*;

use super::icon::{Icon, Picture};
use crate::locale::Lang;

#[component]
pub fn Landing(
    lang: Lang,
    /// Whether registration is open.
    registration: bool,
) -> impl IntoView {
    let sign_in = if registration { "button secondary" } else { "button" };
    let point = |name: &str, icon: Icon| {
        view! {
            <section class="card">
                <Picture icon />
                <h2>{lang.t(&format!("home-{name}-title"))}</h2>
                <p>{lang.t(&format!("home-{name}-text"))}</p>
            </section>
        }
    };
    view! {
        <div class="landing">
            <section class="hero">
                <h1>{lang.t("home-title")}</h1>
                <p class="lead">{lang.t("home-lead")}</p>
                <p class="actions">
                    {registration.then(|| view! { <a class="button" href="/register">{lang.t("nav-register")}</a> })}
                    <a class=sign_in href="/login">{lang.t("nav-sign-in")}</a>
                </p>
            </section>
            <Demonstration lang />
        </div>
        <div class="points">
            {point("sessions", Icon::Desktop)}
            {point("tokens", Icon::Key)}
            {point("truth", Icon::Shield)}
        </div>
    }
}

/// A device is ended in the list, and is signed out at the same moment: a picture that moves, where motion is welcome,
/// and shows the end of it elsewhere. To a screen reader it is one image with one sentence.
#[component]
fn Demonstration(lang: Lang) -> impl IntoView {
    let on = |browser, system| lang.t_with("client-browser-on-system", &[("browser", browser), ("system", system)]);
    let device = |icon: Icon, name: String, state: String, class: &'static str| {
        view! {
            <div class=format!("row {class}")>
                <Picture icon />
                <div>
                    <strong>{name}</strong>
                    <span class="fact">{state}</span>
                </div>
                <span class="end">{lang.t("devices-end")}</span>
            </div>
        }
    };
    view! {
        <figure class="demo" role="img" aria-label=lang.t("home-demo-label")>
            <div class="list" aria-hidden="true">
                <p class="caption">{lang.t("devices-title")}</p>
                {device(Icon::Desktop, on("Firefox", "Linux"), lang.t("devices-this"), "this")}
                {device(Icon::Terminal, lang.t("home-demo-script"), lang.t1("ago-hours", "count", 3), "")}
                {device(Icon::Phone, on("Safari", "iOS"), lang.t1("ago-minutes", "count", 2), "ending")}
                <span class="pointer"></span>
            </div>
            <div class="handset" aria-hidden="true">
                <div class="screen">
                    <span class="line"></span>
                    <span class="line"></span>
                    <span class="typed">{lang.t("home-demo-typed")}</span>
                </div>
                <div class="told">
                    <p>{lang.t("end-reason-revoked_by_user")}</p>
                    <p class="kept">{lang.t("home-demo-kept")}</p>
                </div>
            </div>
        </figure>
    }
}
