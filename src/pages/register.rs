//! `/register`.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{Field, FormErrorNotice, FormErrors, PasswordMeter, ShowPassword},
    github_button::OrGithub,
    layout::Layout,
    mail_link::mail_sent_page,
    return_to::{ReturnTo, local_path, with_return_to},
    sign_in,
    visitor::Visitor,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{Error, account::Registration};

#[derive(Deserialize)]
pub struct RegistrationForm {
    email: String,
    name: Option<String>,
    password: String,
    next: Option<String>,
}

/// What was typed, to be shown again; never the password.
#[derive(Clone, Default)]
struct TypedFields {
    email: String,
    name: String,
}

pub async fn show(visitor: Visitor, Query(query): Query<ReturnTo>) -> Response {
    let return_to = query.path();
    if visitor.signed_in.is_some() {
        return Redirect::to(&return_to).into_response();
    }
    page(visitor, TypedFields::default(), return_to, FormErrors::default()).await
}

pub async fn submit(visitor: Visitor, Form(form): Form<RegistrationForm>) -> Result<Response, HttpError> {
    let return_to = local_path(form.next.as_deref());
    let registration = Registration {
        email: &form.email,
        password: &form.password,
        name: form.name.as_deref(),
        locale: Some(visitor.lang.code()),
    };
    let began = match visitor.app.core.accounts.register(registration, &visitor.context).await {
        Ok(Some(authenticated)) => sign_in::complete(visitor.clone(), authenticated, return_to.clone()).await,
        Ok(None) => {
            return Ok(mail_sent_page(visitor, "register-title", "register-sent", form.email.trim().to_owned()).await);
        }
        Err(error) => Err(error),
    };
    match began {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = TypedFields { email: form.email, name: form.name.unwrap_or_default() };
            Ok(page(visitor, typed, return_to, FormErrors::of(error)?).await)
        }
    }
}

async fn page(visitor: Visitor, typed: TypedFields, return_to: String, form_errors: FormErrors) -> Response {
    let lang = visitor.lang;
    let open = visitor.app.config.core.registration_open;
    let github = visitor.app.config.core.github.is_some();
    let status = if open { StatusCode::OK } else { HttpError::from(Error::RegistrationClosed).status() };
    Layout::new(visitor, "register-title")
        .at("/register")
        .status(status)
        .form_errors(&form_errors)
        .render(move || {
            if open {
                view! { <RegisterPage lang typed return_to form_errors github /> }.into_any()
            } else {
                view! {
                    <section class="narrow card">
                        <h1>{lang.t("register-title")}</h1>
                        <p>{lang.t("register-closed")}</p>
                    </section>
                }
                .into_any()
            }
        })
        .await
}

#[component]
fn RegisterPage(
    lang: Lang,
    typed: TypedFields,
    return_to: String,
    form_errors: FormErrors,
    github: bool,
) -> impl IntoView {
    let login = with_return_to("/login", &return_to);
    let errors = form_errors.any().then_some("");
    view! {
        <section class="narrow card">
            <h1>{lang.t("register-title")}</h1>
            <form method="post" action="/register" data-errors=errors>
                <FormErrorNotice lang form_errors=form_errors.clone() />
                <input type="hidden" name="next" value=return_to.clone() />
                <Field lang form_errors=form_errors.clone() name="email" label="email" kind="email" value=typed.email
                    autocomplete="username" autofocus=true maxlength=254 />
                <Field lang form_errors=form_errors.clone() name="name" label="name" value=typed.name
                    autocomplete="name" hint="name-hint" required=false maxlength=100 />
                <NewPassword lang form_errors name="password" label="password" email="email" />
                <button>{lang.t("register-submit")}</button>
            </form>
            {github.then(|| view! { <OrGithub lang return_to /> })}
            <p class="aside">
                {lang.t("register-have-account")} " " <a href=login>{lang.t("nav-sign-in")}</a>
            </p>
        </section>
    }
}

/// A password being chosen, with the meter.
#[component]
pub fn NewPassword(
    lang: Lang,
    form_errors: FormErrors,
    name: &'static str,
    label: &'static str,
    /// The id of the e-mail field, whose text makes a poor password.
    #[prop(optional)]
    email: Option<&'static str>,
) -> impl IntoView {
    view! {
        <Field lang form_errors name label kind="password" autocomplete="new-password" hint="password-hint"
            minlength=8 maxlength=256>
            <ShowPassword lang input=name />
            <PasswordMeter lang input=name email />
        </Field>
    }
}
