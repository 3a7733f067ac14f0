//! What every page is drawn in: head, navigation, language, the session keeper, and the page's content policy.

use std::{pin::Pin, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use futures::{Stream, StreamExt, stream::once};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{ResponseOptions, handle_response_inner};

use super::{
    form::FormErrors,
    keeper_config::keeper_config,
    passkey_offer::{self, OfferPasskey},
    visitor::Visitor,
};
use crate::{islands::SessionKeeper, locale::Lang, state::AppState};
use sekisho_core::{UnixMillis, clock::rfc3339, session::SignedIn};
use sekisho_model::Permission;

/// A page about to be drawn.
pub struct Layout {
    visitor: Visitor,
    title: &'static str,
    status: StatusCode,
    /// Seconds.
    retry_after: Option<u64>,
    path: &'static str,
}

impl Layout {
    /// `title` is a locale key.
    pub fn new(visitor: Visitor, title: &'static str) -> Self {
        Self { visitor, title, status: StatusCode::OK, retry_after: None, path: "" }
    }

    /// Other than 200.
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A form that is shown again with its errors, if it has any.
    pub fn form_errors(self, form_errors: &FormErrors) -> Self {
        if form_errors.any() { self.status(form_errors.status).retry_after(form_errors.retry_after) } else { self }
    }

    /// Seconds after which it is worth trying again.
    pub fn retry_after(self, seconds: Option<u64>) -> Self {
        Self { retry_after: seconds, ..self }
    }

    /// The navigation's entry that this page is.
    pub fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// Draws `content` into the page.
    pub async fn render<V>(self, content: impl FnOnce() -> V + Send + 'static) -> Response
    where
        V: IntoView + 'static,
    {
        self.draw(Box::new(|| content().into_any())).await
    }

    /// Not generic: the document is compiled once, not once a page.
    async fn draw(self, content: Box<dyn FnOnce() -> AnyView + Send>) -> Response {
        let Self { visitor, title, status, retry_after, path } = self;
        let draw = move || {
            let policy = content_policy(&visitor.app);
            let headers = expect_context::<ResponseOptions>();
            headers.set_status(status);
            headers.insert_header(header::CONTENT_SECURITY_POLICY, policy);
            // What `report-to` names (ASVS 3.4.7).
            headers.insert_header(
                HeaderName::from_static("reporting-endpoints"),
                HeaderValue::from_static("csp=\"/csp-reports\""),
            );
            if let Some(seconds) = retry_after {
                headers.insert_header(header::RETRY_AFTER, seconds.into());
            }
            view! { <Document visitor title path>{content()}</Document> }
        };
        // leptos wants a request for the router, which these pages do without.
        let request = Request::new(Body::empty());
        handle_response_inner(
            || {},
            draw,
            request,
            |app, chunks, _| {
                Box::pin(async move {
                    let html = app.to_html_stream_in_order().collect::<String>().await;
                    Box::pin(once(async move { html }).chain(chunks())) as Pin<Box<dyn Stream<Item = String> + Send>>
                })
            },
        )
        .await
    }
}

/// Scripts and styles from here only, inline ones by this answer's nonce (ASVS 3.4.3). GitHub is there because a
/// browser follows the rule for forms through the redirect that the link button answers with.
fn content_policy(app: &AppState) -> HeaderValue {
    let nonce = use_nonce().map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let github = app.config.core.github.as_ref().map(|github| format!(" {}", github.url.origin())).unwrap_or_default();
    // What `cargo leptos watch` reloads pages by.
    let reload = if app.assets.watched { " ws://127.0.0.1:3001" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'{reload}; form-action 'self'{github}; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'; report-to csp; report-uri /csp-reports"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[component]
fn Document(visitor: Visitor, title: &'static str, path: &'static str, children: Children) -> impl IntoView {
    let Visitor { app, lang, signed_in, .. } = visitor;
    let options = LeptosOptions::builder().output_name(app.assets.output_name.clone()).build();
    let registration = app.config.core.registration_open;
    let delete_at = signed_in.as_deref().and_then(|signed_in| signed_in.user.delete_at);
    let keeper = signed_in.as_deref().map(|signed_in| keeper_config(&app, signed_in, lang));
    let offer = signed_in.as_deref().filter(|signed_in| passkey_offer::is_due(&app, signed_in));
    let offer = offer.map(|signed_in| view! { <OfferPasskey lang since=signed_in.session.created_at /> });
    let title = match title {
        "brand" => lang.t("brand"),
        title => format!("{} · {}", lang.t(title), lang.t("brand")),
    };
    view! {
        <!DOCTYPE html>
        <html lang=lang.code()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                // As HTML: a debug build puts a marker behind a text, which is no comment in a title.
                <title inner_html=html_escape::encode_text(&title).into_owned()></title>
                <link rel="stylesheet" href=format!("/pkg/{}.css", app.assets.output_name) />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <AutoReload options=options.clone() />
                <HydrationScripts options islands=true />
            </head>
            <body>
                <a class="skip" href="#main">{lang.t("skip")}</a>
                <Header lang signed_in path registration />
                // Before the islands of the page, which may ask it for a token.
                {keeper.map(|config| view! { <SessionKeeper config /> })}
                <main id="main">
                    {delete_at.map(|delete_at| view! { <DeletionBanner lang delete_at /> })}
                    {offer}
                    {children()}
                </main>
                <Footer lang />
            </body>
        </html>
    }
}

#[component]
fn Header(
    lang: Lang,
    signed_in: Option<Arc<SignedIn>>,
    path: &'static str,
    /// Whether registration is open.
    registration: bool,
) -> impl IntoView {
    let entry = move |href: &'static str, label: &str| {
        view! { <li><a href=href aria-current=(href == path).then_some("page")>{lang.t(label)}</a></li> }
    };
    let entries = match signed_in {
        Some(signed_in) => view! {
            {entry("/account", "nav-account")}
            {entry("/devices", "nav-devices")}
            <li>
                <a href="/security" aria-current=("/security" == path).then_some("page")>
                    {lang.t("nav-security")}
                    {signed_in.user.has_notice().then(|| view! {
                        <span class="news"><span class="visually-hidden">{lang.t("nav-news")}</span></span>
                    })}
                </a>
            </li>
            {signed_in.permissions.allow(Permission::ADMINISTER).then(|| entry("/admin", "nav-admin"))}
            <li>
                <form method="post" action="/logout">
                    <button class="link">{lang.t("nav-sign-out")}</button>
                </form>
            </li>
        }
        .into_any(),
        None => view! {
            {entry("/login", "nav-sign-in")}
            {registration.then(|| entry("/register", "nav-register"))}
        }
        .into_any(),
    };
    view! {
        <header class="site">
            <a class="brand" href="/">
                <img src="/favicon.svg" alt="" width="28" height="28" />
                {lang.t("brand")}
            </a>
            <nav aria-label=lang.t("nav-label")>
                <ul>{entries}</ul>
            </nav>
        </header>
    }
}

#[component]
fn Footer(lang: Lang) -> impl IntoView {
    let buttons = Lang::ALL.map(|choice| {
        view! {
            <button
                class="link"
                name="language"
                value=choice.code()
                lang=choice.code()
                aria-pressed=(choice == lang).to_string()
            >
                {choice.name()}
            </button>
        }
    });
    view! {
        <footer class="site">
            <form method="post" action="/language" aria-label=lang.t("language-label")>
                {buttons.collect_view()}
            </form>
        </footer>
    }
}

/// On every page, while a deletion is requested: when it comes, and the way back.
#[component]
fn DeletionBanner(lang: Lang, delete_at: UnixMillis) -> impl IntoView {
    view! {
        <section class="notice deletion" data-kind="error" aria-label=lang.t("data-pending-label")>
            <div>
                <p>{lang.t("data-pending")} " " <When at=delete_at /></p>
                <form method="post" action="/account/data/keep">
                    <button class="secondary">{lang.t("data-keep")}</button>
                </form>
            </div>
        </section>
    }
}

/// A point in time: UTC as rendered, the reader's own zone with JavaScript.
#[component]
pub fn When(
    /// Unix milliseconds.
    at: UnixMillis,
) -> impl IntoView {
    let stamp = rfc3339(at);
    let text = format!("{} {} UTC", &stamp[..10], &stamp[11..16]);
    view! { <time datetime=stamp data-local="">{text}</time> }
}

/// Good news about what was just done, said once; nothing where nothing was.
#[component]
pub fn Done(
    /// The page's.
    lang: Lang,
    /// A locale key.
    done: Option<&'static str>,
) -> impl IntoView {
    done.map(|key| view! { <p class="notice" data-kind="done" role="status">{lang.t(key)}</p> })
}
