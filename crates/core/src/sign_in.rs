//! Coming in with a password: registering and signing in.

use super::{
    Auth, RequestContext,
    account::parse_name,
    email::Email,
    event::{Entry, Kind, is_among, network_of},
    password::{Password, Verdict},
    reason::Reason,
};
use crate::{
    db::{
        sessions,
        users::{self, User},
    },
    error::{Error, FieldError},
};

/// What a person fills in to get an account.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    pub email: &'a str,
    pub password: &'a str,
    /// Else the address's local part.
    pub name: Option<&'a str>,
    pub locale: Option<&'a str>,
}

impl Auth {
    /// Makes an account for a stranger. All faults of the input are told at once.
    pub async fn register(&self, new: Registration<'_>, context: &RequestContext) -> Result<User, Error> {
        if !self.registration_open {
            return Err(Error::RegistrationClosed);
        }
        self.limits.register(context.ip)?;
        self.create_user(new, context).await
    }

    /// Makes an account, whoever may register.
    pub async fn create_user(&self, new: Registration<'_>, context: &RequestContext) -> Result<User, Error> {
        let email = Email::parse(new.email).ok_or_else(|| FieldError::new("email", "email-invalid"));
        let name = match new.name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => parse_name(name),
            None => parse_name(new.email.split('@').next().unwrap_or_default()),
        };
        let user_inputs = [new.email, new.name.unwrap_or_default()];
        let password = self.passwords.choose("password", new.password, &user_inputs).await?;
        let (email, name, password) = match (email, name, password) {
            (Ok(email), Ok(name), Ok(password)) => (email, name, password),
            (email, name, password) => {
                let name = name.err().filter(|_| email.is_ok()); // an unnamed person's name comes from the address
                return Err(Error::InvalidInput([email.err(), name, password.err()].into_iter().flatten().collect()));
            }
        };
        // Hashed before the address is looked at: a taken one takes as long as a free one.
        let password_hash = Some(self.passwords.hash(password).await?);
        let now = self.clock.now();
        let user = User {
            id: self.clock.new_id(),
            email: email.as_str().into(),
            name,
            about: String::new(),
            locale: new.locale.map(Into::into),
            password_hash,
            roles: "user".into(),
            created_at: now,
            disabled_at: None,
            password_changed_at: Some(now),
            notice_at: None,
            notices_seen_at: None,
        };
        self.insert_user(&user, context).await?;
        Ok(user)
    }

    async fn insert_user(&self, user: &User, context: &RequestContext) -> Result<(), Error> {
        let mut act = self.begin(Some(context)).await?;
        users::insert(act.db(), user).await.map_err(taken)?;
        act.log(Entry::new(Kind::Registered).user(&user.id));
        act.commit().await.map(drop)
    }

    /// Checks an address and a password. An unknown address, a wrong password and an account without one are
    /// answered alike, in text and in time (ASVS 6.3.8).
    pub async fn check_password(&self, email: &str, password: &str, context: &RequestContext) -> Result<User, Error> {
        let device = self.known_device(email, context);
        match device {
            Some(device) => self.limits.password_from_device(email, device.nonce)?,
            None => self.limits.password(context.ip, email)?,
        }
        let user = match Email::parse(email) {
            Some(email) => users::find_by_email(self.db.reader(), email.as_str()).await?,
            None => None,
        };
        let changed_at = user.as_ref().and_then(|user| user.password_changed_at);
        if device.is_some_and(|device| !device.is_since(changed_at)) {
            self.limits.password(context.ip, email)?;
        }
        if device.is_none_or(|device| !device.is_since(changed_at)) {
            // Looked for whoever it is: time must not tell who has an account.
            let user_id = user.as_ref().map_or("", |user| &user.id);
            let known = sessions::list_addresses(self.db.reader(), user_id).await?;
            let network = is_among(context.ip, &known).then(|| network_of(context.ip));
            self.limits.password_anywhere(email, network)?;
        }
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let presented = Password::presented(password);
        let verdict = self.passwords.verify(presented.clone(), stored.clone()).await?;
        let user = match (user, verdict) {
            (Some(user), Verdict::Right | Verdict::RightOutdated) => user,
            (user, _) => {
                let user_id = user.map(|user| user.id);
                self.log_alone(Entry { user_id, ..Entry::new(Kind::SignInFailed) }, context).await?;
                return Err(Error::InvalidCredentials);
            }
        };
        if user.disabled_at.is_some() {
            self.log_alone(Entry::refused(&user.id, Reason::AccountDisabled), context).await?;
            return Err(Error::AccountDisabled);
        }
        if verdict == Verdict::RightOutdated {
            let hash = self.passwords.hash(presented).await?;
            users::upgrade_password(self.db.writer(), &user.id, &stored.unwrap_or_default(), &hash).await?;
            self.forget_profile(&user.id);
        }
        Ok(user)
    }
}

/// A unique violation while making an account means that the address has one.
pub(super) fn taken(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => Error::EmailTaken,
        _ => error.into(),
    }
}
