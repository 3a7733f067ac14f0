//! `POST /admin/users/{id}/…`: what an administrator does to one account. Each answers with a redirect to its page, or
//! with that page and what is wrong.

use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::{
    http::{error::HttpError, form::EmptyForm, path::Path},
    pages::{form::FormErrors, step_up::RecentlyAuthenticated, visitor::Administrator},
};
use sekisho_core::{Error, administration::AccessChange, parse_id};

#[derive(Deserialize)]
pub struct SetRolesForm {
    #[serde(default)]
    roles: Vec<String>,
}

/// `POST /admin/users/{id}/roles`
pub async fn set_roles(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, SetRolesForm>,
) -> Result<Response, HttpError> {
    match change_access(&who, &id, AccessChange::roles(&form.roles)).await {
        Ok(()) => Ok(back(&id, "roles")),
        Err(error) => page(who, &id, None, None, Some(form.roles), FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/disable`: anybody but oneself.
pub async fn disable(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    if id == who.signed_in.user.id.as_str() {
        return Err(Error::Forbidden.into());
    }
    match change_access(&who, &id, AccessChange::disabled(true)).await {
        Ok(()) => Ok(back(&id, "disabled")),
        Err(error) => page(who, &id, None, None, None, FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/enable`
pub async fn enable(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    change_access(&who, &id, AccessChange::disabled(false)).await?;
    Ok(back(&id, "enabled"))
}

/// `POST /admin/users/{id}/sign-out`
pub async fn sign_out(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    visitor.app.core.administration.sign_out_user(&parse_id(&id)?, &visitor.context).await?;
    Ok(back(&id, "signed-out"))
}

/// `POST /admin/users/{id}/unlink`
pub async fn unlink(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    match visitor.app.core.identities.unlink(&parse_id(&id)?, &visitor.context).await {
        Ok(()) => Ok(back(&id, "unlinked")),
        Err(error) => page(who, &id, None, None, None, FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/reset-factors`: in a day, unless the user stops it.
pub async fn reset_factors(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    match visitor.app.core.administration.request_factor_reset(&parse_id(&id)?, &visitor.context).await {
        Ok(_) => Ok(back(&id, "reset")),
        Err(error) => page(who, &id, None, None, None, FormErrors::of(error)?).await,
    }
}

/// `POST /admin/users/{id}/keep-factors`
pub async fn keep_factors(
    Path(id): Path<String>,
    RecentlyAuthenticated { who, .. }: RecentlyAuthenticated<Administrator, EmptyForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    visitor.app.core.administration.cancel_factor_reset(&parse_id(&id)?, &visitor.context).await?;
    Ok(back(&id, "kept"))
}

async fn change_access(who: &Administrator, id: &str, change: AccessChange<'_>) -> Result<(), Error> {
    let visitor = &who.visitor;
    visitor.app.core.administration.change_access(&parse_id(id)?, change, Some(&visitor.context)).await.map(drop)
}

fn back(id: &str, done: &str) -> Response {
    Redirect::to(&format!("/admin/users/{id}?done={done}")).into_response()
}
