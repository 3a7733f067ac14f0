//! Step-up in place: the form that somebody posted is kept in a page that asks for the password, and posted again with
//! it.

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
    form::{CurrentPassword, Field, FormErrorNotice, FormErrors},
    github_button::GithubButton,
    layout::Layout,
    passkey_form::{CeremonyKind, PasskeyFields, PasskeyInput},
    session_store,
    visitor::{Administrator, Member, Visitor, return_path},
};
use crate::{
    http::{error::HttpError, form},
    state::AppState,
};
use sekisho_core::{
    Error, Session,
    session::SignedIn,
    step_up::{by_github_alone, needs_code},
};
use sekisho_model::AuthMethod;

/// The fields that the step-up page adds to the form kept in it.
const PASSWORD: &str = "step_up_password";
const CODE: &str = "step_up_code";

/// A form posted by somebody who authenticated recently enough for something sensitive (step-up, ASVS 7.5.1), with two
/// factors if the account has a second one. Anybody else is asked for the password, and for a code if the session has
/// presented none, by a page that then posts the same form again.
pub struct RecentlyAuthenticated<W, T> {
    /// [`Member`] or [`Administrator`].
    pub who: W,
    /// Without the step-up page's fields, whichever request it came with.
    pub form: T,
}

/// Who can be asked to authenticate again.
pub trait StepUpSubject: FromRequestParts<AppState, Rejection = Response> + Send + Sync {
    /// Their request.
    fn visitor(&self) -> &Visitor;
    /// Their session: when it last authenticated, and how, decides.
    fn signed_in(&self) -> &Arc<SignedIn>;
}

impl StepUpSubject for Member {
    fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    fn signed_in(&self) -> &Arc<SignedIn> {
        &self.signed_in
    }
}

impl StepUpSubject for Administrator {
    fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    fn signed_in(&self) -> &Arc<SignedIn> {
        &self.signed_in
    }
}

impl<W: StepUpSubject, T: DeserializeOwned> FromRequest<AppState> for RecentlyAuthenticated<W, T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let who = W::from_request_parts(&mut parts, app).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), app).await;
        let bytes = bytes.map_err(|rejection| HttpError::from(rejection).into_response())?;
        let fields = Fields::parse(&bytes);
        require_recent_authentication(&who, &parts, &fields).await?;
        let form = form::parse(fields.encode().as_bytes()).map_err(|error| HttpError::from(error).into_response())?;
        Ok(Self { who, form })
    }
}

async fn require_recent_authentication(
    who: &impl StepUpSubject,
    parts: &Parts,
    fields: &Fields,
) -> Result<(), Response> {
    let (visitor, signed_in) = (who.visitor(), who.signed_in());
    let core = &visitor.app.core;
    if core.step_up.require_recent(signed_in).is_ok() {
        return Ok(());
    }
    let step_up = &core.step_up;
    let presented = match (fields.passkey.response(), &fields.password, &fields.code) {
        (Some(response), ..) => Some(match &visitor.browser {
            Some(browser) => core.passkeys.step_up(browser, response, signed_in, &visitor.context).await,
            None => Err(Error::FlowGone),
        }),
        (None, Some(password), code) => {
            Some(step_up.by_password(signed_in, password, code.as_deref(), &visitor.context).await)
        }
        (None, None, Some(code)) => Some(step_up.by_code(signed_in, code, &visitor.context).await),
        (None, None, None) => None,
    };
    let form_errors = match presented {
        None => FormErrors::default(),
        Some(Ok(token)) => {
            let attached = session_store::attach(&visitor.cookie, token).await;
            return attached.map_err(|error| HttpError::from(error).into_response());
        }
        Some(Err(error)) => FormErrors::of(renamed(error)).map_err(IntoResponse::into_response)?,
    };
    let method = StepUpMethod::of(visitor, signed_in).await.map_err(|error| HttpError::from(error).into_response())?;
    let return_to = return_path(parts, &visitor.app);
    let (action, pending) = (parts.uri.path().to_owned(), fields.others.clone());
    Err(page(visitor.clone(), signed_in, method, action, return_to, pending, form_errors).await)
}

/// The fields have other names in this form.
fn renamed(error: Error) -> Error {
    match error {
        Error::InvalidInput(mut faults) => {
            for fault in &mut faults {
                fault.field = if fault.field == "code" { CODE } else { PASSWORD }.to_owned();
            }
            Error::InvalidInput(faults)
        }
        error => error,
    }
}

/// How somebody can authenticate again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepUpMethod {
    Password,
    /// A password, and a code that the session has not presented.
    PasswordAndCode,
    Passkey,
    Github,
    /// A code: the sign-in is recent, and all that is missing.
    Code,
    /// An administrator without a password: GitHub is not enough for one.
    PasswordFirst,
    NoWay,
}

impl StepUpMethod {
    async fn of(visitor: &Visitor, signed_in: &SignedIn) -> Result<Self, Error> {
        let core = &visitor.app.core;
        if signed_in.user.auth_methods.contains(AuthMethod::Password) {
            let needs_code = needs_code(&signed_in.user, &signed_in.session);
            return Ok(if needs_code { Self::PasswordAndCode } else { Self::Password });
        }
        if core.step_up.lacks_code_alone(signed_in) {
            return Ok(Self::Code);
        }
        if signed_in.user.auth_methods.contains(AuthMethod::Passkey) {
            return Ok(Self::Passkey);
        }
        if !by_github_alone(signed_in) {
            return Ok(Self::PasswordFirst);
        }
        let linked = core.identities.is_configured() && core.identities.linked(&signed_in.user.id).await?.is_some();
        Ok(if linked { Self::Github } else { Self::NoWay })
    }

