//! `/api/v1/me`: one's own account.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    bearer::{Account, AccountRead, BearerUser},
    json::Body,
    problem::Problem,
};
use crate::{
    app::App,
    auth::clock::rfc3339,
    db::{
        sessions,
        users::{ProfileChange, User},
    },
    error::Error,
};

#[derive(Serialize)]
pub struct Me {
    id: String,
    email: String,
    name: String,
    about: String,
    /// `en`, `ja`, or null: follow the browser.
    locale: Option<String>,
    roles: Vec<String>,
    created_at: String,
}

impl From<&User> for Me {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            about: user.about.clone(),
            locale: user.locale.clone(),
            roles: user.roles().map(Into::into).collect(),
            created_at: rfc3339(user.created_at),
        }
    }
}

/// An absent field stays as it is; `null` is told from absent where it means something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
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
pub struct PasswordChange {
    current_password: String,
    new_password: String,
}

pub async fn show(State(app): State<App>, bearer: BearerUser<AccountRead>) -> Result<Json<Me>, Problem> {
    Ok(Json(Me::from(&*bearer.user(&app).await?)))
}

pub async fn update(
    State(app): State<App>,
    bearer: BearerUser<Account>,
    Body(change): Body<Change>,
) -> Result<Json<Me>, Problem> {
    let change = ProfileChange { name: change.name, about: change.about, locale: change.locale };
    let user = app.auth.change_profile(&*bearer.user(&app).await?, change).await?;
    Ok(Json(Me::from(&user)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    password: String,
}

/// `POST /api/v1/me/step-up`: the password again, where an answer asked for it (RFC 9470).
pub async fn step_up(
    State(app): State<App>,
    bearer: BearerUser<Account>,
    Body(proof): Body<Proof>,
) -> Result<StatusCode, Problem> {
    let user = bearer.user(&app).await?;
    app.auth.step_up_api(&user, &bearer.claims.sid, &proof.password, &bearer.caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/v1/me/password`: ends all other sessions.
pub async fn change_password(
    State(app): State<App>,
    bearer: BearerUser<Account>,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let user = bearer.user(&app).await?;
    let session = sessions::find(app.auth.db.reader(), &bearer.claims.sid).await?.ok_or(Error::InvalidToken)?;
    app.auth
        .change_password(&user, &session, &change.current_password, &change.new_password, false, &bearer.caller)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
