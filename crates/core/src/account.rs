//! Accounts: registration, profile, password change and reset. Rejects invalid input with every field error at once.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EndReason, EventKind, UserId};
use tracing::instrument;

use crate::{
    audit::event::Entry,
    authenticator::{Authenticated, password::PasswordAuthenticator},
    clock::UnixMillis,
    db::{
        email_tokens,
        sessions::{Reauthentication, ending::SessionSelector},
        trusted_browsers,
        users::{self, AuthMethods, ProfileChange, User},
    },
    email::{self, Email},
    email_token::Undo,
    error::{Error, FieldError},
    link,
    mail::messages::{mail_account_exists, mail_verification},
    rate_limit::RateLimits,
    request_context::RequestContext,
    session::{SignedIn, credential::CookieToken},
    step_up::{StepUp, renew_cookie},
    unit_of_work::{Store, UnitOfWork},
};

pub mod deletion;
pub mod email_address;
pub mod personal_data;
pub mod profile;
pub mod recovery;
pub mod second_factors;

use email_address::{VERIFY_WITHIN, is_taken, set_verified};
use profile::{parse_about, parse_locale, parse_name};

/// The registration form.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    /// As typed; parsed and normalised by [`Accounts::create`].
    pub email: &'a str,
    /// As typed; 8 to 256 characters (ASVS 6.2.1, 6.2.9).
    pub password: &'a str,
    /// Defaults to the local part of the e-mail address.
    pub name: Option<&'a str>,
    /// `en` or `ja`; `None` follows the browser.
    pub locale: Option<&'a str>,
}

/// A change of one's own password.
#[derive(Clone, Copy)]
pub struct PasswordChange<'a> {
    /// Ignored if the account has no password.
    pub current: &'a str,
    /// The new password, as typed.
    pub new: &'a str,
    /// Keeps linked GitHub accounts. Without it they are removed: an attacker who knew the old password may have linked
    /// their own.
    pub keep_links: bool,
    /// Regenerates the cookie token of this browser session (session fixation, ASVS 7.2.4); the caller sets the cookie.
    pub renew: bool,
}

/// Registration and changes to accounts.
pub struct Accounts {
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) password: Arc<PasswordAuthenticator>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) registration_open: bool,
    pub(crate) verify_email: bool,
}

