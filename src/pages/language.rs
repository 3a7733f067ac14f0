//! `POST /language`: the language for this browser, and for the account that is signed in.

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{return_to::referring_path, visitor::Visitor};
use crate::{
    http::{
        cookies::{self, CookieKind},
        error::HttpError,
        form::Form,
    },
    locale::Lang,
};
use sekisho_core::{Error, ProfileChange, RequestContext};

#[derive(Deserialize)]
pub struct LanguageForm {
    language: String,
}

pub async fn choose(
    visitor: Visitor,
    headers: HeaderMap,
    Form(choice): Form<LanguageForm>,
) -> Result<Response, HttpError> {
    let lang = Lang::from_code(&choice.language).ok_or(Error::field("language", "locale-unknown"))?;
    let app = &visitor.app;
    if let Some(signed_in) = &visitor.signed_in {
        let change = ProfileChange { locale: Some(Some(lang.code().into())), ..ProfileChange::default() };
        let context = RequestContext { session_id: Some(signed_in.session.id.clone()), ..visitor.context.clone() };
        app.core.accounts.change_profile(&signed_in.user, change, &context).await?;
    }
    let cookie = cookies::set(app, CookieKind::Language, lang.code());
    Ok((cookie, Redirect::to(&referring_path(&headers, &app.origin))).into_response())
}