    /// A locale key.
    fn text(self, session: &Session) -> &'static str {
        match self {
            Self::PasswordAndCode => "step-up-text-password-code",
            Self::Code => "step-up-text-code",
            Self::Passkey => "step-up-text-passkey",
            Self::Password if session.method != AuthMethod::Github => "step-up-text",
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
        "/account/email" => "email-change",
        "/account/mail" => "account-save",
        "/account/data/export" => "data-export-submit",
        "/account/data/delete" => "data-delete",
        "/account/security/totp" | "/account/security/totp/confirm" => "totp-set-up",
        "/account/security/totp/remove" => "totp-remove",
        "/account/security/keep" => "factor-reset-keep",
        "/account/security/recovery-codes" => "recovery-codes-regenerate",
        "/account/passkeys" => "passkeys-add",
        "/account/passkeys/rename" => "passkeys-rename-submit",
        "/account/passkeys/remove" => "passkeys-remove",
        "/auth/github/link" => "account-github-link",
        "/auth/github/unlink" => "account-github-unlink",
        "/admin/events/export" => "step-up-export",
        "/admin/sessions/end" => "step-up-end-device",
        "/admin/sessions/end-all" => "admin-global-sign-out-submit",
        "/admin/roles" => "admin-role-save",
        "/admin/roles/remove" => "step-up-remove-role",
        _ => match action.strip_prefix("/admin/users/")?.split_once('/')?.1 {
            "roles" => "admin-roles-save",
            "disable" => "admin-disable",
            "enable" => "admin-enable",
            "sign-out" => "admin-sign-out",
            "unlink" => "account-github-unlink",
            "reset-factors" => "admin-factors-reset",
            "keep-factors" => "admin-factors-keep",
            _ => return None,
        },
    };
    Some(key)
}

/// Says what is about to happen, and asks for the password; or, where there is none, for GitHub, which redirects to
/// `return_to`, the page one came from.
async fn page(
    visitor: Visitor,
    signed_in: &SignedIn,
    method: StepUpMethod,
    action: String,
    return_to: String,
    fields: Vec<(String, String)>,
    form_errors: FormErrors,
) -> Response {
    let lang = visitor.lang;
    let text = method.text(&signed_in.session);
    let asked_for = name_of(&action).map(|key| lang.t1("step-up-asked-for", "action", lang.t(key)));
    let email = signed_in.user.email.clone();
    let has_passkey = signed_in.user.auth_methods.contains(AuthMethod::Passkey);
    Layout::new(visitor, "step-up-title")
        .status(StatusCode::FORBIDDEN)
        .form_errors(&form_errors)
        .render(move || {
            let errors = form_errors.any().then_some("");
            let cancel = return_to.clone();
            let pending = fields
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                .collect_view();
            let passkey = has_passkey.then(|| {
                view! { <PasskeyInput lang kind=CeremonyKind::StepUp label="step-up-passkey" /> }
            });
            let form = match method {
                StepUpMethod::Passkey => view! {
                    <form method="post" action=action data-errors=errors>
                        <FormErrorNotice lang form_errors />
                        {pending}
                        {passkey}
                    </form>
                }
                .into_any(),
                StepUpMethod::Password | StepUpMethod::PasswordAndCode | StepUpMethod::Code => {
                    let asks_password = method != StepUpMethod::Code;
                    let asks_code = method != StepUpMethod::Password;
                    view! {
                        <form method="post" action=action data-errors=errors>
                            <FormErrorNotice lang form_errors=form_errors.clone() />
                            {pending}
                            <input type="text" name="" value=email autocomplete="username" hidden readonly />
                            {asks_password.then(|| view! {
                                <CurrentPassword lang form_errors=form_errors.clone() name=PASSWORD label="password"
                                    autofocus=true />
                            })}
                            {asks_code.then(|| view! {
                                <Field lang form_errors name=CODE label="second-factor-code" hint="step-up-code-hint"
                                    autocomplete="one-time-code" maxlength=64 autofocus=!asks_password />
                            })}
                            <button>{lang.t("step-up-submit")}</button>
                            {passkey}
                        </form>
                    }
                    .into_any()
                }
                StepUpMethod::Github => {
                    view! { <GithubButton lang action="/auth/github/step-up" return_to /> }.into_any()
                }
                StepUpMethod::PasswordFirst | StepUpMethod::NoWay => ().into_any(),
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

/// A posted form: the step-up page's fields, and everything else.
struct Fields {
    password: Option<String>,
    code: Option<String>,
    passkey: PasskeyFields,
    others: Vec<(String, String)>,
}

impl Fields {
    fn parse(bytes: &[u8]) -> Self {
        let (mut password, mut code, mut passkey) = (None, None, PasskeyFields::default());
        let mut others = Vec::new();
        for (name, value) in url::form_urlencoded::parse(bytes).into_owned() {
            match name.as_str() {
                PASSWORD => password = Some(value),
                CODE => code = Some(value),
                _ => others.extend(passkey.take_step_up(name, value)),
            }
        }
        Self { password, code, passkey, others }
    }

    fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.others).finish()
    }
}
