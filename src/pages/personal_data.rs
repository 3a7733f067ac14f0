//! `/account/data`: a copy of one's data, and the deletion of one's account, with 7 days to change one's mind.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::{
    form::{FormErrorNotice, FormErrors},
    layout::Layout,
    step_up::RecentlyAuthenticated,
    visitor::Member,
};
use crate::{
    http::{
        error::HttpError,
        form::{EmptyForm, Form},
        personal_data,
    },
    state::AppState,
};

pub async fn show(member: Member) -> Response {
    page(member, FormErrors::default()).await
}

/// `POST /account/data/export`: a download, after which the page stays.
pub async fn export(
    State(app): State<AppState>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Member, EmptyForm>,
) -> Result<Response, HttpError> {
    Ok(personal_data::download(app, who.signed_in.user.id.clone(), &who.visitor.context).await?)
}

/// `POST /account/data/delete`: ends all other sessions.
pub async fn delete(
    State(app): State<AppState>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Member, EmptyForm>,
) -> Result<Response, HttpError> {
    let (user, session) = (&who.signed_in.user, &who.signed_in.session);
    match app.core.accounts.request_deletion(&user.id, Some(&session.id), &who.visitor.context).await {
        Ok(_) => Ok(Redirect::to("/account/data").into_response()),
        Err(error) => Ok(page(who, FormErrors::of(error)?).await),
    }
}

/// `POST /account/data/keep`: harmless, so that it asks for nothing.
pub async fn keep(member: Member, Form(EmptyForm {}): Form<EmptyForm>) -> Result<Redirect, HttpError> {
    let Member { visitor, signed_in } = member;
    visitor.app.core.accounts.cancel_deletion(&signed_in.user.id, &visitor.context).await?;
    Ok(Redirect::to("/account/data"))
}

async fn page(member: Member, form_errors: FormErrors) -> Response {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let pending = signed_in.user.delete_at.is_some();
    Layout::new(visitor, "data-title")
        .at("/account")
        .form_errors(&form_errors)
        .render(move || {
            view! {
                <h1>{lang.t("data-title")}</h1>
                <section class="card" aria-labelledby="export">
                    <h2 id="export">{lang.t("data-export")}</h2>
                    <p>{lang.t("data-export-text")}</p>
                    <form method="post" action="/account/data/export">
                        <button class="secondary">{lang.t("data-export-submit")}</button>
                    </form>
                </section>
                <section class="card" aria-labelledby="delete">
                    <h2 id="delete">{lang.t("data-delete")}</h2>
                    <p>{lang.t("data-delete-text")}</p>
                    <ul class="bullets">
                        <li>{lang.t("data-delete-sessions")}</li>
                        <li>{lang.t("data-delete-all")}</li>
                        <li>{lang.t("data-delete-log")}</li>
                    </ul>
                    {(!pending).then(|| view! {
                        <form method="post" action="/account/data/delete">
                            <FormErrorNotice lang form_errors />
                            <button class="danger">{lang.t("data-delete")}</button>
                        </form>
                    })}
                </section>
                <p class="aside"><a href="/account">{lang.t("data-back")}</a></p>
            }
        })
        .await
}
