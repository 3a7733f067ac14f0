//! `/register`.

use axum::{
    Extension,
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    error_page::ErrorPage,
    form::{Faults, Field, Form, FormFault},
    layout::Layout,
    login::{GithubButton, Next, enter},
    next::{own_path, with_next},
    visitor::Visitor,
};
use crate::{
    auth::{session::Method, sign_in::Registration},
    error::Error,
    islands::{MeterMessages, PasswordMeter, ShowPassword},
    locale::Lang,
};

#[derive(Deserialize)]
pub struct NewAccount {
    email: String,
    name: Option<String>,
    password: String,
    next: Option<String>,
}

/// What was typed, to be shown again; never the password.
#[derive(Clone, Default)]
struct Typed {
    email: String,
    name: String,
}

pub async fn show(visitor: Visitor, Query(query): Query<Next>) -> Response {
    let next = own_path(query.next.as_deref());
    if visitor.signed_in.is_some() {
        return Redirect::to(&next).into_response();
    }
    page(visitor, Typed::default(), next, Faults::default()).await
}

pub async fn submit(visitor: Visitor, Form(form): Form<NewAccount>) -> Result<Response, ErrorPage> {
    let next = own_path(form.next.as_deref());
    let registration = Registration {
        email: &form.email,
        password: &form.password,
        name: form.name.as_deref(),
        locale: Some(visitor.lang.code()),
    };
    let entered = match visitor.app.auth.register(registration, &visitor.caller).await {
        Ok(user) => enter(&visitor, &user, (Method::Password, None)).await,
        Err(error) => Err(error),
    };
    match entered {
        Ok(device) => Ok((Extension(device), Redirect::to(&next)).into_response()),
        Err(error) => {
            let typed = Typed { email: form.email, name: form.name.unwrap_or_default() };
            Ok(page(visitor, typed, next, Faults::of(error)?).await)
        }
    }
}

async fn page(visitor: Visitor, typed: Typed, next: String, faults: Faults) -> Response {
    let lang = visitor.lang;
    let open = visitor.app.config.registration_open;
    let github = visitor.app.config.github.is_some();
    let status = if open { 200 } else { Error::RegistrationClosed.status() };
    Layout::new(visitor, "register-title")
        .at("/register")
        .status(status)
        .faults(&faults)
        .render(move || {
            if open {
                view! { <RegisterPage lang typed next faults github /> }.into_any()
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
fn RegisterPage(lang: Lang, typed: Typed, next: String, faults: Faults, github: bool) -> impl IntoView {
    let login = with_next("/login", &next);
    let errors = faults.any().then_some("");
    view! {
        <section class="narrow card">
            <h1>{lang.t("register-title")}</h1>
            <form method="post" action="/register" data-errors=errors>
                <FormFault lang faults=faults.clone() />
                <input type="hidden" name="next" value=next.clone() />
                <Field lang faults=faults.clone() name="email" label="email" kind="email" value=typed.email
                    autocomplete="username" autofocus=true maxlength=254 />
                <Field lang faults=faults.clone() name="name" label="name" value=typed.name autocomplete="name"
                    hint="name-hint" required=false maxlength=100 />
                <NewPassword lang faults name="password" label="password" email="email" />
                <button>{lang.t("register-submit")}</button>
            </form>
            {github.then(|| view! { <GithubButton lang next /> })}
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
    faults: Faults,
    name: &'static str,
    label: &'static str,
    /// The id of the e-mail field, whose text makes a poor password.
    #[prop(optional)]
    email: Option<&'static str>,
) -> impl IntoView {
    let messages = MeterMessages::from_lookup(|key| lang.t(key));
    let meter = match email {
        Some(email) => view! { <PasswordMeter input=name.to_owned() email=email.to_owned() messages /> }.into_any(),
        None => view! { <PasswordMeter input=name.to_owned() messages /> }.into_any(),
    };
    view! {
        <Field lang faults name label kind="password" autocomplete="new-password" hint="password-hint"
            minlength=8 maxlength=256>
            <ShowPassword input=name.to_owned() label=lang.t("show-password-label") />
            {meter}
        </Field>
    }
}
