//! What every page is drawn in: head, navigation, language, the session keeper, and the page's content policy.

use std::{pin::Pin, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use futures::{
    Stream, StreamExt,
    stream::{self, once},
};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{ResponseOptions, handle_response_inner};

use super::{
    avatar::Avatar,
    form::FormErrors,
    keeper_config::keeper_config,
    passkey_offer::{self, OfferPasskey},
    preferences::{Preferences, Theme},
    script::{ScriptUse, use_script},
    times::Reader,
    visitor::Visitor,
};
use crate::{islands::SessionKeeper, locale::Lang, state::AppState};
use sekisho_core::{UnixMillis, clock::rfc3339, session::SignedIn};
use sekisho_model::Permission;

/// Where the source and its documentation are; empty while the package does not say.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

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
        let preferences = Preferences::current();
        // Behind the document come inline scripts for the islands, which other pages do without.
        let stream = if has_islands(&visitor) { document_and_scripts } else { document };
        let draw = move || {
            let is_scripted = ScriptUse::default();
            provide_context(is_scripted.clone());
            let now = visitor.app.core.clock.now();
            provide_context(Reader { lang: visitor.lang, now, utc_offset: preferences.utc_offset });
            // Before its document, which says what scripts there are.
            let content = content();
            let policy = content_policy(&visitor);
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
            view! { <Document visitor title path theme=preferences.theme is_scripted>{content}</Document> }.into_any()
        };
        // leptos wants a request for the router, which these pages do without.
        let request = Request::new(Body::empty());
        handle_response_inner(|| {}, draw, request, stream).await
    }
}

type Chunks = Pin<Box<dyn Stream<Item = String> + Send>>;
type DocumentStream = Pin<Box<dyn Future<Output = Chunks> + Send>>;

fn document(app: AnyView, _: Box<dyn FnOnce() -> Chunks + Send>, _: bool) -> DocumentStream {
    Box::pin(async move {
        let html = app.to_html_stream_in_order().collect::<String>().await;
        Box::pin(once(async move { html })) as Chunks
    })
}

fn document_and_scripts(app: AnyView, scripts: Box<dyn FnOnce() -> Chunks + Send>, streams: bool) -> DocumentStream {
    let document = document(app, Box::new(|| Box::pin(stream::empty())), streams);
    Box::pin(async move { Box::pin(document.await.chain(scripts())) as Chunks })
}

/// Whether there is WebAssembly on the page: the session keeper, and what reloads pages while they are written.
fn has_islands(visitor: &Visitor) -> bool {
    visitor.signed_in.is_some() || visitor.app.assets.watched
}

