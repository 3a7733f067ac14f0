//! `/api/v1/me`: one's own account.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer, Serialize};

use super::bearer::{Account, AccountRead, BearerUser};
use crate::{
    http::{json::JsonBody, problem::Problem},
    state::AppState,
};
use sekisho_core::{Error, ProfileChange, User, account, clock::rfc3339, session::SignedIn};
use sekisho_model::UserId;

#[derive(Serialize)]
pub struct MeResponse {
    id: UserId,
    email: String,
    email_verified: bool,
    name: String,
    about: String,
    /// `en`, `ja`, or null: follow the browser.
    locale: Option<String>,
    roles: Vec<String>,
    created_at: String,
}

impl From<&User> for MeResponse {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified_at.is_some(),
            name: user.name.clone(),
            about: user.about.clone(),
            locale: user.locale.clone(),
            roles: user.role_names().map(Into::into).collect(),
            created_at: rfc3339(user.created_at),
        }
    }
}

/// An absent field stays as it is; `null` is told from absent where it means something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfileRequest {
    #[serde(default, deserialize_with = "some")]
    name: Option<String>,
    #[serde(default, deserialize_with = "some")]
    about: Option<String>,
    #[serde(default, deserialize_with = "some")]
    locale: Option<Option<String>>,
}

fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    current_password: String,
    new_password: String,
    /// Whether GitHub is unlinked as well.
    #[serde(default)]
    remove_links: bool,
}

pub async fn show(State(app): State<AppState>, bearer: BearerUser<AccountRead>) -> Result<Json<MeResponse>, Problem> {
    Ok(Json(MeResponse::from(&*bearer.user(&app).await?)))
}

pub async fn update(
    State(app): State<AppState>,
    bearer: BearerUser<Account>,
    JsonBody(change): JsonBody<UpdateProfileRequest>,
) -> Result<Json<MeResponse>, Problem> {
    let change = ProfileChange { name: change.name, about: change.about, locale: change.locale };
    let user = app.core.accounts.change_profile(&*bearer.user(&app).await?, change, &bearer.context).await?;
    Ok(Json(MeResponse::from(&user)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepUpRequest {
    password: String,
    /// Of the second factor, where the session has presented none.
    code: Option<String>,
}

/// `POST /api/v1/me/step-up`: the password again, and a code, where an answer asked for it (RFC 9470).
pub async fn step_up(
    State(app): State<AppState>,
    bearer: BearerUser<Account>,
    JsonBody(proof): JsonBody<StepUpRequest>,
) -> Result<StatusCode, Problem> {
    let user = bearer.user(&app).await?;
    let presented = (proof.password.as_str(), proof.code.as_deref());
    app.core.step_up.by_password_api(&user, &bearer.claims.sid, presented, &bearer.context).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/v1/me/password`: ends all other sessions; with `remove_links`, unlinks GitHub as well.
pub async fn change_password(
    State(app): State<AppState>,
    bearer: BearerUser<Account>,
    JsonBody(change): JsonBody<ChangePasswordRequest>,
) -> Result<StatusCode, Problem> {
    let user = bearer.user(&app).await?;
    let session = app.core.sessions.find(&bearer.claims.sid).await?.ok_or(Error::InvalidToken)?;
    let permissions = app.core.roles.permissions(&user).await?;
    let signed_in = SignedIn { user: (*user).clone(), session, permissions };
    let change = account::PasswordChange {
        current: &change.current_password,
        new: &change.new_password,
        keep_links: !change.remove_links,
        renew: false,
    };
    app.core.accounts.change_password(&signed_in, change, &bearer.context).await?;
    Ok(StatusCode::NO_CONTENT)
}