impl Accounts {
    /// Finds a user by id, from a cache of one second; changes made by this process are visible at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        self.store.users.find(id).await
    }

    /// Finds a user by id or e-mail address.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find_by_id_or_email(&self, text: &str) -> Result<Option<User>, Error> {
        let text = text.trim();
        match text.parse() {
            Ok(id) => Ok(users::find(self.store.reader(), &id).await?),
            Err(_) => Ok(users::find_by_email(self.store.reader(), &email::normalise(text)).await?),
        }
    }

    /// Registers an account for an unauthenticated client, rate-limited by network. `None` if a mail server is configured:
    /// then the address gets a message, one to verify it or one that it has an account already, and the response is the
    /// same for both (user enumeration, ASVS 6.3.8).
    ///
    /// # Errors
    /// [`Error::RegistrationClosed`], [`Error::RateLimited`], and those of [`Accounts::create`].
    #[instrument(level = "debug", skip_all)]
    pub async fn register(
        &self,
        new: Registration<'_>,
        context: &RequestContext,
    ) -> Result<Option<Authenticated>, Error> {
        if !self.registration_open {
            return Err(Error::RegistrationClosed);
        }
        self.limits.register(context.ip)?;
        let user = self.parse(new).await?;
        if !self.store.outbox.enabled {
            return Ok(Some(self.password.enrolled(self.insert(user, context).await?)));
        }
        self.limits.mail(context.ip, &user.email)?;
        let mut work = self.store.begin(Some(context)).await?;
        let verify_by = self.verify_email.then_some(work.now + VERIFY_WITHIN);
        let taken = is_taken(&mut work, &user.email, &user.id).await?;
        // Taken too if a concurrent registration was first.
        if taken || !users::insert(work.db(), &user, verify_by).await? {
            mail_account_exists(&mut work, &user.email, new.locale).await?;
        } else {
            work.log(Entry::new(EventKind::Registered).user(&user.id));
            mail_verification(&mut work, &user).await?;
        }
        work.commit().await?;
        Ok(None)
    }

    /// Creates an account, even if registration is closed. Its address counts as verified: the operator vouches for it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with all field errors, [`Error::EmailTaken`], [`Error::Busy`].
    #[instrument(level = "debug", skip_all)]
    pub async fn create(&self, new: Registration<'_>, context: &RequestContext) -> Result<User, Error> {
        let user = self.parse(new).await?;
        self.insert(User { email_verified_at: Some(self.store.now()), ..user }, context).await
    }

    async fn insert(&self, user: User, context: &RequestContext) -> Result<User, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        insert_new(&mut work, &user).await?;
        work.log(Entry::new(EventKind::Registered).user(&user.id));
        work.commit().await?;
        Ok(user)
    }

    /// Parses a registration and hashes its password.
    async fn parse(&self, new: Registration<'_>) -> Result<User, Error> {
        let email = Email::parse(new.email).ok_or_else(|| FieldError::new("email", "email-invalid"));
        let name = match new.name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => parse_name(name),
            None => parse_name(new.email.split('@').next().unwrap_or_default()),
        };
        let user_inputs = [new.email, new.name.unwrap_or_default()];
        let hashing = &self.password.hashing;
        let password = hashing.choose("password", new.password, &user_inputs).await?;
        let (email, name, password) = match (email, name, password) {
            (Ok(email), Ok(name), Ok(password)) => (email, name, password),
            (email, name, password) => {
                let name = name.err().filter(|_| email.is_ok()); // the default name comes from the address
                return Err(Error::InvalidInput([email.err(), name, password.err()].into_iter().flatten().collect()));
            }
        };
        // Hash before the lookup: a registered address must take as long as a free one (user enumeration, ASVS 6.3.8).
        let password_hash = Some(hashing.hash(password).await?);
        Ok(User {
            locale: new.locale.map(Into::into),
            password_hash,
            auth_methods: AuthMethods::new([AuthMethod::Password]),
            ..new_user(self.store.new_user_id(), email.as_str(), name, self.store.now())
        })
    }

    /// Changes a profile and returns the updated user.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with all field errors, [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn change_profile(
        &self,
        user: &User,
        change: ProfileChange,
        context: &RequestContext,
    ) -> Result<User, Error> {
        let name = change.name.as_deref().map(parse_name).transpose();
        let about = change.about.as_deref().map(parse_about).transpose();
        let locale = change.locale.map(parse_locale).transpose();
        let change = match (name, about, locale) {
            (Ok(name), Ok(about), Ok(locale)) => ProfileChange { name, about, locale },
            (name, about, locale) => {
                let faults = [name.err(), about.err(), locale.err()];
                return Err(Error::InvalidInput(faults.into_iter().flatten().collect()));
            }
        };
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let changed = users::update_profile(work.db(), user, &change, now).await?.ok_or(Error::NotFound)?;
        work.user_changed(&user.id);
        work.commit().await?;
        Ok(changed)
    }

    /// Changes the password and revokes all other sessions (ASVS 6.2.3, 7.4.3). Requires the current password; an account
    /// without one requires a recent sign-in. Returns the regenerated cookie token if `change.renew` is set.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::StepUpRequired`], [`Error::Forbidden`], [`Error::RateLimited`], [`Error::Busy`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        change: PasswordChange<'_>,
        context: &RequestContext,
    ) -> Result<Option<CookieToken>, Error> {
        let SignedIn { user, session, .. } = signed_in;
        let old = user.password_hash.clone();
        if old.is_some() {
            self.password.reauthenticate(user, &session.id, ("current_password", change.current), context).await?;
        } else {
            self.step_up.require_recent_sign_in(signed_in)?;
        }
        let hash = self.password.choose("new_password", change.new, user).await?;
        let mut work = self.store.begin(Some(context)).await?;
        work.lock_user(&user.id).await?;
        let now = work.now;
        if !users::swap_password(work.db(), &user.id, old.as_deref(), &hash, now).await? {
            return Err(Error::field("current_password", "password-wrong"));
        }
        email_tokens::delete_all_but_not_me(work.db(), &user.id).await?;
        work.notify(Entry::new(EventKind::PasswordChanged).user(&user.id).session(&session.id), Undo::default())
            .await?;
        trusted_browsers::delete_all(work.db(), &user.id).await?;
        let reauthentication = Reauthentication { method: AuthMethod::Password, second_factor: None, at: now };
        let token =
            if change.renew { Some(renew_cookie(&mut work, &session.id, reauthentication).await?) } else { None };
        // A first password is set by a user who signed in through the link.
        if old.is_some() && !change.keep_links {
            link::remove_all(&mut work, &user.id).await?;
        }
        work.end(SessionSelector::AllBut { user_id: &user.id, keep: &session.id }, EndReason::PasswordChanged).await?;
        work.commit().await?;
        Ok(token)
    }

    /// Resets a user's password, removes their links unless `keep_links`, and revokes all their sessions. Returns the
    /// number of sessions and of links.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::NotFound`], [`Error::Busy`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn reset_password(
        &self,
        user: &User,
        new: &str,
        keep_links: bool,
        context: &RequestContext,
    ) -> Result<(usize, u64), Error> {
        let hash = self.password.choose("password", new, user).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let was = work.lock_user(&user.id).await?.ok_or(Error::NotFound)?;
        let now = work.now;
        users::swap_password(work.db(), &user.id, was.password_hash.as_deref(), &hash, now).await?;
        // What the operator does, no link in an old message undoes.
        email_tokens::delete_since(work.db(), &user.id, 0).await?;
        trusted_browsers::delete_all(work.db(), &user.id).await?;
        work.notify(Entry::new(EventKind::PasswordChanged).user(&user.id), Undo::default()).await?;
        set_verified(&mut work, &user.id, &was.email).await?; // the operator vouches for it
        let links = if keep_links { 0 } else { link::remove_all(&mut work, &user.id).await? };
        work.end(SessionSelector::AllOf(&user.id), EndReason::PasswordChanged).await?;
        Ok((work.commit().await?, links))
    }
}

/// An account without a password, link or role.
pub(crate) fn new_user(id: UserId, email: &str, name: String, now: UnixMillis) -> User {
    User {
        id,
        email: email.into(),
        email_verified_at: None,
        name,
        about: String::new(),
        locale: None,
        password_hash: None,
        roles: Default::default(),
        auth_methods: AuthMethods::default(),
        created_at: now,
        disabled_at: None,
        password_changed_at: Some(now),
        notice_at: None,
        notices_seen_at: None,
        new_device_mail_off_at: None,
        delete_at: None,
        factor_reset_at: None,
        passkey_offer_declined_at: None,
    }
}

/// Inserts an account.
///
/// # Errors
/// [`Error::EmailTaken`], also while the address can still be taken back by an account that changed it.
pub(crate) async fn insert_new(work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    let free = !is_taken(work, &user.email, &user.id).await? && users::insert(work.db(), user, None).await?;
    if free { Ok(()) } else { Err(Error::EmailTaken) }
}

/// Maps a unique violation on a change to [`Error::EmailTaken`].
pub(crate) fn email_error(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => Error::EmailTaken,
        _ => error.into(),
    }
}
