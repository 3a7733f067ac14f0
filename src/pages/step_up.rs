//! Step-up in place: what somebody asked for waits in the page while they prove again who they are, and then happens.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use serde::de::DeserializeOwned;

use super::{
    form::{CurrentPassword, Faults, FormFault},
    layout::Layout,
    session_store,
    visitor::{Administrator, Member, Visitor, going_to},
};
use crate::{
    http::{error::HttpError, form},
    state::AppState,
};
use sekisho_core::{
    db::sessions::Session,
    error::Error,
    github::by_github_alone,
    session::{Method, SignedIn},
};

/// The field that the step-up page adds to what waits in it.
const PASSWORD: &str = "step_up_password";

/// A form posted by somebody whose proof of who they are is recent enough for something sensitive (ASVS 7.5.1).
/// Anybody else is asked for the password by a page that then posts the same form again.
pub struct Confirmed<W, T> {
    pub who: W,
    pub form: T,
}

/// Who can be asked to prove themselves.
pub trait Person: FromRequestParts<AppState, Rejection = Response> + Send + Sync {
    fn visitor(&self) -> &Visitor;
    fn signed_in(&self) -> &Arc<SignedIn>;
}

impl Person for Member {
    fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    fn signed_in(&self) -> &Arc<SignedIn> {
        &self.signed_in
    }
}

impl Person for Administrator {
    fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    fn signed_in(&self) -> &Arc<SignedIn> {
        &self.signed_in
    }
}

impl<W: Person, T: DeserializeOwned> FromRequest<AppState> for Confirmed<W, T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let who = W::from_request_parts(&mut parts, app).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), app).await;
        let bytes = bytes.map_err(|rejection| HttpError::from(rejection).into_response())?;
        let fields = Fields::parse(&bytes);
        confirm(&who, &parts, &fields).await?;
        let form = form::parse(fields.encode().as_bytes()).map_err(|error| HttpError::from(error).into_response())?;
        Ok(Self { who, form })
    }
}

async fn confirm(who: &impl Person, parts: &Parts, fields: &Fields) -> Result<(), Response> {
    let (visitor, signed_in) = (who.visitor(), who.signed_in());
    let auth = &visitor.app.auth;
    if auth.require_recent(signed_in).is_ok() {
        return Ok(());
    }
    let faults = match &fields.password {
        None => Faults::default(),
        Some(password) => match auth.step_up(signed_in, password, &visitor.context).await {
            Ok(token) => {
                let attached = session_store::attach(&visitor.cookie, token).await;
                return attached.map_err(|error| HttpError::from(error).into_response());
            }
            // The field has another name in this form.
            Err(Error::InvalidInput(_)) => Faults::of(Error::field(PASSWORD, "password-wrong")),
            Err(error) => Faults::of(error),
        }
        .map_err(IntoResponse::into_response)?,
    };
    let ask = Ask::of(visitor, signed_in).await.map_err(|error| HttpError::from(error).into_response())?;
    let back = going_to(parts, &visitor.app);
    let (action, waiting) = (parts.uri.path().to_owned(), fields.others.clone());
    Err(page(visitor.clone(), signed_in, ask, action, back, waiting, faults).await)
}

/// How somebody can prove who they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Password,
    Github,
    /// An administrator without a password: GitHub is not enough for one.
    PasswordFirst,
    NoWay,
}

impl Ask {
    async fn of(visitor: &Visitor, signed_in: &SignedIn) -> Result<Self, Error> {
        let auth = &visitor.app.auth;
        if signed_in.user.password_hash.is_some() {
            return Ok(Self::Password);
        }
        if !by_github_alone(signed_in) {
            return Ok(Self::PasswordFirst);
        }
        let linked = auth.github.is_some() && auth.github_identity(&signed_in.user.id).await?.is_some();
        Ok(if linked { Self::Github } else { Self::NoWay })
    }

    /// A locale key.
    fn text(self, session: &Session) -> &'static str {
        match self {
            Self::Password if session.method == Method::Password.as_str() => "step-up-text",
            Self::Password => "step-up-text-password",
            Self::Github => "step-up-text-github",
            Self::PasswordFirst => "step-up-text-password-first",
            Self::NoWay => "step-up-text-no-way",
        }
    }
}

/// What a form asks for, by the path that it is posted to: the locale key of its button.
fn name_of(action: &str) -> Option<&'static str> {
    let key = match action {
        "/devices/end" => "step-up-end-device",
        "/devices/end-others" => "devices-end-others",
        "/auth/github/link" => "account-github-link",
        "/auth/github/unlink" => "account-github-unlink",
        "/admin/events/export" => "step-up-export",
        "/admin/sessions/end" => "step-up-end-device",
        "/admin/sessions/end-all" => "admin-everybody-submit",
        "/admin/roles" => "admin-role-save",
        "/admin/roles/remove" => "step-up-remove-role",
        _ => match action.strip_prefix("/admin/users/")?.split_once('/')?.1 {
            "roles" => "admin-roles-save",
            "disable" => "admin-disable",
            "enable" => "admin-enable",
            "sign-out" => "admin-sign-out",
            "unlink" => "account-github-unlink",
            _ => return None,
        },
    };
    Some(key)
}

/// Says what is about to happen, and asks for the password; or where there is none for GitHub, after which one is `back`
/// on the page one came from.
async fn page(
    visitor: Visitor,
    signed_in: &SignedIn,
    ask: Ask,
    action: String,
    back: String,
    fields: Vec<(String, String)>,
    faults: Faults,
) -> Response {
    let lang = visitor.lang;
    let text = ask.text(&signed_in.session);
    let asked_for = name_of(&action).map(|key| lang.t1("step-up-asked-for", "action", lang.t(key)));
    let email = signed_in.user.email.clone();
    Layout::new(visitor, "step-up-title")
        .status(StatusCode::FORBIDDEN)
        .faults(&faults)
        .render(move || {
            let errors = faults.any().then_some("");
            let cancel = back.clone();
            let waiting = fields
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                .collect_view();
            let form = match ask {
                Ask::Password => view! {
                    <form method="post" action=action data-errors=errors>
                        <FormFault lang faults=faults.clone() />
                        {waiting}
                        <input type="text" name="" value=email autocomplete="username" hidden readonly />
                        <CurrentPassword lang faults name=PASSWORD label="password" autofocus=true />
                        <button>{lang.t("step-up-submit")}</button>
                    </form>
                }
                .into_any(),
                Ask::Github => view! {
                    <form method="post" action="/auth/github/step-up">
                        <input type="hidden" name="next" value=back />
                        <button class="secondary github">{lang.t("login-github")}</button>
                    </form>
                }
                .into_any(),
                Ask::PasswordFirst | Ask::NoWay => ().into_any(),
            };
            view! {
                <section class="narrow card">
                    <h1>{lang.t("step-up-title")}</h1>
                    {asked_for.map(|text| view! { <p><strong>{text}</strong></p> })}
                    <p>{lang.t(text)}</p>
                    {form}
                    <p class="aside"><a href=cancel>{lang.t("step-up-cancel")}</a></p>
                </section>
            }
        })
        .await
}

/// A posted form: the step-up password, and everything else.
struct Fields {
    password: Option<String>,
    others: Vec<(String, String)>,
}

impl Fields {
    fn parse(bytes: &[u8]) -> Self {
        let mut password = None;
        let mut others = Vec::new();
        for (name, value) in url::form_urlencoded::parse(bytes).into_owned() {
            if name == PASSWORD { password = Some(value) } else { others.push((name, value)) }
        }
        Self { password, others }
    }

    fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.others).finish()
    }
}
