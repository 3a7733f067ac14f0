//! `/forgot-password`, `/reset-password` and `/not-me`: recovery by e-mail. A page that a link opens changes nothing, as
//! mail scanners open links; its button does.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{Field, FormErrorNotice, FormErrors},
    layout::{Layout, When},
    mail_link::{TokenForm, TokenQuery, link_gone_page, mail_sent_page},
    register::NewPassword,
    visitor::Visitor,
};
use crate::http::{error::HttpError, form::Form, query::Query};
use sekisho_core::{
    Error,
    account::recovery::{Recovery, ReportedEvent},
};

#[derive(Deserialize)]
pub struct ForgotForm {
    email: String,
}

pub async fn show_forgot(visitor: Visitor) -> Result<Response, HttpError> {
    forgot_page(visitor, String::new(), FormErrors::default()).await
}

pub async fn submit_forgot(visitor: Visitor, Form(form): Form<ForgotForm>) -> Result<Response, HttpError> {
    let requested =
        visitor.app.core.accounts.request_recovery(&form.email, Some(visitor.lang.code()), &visitor.context).await;
    match requested {
        Ok(()) => Ok(mail_sent_page(visitor, "forgot-title", "forgot-sent", form.email.trim().to_owned()).await),
        Err(error) => forgot_page(visitor, form.email, FormErrors::of(error)?).await,
    }
}

async fn forgot_page(visitor: Visitor, email: String, form_errors: FormErrors) -> Result<Response, HttpError> {
    let lang = visitor.lang;
    let available = visitor.app.core.accounts.can_recover();
    let page = Layout::new(visitor, "forgot-title").at("/login").form_errors(&form_errors);
    Ok(page
        .render(move || {
            let errors = form_errors.any().then_some("");
            let form = available.then(|| {
                view! {
                    <p>{lang.t("forgot-text")}</p>
                    <form method="post" action="/forgot-password" data-errors=errors>
                        <FormErrorNotice lang form_errors=form_errors.clone() />
                        <Field lang form_errors name="email" label="email" kind="email" value=email
                            autocomplete="username" autofocus=true maxlength=254 />
                        <button>{lang.t("forgot-submit")}</button>
                    </form>
                }
            });
            view! {
                <section class="narrow card">
                    <h1>{lang.t("forgot-title")}</h1>
                    {form}
                    {(!available).then(|| view! { <p>{lang.t("forgot-unavailable")}</p> })}
                    <p class="aside"><a href="/login">{lang.t("forgot-back")}</a></p>
                </section>
            }
        })
        .await)
}

#[derive(Deserialize)]
pub struct ResetForm {
    token: String,
    new_password: String,
    /// A box that is ticked unless the person unticks it: GitHub links and earlier passkeys are removed.
    unlink: Option<String>,
}

pub async fn show_reset(visitor: Visitor, Query(query): Query<TokenQuery>) -> Result<Response, HttpError> {
    reset_page(visitor, query.token.unwrap_or_default(), true, FormErrors::default()).await
}

pub async fn submit_reset(visitor: Visitor, Form(form): Form<ResetForm>) -> Result<Response, HttpError> {
    let unlink = form.unlink.is_some();
    match visitor.app.core.accounts.recover(&form.token, &form.new_password, !unlink, &visitor.context).await {
        Ok(_) => Ok(Redirect::to("/login?done=reset").into_response()),
        Err(Error::LinkGone) => Ok(link_gone_page(visitor).await),
        Err(error) => reset_page(visitor, form.token, unlink, FormErrors::of(error)?).await,
    }
}