/// Scripts and styles from here only; inline ones by this answer's nonce, and WebAssembly, only where the session keeper
/// is (ASVS 3.4.3). GitHub is there because a browser follows the rule for forms through the redirect that the link
/// button answers with.
fn content_policy(visitor: &Visitor) -> HeaderValue {
    let app = &visitor.app;
    let nonce = use_nonce().filter(|_| has_islands(visitor));
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}' 'wasm-unsafe-eval'")).unwrap_or_default();
    let github = app.config.core.github.as_ref().map(|github| format!(" {}", github.url.origin())).unwrap_or_default();
    // What `cargo leptos watch` reloads pages by.
    let reload = if app.assets.watched { " ws://127.0.0.1:3001" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'self'{nonce}; style-src 'self'; img-src 'self'; \
         connect-src 'self'{reload}; form-action 'self'{github}; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'; report-to csp; report-uri /csp-reports"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[component]
fn Document(
    visitor: Visitor,
    title: &'static str,
    path: &'static str,
    theme: Option<Theme>,
    is_scripted: ScriptUse,
    children: Children,
) -> impl IntoView {
    let Visitor { app, lang, signed_in, .. } = visitor;
    let options = LeptosOptions::builder().output_name(app.assets.output_name.clone()).build();
    let reload = app.assets.watched.then(|| {
        let options = options.clone();
        view! { <AutoReload options /> }
    });
    let social = (signed_in.is_none()).then(|| SocialCard::of(&app, lang, title)).flatten();
    let registration = app.config.core.registration_open;
    let delete_at = signed_in.as_deref().and_then(|signed_in| signed_in.user.delete_at);
    let keeper = signed_in.as_deref().map(|signed_in| keeper_config(&app, signed_in, lang));
    let offer = signed_in.as_deref().filter(|signed_in| passkey_offer::is_due(&app, signed_in));
    let offer = offer.map(|signed_in| view! { <OfferPasskey lang since=signed_in.session.created_at /> }.into_any());
    let title = match title {
        "brand" if signed_in.is_none() => format!("{} · {}", lang.t("brand"), lang.t("home-title")),
        "brand" => lang.t("brand"),
        title => format!("{} · {}", lang.t(title), lang.t("brand")),
    };
    let title_text = title.clone();
    let banner = delete_at.map(|delete_at| view! { <DeletionBanner lang delete_at /> }.into_any());
    // Times in the banner, and the dialog of the keeper, have something for it as well.
    if keeper.is_some() {
        use_script();
    }
    let script = is_scripted.is_used().then(|| {
        view! { <script type="module" src=format!("/page.js?{}", app.assets.output_name)></script> }
    });
    let hydration = keeper.is_some().then(|| view! { <HydrationScripts options islands=true /> });
    let scheme = theme.map_or("light dark", Theme::as_str);
    view! {
        <!DOCTYPE html>
        <html lang=lang.code() data-theme=theme.map(Theme::as_str)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content=scheme />
                // As HTML: a debug build puts a marker behind a text, which is no comment in a title.
                <title inner_html=html_escape::encode_text(&title).into_owned()></title>
                <link rel="stylesheet" href=format!("/pkg/{}.css", app.assets.output_name) />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                {match social {
                    Some(social) => view! { <SocialTags title=title_text social /> }.into_any(),
                    None => view! { <meta name="robots" content="noindex" /> }.into_any(),
                }}
                {script}
                {reload}
                {hydration}
            </head>
            <body>
                <a class="skip" href="#main">{lang.t("skip")}</a>
                <Header lang signed_in path registration />
                // Before the islands of the page, which may ask it for a token.
                {keeper.map(|config| view! { <SessionKeeper config /> }.into_any())}
                <main id="main">
                    {banner}
                    {offer}
                    {children()}
                </main>
                <Footer lang theme />
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
            <li>
                <a href="/account" aria-current=("/account" == path).then_some("page")>
                    <Avatar name=signed_in.user.name.clone() />
                    {lang.t("nav-account")}
                </a>
            </li>
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
fn Footer(lang: Lang, theme: Option<Theme>) -> impl IntoView {
    let links = [
        (REPOSITORY.to_owned() + "#readme", "footer-documentation", !REPOSITORY.is_empty()),
        (REPOSITORY.to_owned(), "footer-source", !REPOSITORY.is_empty()),
        ("/health/ready".to_owned(), "footer-status", true),
    ];
    let links = links.into_iter().filter(|(.., is_there)| *is_there);
    let links = links.map(|(href, label, _)| view! { <li><a href=href>{lang.t(label)}</a></li> }).collect_view();
    let themes = std::iter::once((None, "system", "theme-system"))
        .chain([(Some(Theme::Light), "light", "theme-light"), (Some(Theme::Dark), "dark", "theme-dark")])
        .map(|(choice, value, label)| {
            view! {
                <button class="link" name="theme" value=value aria-pressed=(choice == theme).to_string()>
                    {lang.t(label)}
                </button>
            }
        })
        .collect_view();
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
            <ul>{links}</ul>
            <form method="post" action="/theme" aria-label=lang.t("theme-label")>{themes}</form>
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

/// What a page for strangers says of itself to search engines, and where a link to it is shown.
struct SocialCard {
    description: String,
    url: String,
}

impl SocialCard {
    /// Of the pages that are there to be found; the others are `noindex`.
    fn of(app: &AppState, lang: Lang, title: &str) -> Option<Self> {
        let (path, description) = match title {
            "brand" => ("/", "meta-home"),
            "login-title" => ("/login", "meta-login"),
            "register-title" => ("/register", "meta-register"),
            _ => return None,
        };
        Some(Self { description: lang.t(description), url: app.config.core.base_url.join(path) })
    }
}

fn property(name: &'static str, content: String) -> impl IntoView {
    leptos::html::meta().attr("property", name).content(content)
}

#[component]
fn SocialTags(title: String, social: SocialCard) -> impl IntoView {
    let SocialCard { description, url } = social;
    view! {
        <meta name="robots" content="index" />
        <meta name="description" content=description.clone() />
        <link rel="canonical" href=url.clone() />
        {property("og:type", "website".to_owned())}
        {property("og:title", title)}
        {property("og:description", description)}
        {property("og:url", url)}
        <meta name="twitter:card" content="summary" />
    }
}

/// A point in time: as rendered UTC, or the reader's own where that is known; with JavaScript the reader's own.
#[component]
pub fn When(
    /// Unix milliseconds.
    at: UnixMillis,
) -> impl IntoView {
    use_script();
    let text = Reader::of_page().exact(at);
    view! { <time datetime=rfc3339(at) data-local="">{text}</time> }
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
