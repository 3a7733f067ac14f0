//! `/verify-email`, `/account/email` and `/confirm-email`: who reads the mail of an address. A page that a link opens
//! changes nothing, as mail scanners open links; its button does.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{Field, FormErrorNotice, FormErrors},
    layout::Layout,
    mail_link::{TokenForm, TokenQuery, link_gone_page, mail_sent_page},
    step_up::RecentlyAuthenticated,
    visitor::{Member, Visitor},
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    state::AppState,
};
use sekisho_core::Error;

/// With a token, the page that the link opens; without one, the page that asks to open it.
pub async fn show_verify(visitor: Visitor, Query(query): Query<TokenQuery>) -> Result<Response, HttpError> {
    match query.token {
        Some(token) => {
            let found = visitor.app.core.accounts.verifying(&token).await;
            button_page(visitor, found, token, ("verify-title", "verify-text", "/verify-email", "verify-submit")).await
        }
        None => unverified_page(visitor, FormErrors::default()).await,
    }
}

pub async fn submit_verify(visitor: Visitor, Form(form): Form<TokenForm>) -> Result<Response, HttpError> {
    match visitor.app.core.accounts.verify_email(&form.token, &visitor.context).await {
        Ok(_) if visitor.signed_in.is_some() => Ok(Redirect::to("/account?done=verified").into_response()),
        Ok(_) => Ok(Redirect::to("/login?done=verified").into_response()),
        Err(Error::LinkGone) => Ok(link_gone_page(visitor).await),
        Err(error) => Err(error.into()),
    }
}

/// `POST /verify-email/send`: another message.
pub async fn send(visitor: Visitor) -> Result<Response, HttpError> {
    let Some(signed_in) = visitor.signed_in.clone() else { return Ok(Redirect::to("/login").into_response()) };
    match visitor.app.core.accounts.send_verification(&signed_in.user, &visitor.context).await {
        Ok(()) => {
            let email = signed_in.user.email.clone();
            Ok(mail_sent_page(visitor, "verify-title", "verify-sent", email).await)
        }
        Err(error) => unverified_page(visitor, FormErrors::of(error)?).await,
    }
}

async fn unverified_page(visitor: Visitor, form_errors: FormErrors) -> Result<Response, HttpError> {
    let Some(signed_in) = visitor.signed_in.clone() else { return Ok(Redirect::to("/login").into_response()) };
    if signed_in.user.email_verified_at.is_some() {
        return Ok(Redirect::to("/account").into_response());
    }
    let lang = visitor.lang;
    let email = signed_in.user.email.clone();
    let page = Layout::new(visitor, "verify-title").at("/account").form_errors(&form_errors);
    Ok(page
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("verify-title")}</h1>
                    <p>{lang.t1("verify-needed", "email", email)}</p>
                    <FormErrorNotice lang form_errors />
                    <form method="post" action="/verify-email/send">
                        <button>{lang.t("verify-send")}</button>
                    </form>
                </section>
            }
        })
        .await)
}

#[derive(Deserialize)]
pub struct EmailForm {
    email: String,
}

pub async fn show_change(member: Member) -> Result<Response, HttpError> {
    change_page(member, String::new(), FormErrors::default()).await
}

pub async fn submit_change(
    State(app): State<AppState>,
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, EmailForm>,
) -> Result<Response, HttpError> {
    match app.core.accounts.request_email_change(&who.signed_in.user, &form.email, &who.visitor.context).await {
        Ok(email) => Ok(mail_sent_page(who.visitor, "email-title", "email-sent", email).await),
        Err(error) => change_page(who, form.email, FormErrors::of(error)?).await,
    }
}

async fn change_page(member: Member, email: String, form_errors: FormErrors) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    if !visitor.app.core.accounts.can_recover() {
        return Err(Error::NotFound.into());
    }
    let lang = visitor.lang;
    let current = signed_in.user.email.clone();
    let page = Layout::new(visitor, "email-title").at("/account").form_errors(&form_errors);
    Ok(page
        .render(move || {
            let errors = form_errors.any().then_some("");
            view! {
                <section class="narrow card">
                    <h1>{lang.t("email-title")}</h1>
                    <p>{lang.t1("email-text", "email", current)}</p>
                    <form method="post" action="/account/email" data-errors=errors>
                        <FormErrorNotice lang form_errors=form_errors.clone() />
                        <Field lang form_errors name="email" label="email-new" kind="email" value=email
                            autocomplete="email" autofocus=true maxlength=254 />
                        <button>{lang.t("email-submit")}</button>
                    </form>
                    <p class="aside"><a href="/account">{lang.t("step-up-cancel")}</a></p>
                </section>
            }
        })
        .await)
}

/// For the account's owner only, who signs in first: whoever reads the new mailbox alone changes nothing.
pub async fn show_confirm(member: Member, Query(query): Query<TokenQuery>) -> Result<Response, HttpError> {
    let token = query.token.unwrap_or_default();
    let found = member.visitor.app.core.accounts.confirming(&member.signed_in.user, &token).await;
    let texts = ("email-title", "email-confirm-text", "/confirm-email", "email-confirm-submit");
    button_page(member.visitor, found, token, texts).await
}

pub async fn submit_confirm(member: Member, Form(form): Form<TokenForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    match visitor.app.core.accounts.confirm_email_change(&signed_in.user, &form.token, &visitor.context).await {
        Ok(_) => Ok(Redirect::to("/account?done=email").into_response()),
        Err(Error::LinkGone) => Ok(link_gone_page(visitor).await),
        Err(error) => Err(error.into()),
    }
}

/// The page of a link that is for the address `found`: one button, which posts the token to `action`.
async fn button_page(
    visitor: Visitor,
    found: Result<String, Error>,
    token: String,
    (title, text, action, submit): (&'static str, &'static str, &'static str, &'static str),
) -> Result<Response, HttpError> {
    let email = match found {
        Ok(email) => email,
        Err(Error::LinkGone) => return Ok(link_gone_page(visitor).await),
        Err(error) => return Err(error.into()),
    };
    let lang = visitor.lang;
    let page = Layout::new(visitor, title);
    Ok(page
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t(title)}</h1>
                    <p>{lang.t1(text, "email", email)}</p>
                    <form method="post" action=action>
                        <input type="hidden" name="token" value=token />
                        <button>{lang.t(submit)}</button>
                    </form>
                </section>
            }
        })
        .await)
}