/// `unlink`: whether the box is ticked that unlinks GitHub.
async fn reset_page(
    visitor: Visitor,
    token: String,
    unlink: bool,
    form_errors: FormErrors,
) -> Result<Response, HttpError> {
    let Recovery { user, linked, passkeys } = match visitor.app.core.accounts.recovering(&token).await {
        Ok(recovery) => recovery,
        Err(Error::LinkGone) => return Ok(link_gone_page(visitor).await),
        Err(error) => return Err(error.into()),
    };
    let lang = visitor.lang;
    let page = Layout::new(visitor, "reset-title").at("/login").form_errors(&form_errors);
    Ok(page
        .render(move || {
            let errors = form_errors.any().then_some("");
            view! {
                <section class="narrow card">
                    <h1>{lang.t("reset-title")}</h1>
                    <p>{lang.t1("reset-text", "email", user.email.clone())}</p>
                    <form method="post" action="/reset-password" data-errors=errors>
                        <FormErrorNotice lang form_errors=form_errors.clone() />
                        <input type="hidden" name="token" value=token />
                        // Tells a password manager whose password this is.
                        <input type="text" name="username" value=user.email autocomplete="username" hidden readonly />
                        <NewPassword lang form_errors name="new_password" label="password-new" />
                        {(linked || passkeys).then(|| view! {
                            <div class="choices">
                                <label>
                                    <input type="checkbox" name="unlink" value="yes" checked=unlink
                                        aria-describedby="unlink-hint" />
                                    <span>{lang.t(if passkeys { "reset-remove-passkeys" } else { "password-unlink" })}</span>
                                </label>
                                <p class="hint" id="unlink-hint">
                                    {lang.t(if passkeys { "reset-remove-passkeys-hint" } else { "password-unlink-hint" })}
                                </p>
                            </div>
                        })}
                        <button>{lang.t("reset-submit")}</button>
                    </form>
                </section>
            }
        })
        .await)
}

pub async fn show_not_me(visitor: Visitor, Query(query): Query<TokenQuery>) -> Result<Response, HttpError> {
    let token = query.token.unwrap_or_default();
    match visitor.app.core.accounts.reported(&token).await {
        Ok(reported) => Ok(not_me_page(visitor, token, reported, FormErrors::default()).await),
        Err(Error::LinkGone) => Ok(link_gone_page(visitor).await),
        Err(error) => Err(error.into()),
    }
}

pub async fn submit_not_me(visitor: Visitor, Form(form): Form<TokenForm>) -> Result<Response, HttpError> {
    let reported = match visitor.app.core.accounts.reported(&form.token).await {
        Err(Error::LinkGone) => return Ok(link_gone_page(visitor).await),
        reported => reported?,
    };
    match visitor.app.core.accounts.revert(&form.token, &visitor.context).await {
        // In the answer itself: a redirect would leave the token in the browser's history.
        Ok(reset) => reset_page(visitor, reset.expose().to_owned(), true, FormErrors::default()).await,
        Err(Error::LinkGone) => Ok(link_gone_page(visitor).await),
        Err(error) => Ok(not_me_page(visitor, form.token, reported, FormErrors::of(error)?).await),
    }
}

async fn not_me_page(visitor: Visitor, token: String, reported: ReportedEvent, form_errors: FormErrors) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, "not-me-title")
        .form_errors(&form_errors)
        .render(move || {
            let restored = reported.previous_email.clone();
            view! {
                <section class="narrow card">
                    <h1>{lang.t("not-me-title")}</h1>
                    <p>
                        <strong>{lang.t(&format!("event-{}", reported.event))}</strong> " · "
                        <When at=reported.at />
                    </p>
                    <p>{lang.t("not-me-text")}</p>
                    <ul class="bullets">
                        <li>{lang.t("not-me-sessions")}</li>
                        {restored.map(|email| view! { <li>{lang.t1("not-me-email", "email", email)}</li> })}
                        <li>{lang.t("not-me-added")}</li>
                        <li>{lang.t("not-me-password")}</li>
                    </ul>
                    <form method="post" action="/not-me">
                        <FormErrorNotice lang form_errors />
                        <input type="hidden" name="token" value=token />
                        <button>{lang.t("not-me-submit")}</button>
                    </form>
                    <p class="aside">{lang.t("not-me-was-me")}</p>
                </section>
            }
        })
        .await
}
