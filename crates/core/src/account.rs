//! What a person changes about their own account.

use super::{
    Auth, RequestContext,
    event::{Entry, Kind},
    link::remove_links,
    reason::Reason,
    session::{CookieToken, Method, SignedIn, Which},
    step_up::renew_cookie,
};
use crate::{
    db::users::{self, ProfileChange, User},
    error::{Error, FieldError},
};

const MAX_NAME: usize = 100;
const MAX_ABOUT: usize = 2_000;
/// The languages the pages speak; the account's `locale` is one of them, or none.
pub const LOCALES: [&str; 2] = ["en", "ja"];

/// A name as shown: 1 to 100 characters on one line.
pub fn parse_name(raw: &str) -> Result<String, FieldError> {
    let name = raw.trim();
    let code = match name.chars().count() {
        0 => "name-empty",
        1..=MAX_NAME if name.chars().any(char::is_control) => "name-control",
        1..=MAX_NAME => return Ok(name.to_owned()),
        _ => "name-too-long",
    };
    Err(FieldError::new("name", code))
}

fn parse_about(raw: &str) -> Result<String, FieldError> {
    let about = raw.trim().replace("\r\n", "\n");
    let unprintable = |c: char| c.is_control() && c != '\n' && c != '\t';
    if about.chars().count() > MAX_ABOUT {
        return Err(FieldError::new("about", "about-too-long"));
    }
    if about.contains(unprintable) {
        return Err(FieldError::new("about", "about-control"));
    }
    Ok(about)
}

fn parse_locale(locale: Option<String>) -> Result<Option<String>, FieldError> {
    match locale {
        Some(locale) if !LOCALES.contains(&locale.as_str()) => Err(FieldError::new("locale", "locale-unknown")),
        locale => Ok(locale),
    }
}

/// A password to be changed.
#[derive(Clone, Copy)]
pub struct PasswordChange<'a> {
    /// Not looked at where the account has none.
    pub current: &'a str,
    pub new: &'a str,
    /// Whether GitHub stays linked: else somebody else's link, made while the old password was in their hands, would
    /// let them in again.
    pub keep_links: bool,
    /// Whether this session, a browser's, gets a new secret, which the caller has to deliver (ASVS 7.2.4).
    pub renew: bool,
}

impl Auth {
    /// Changes a profile and returns it as it now is. All faults of the input are told at once.
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
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        let changed = users::update_profile(act.db(), user, &change, now).await?.ok_or(Error::NotFound)?;
        act.changed(&user.id);
        act.commit().await?;
        Ok(changed)
    }

    /// Sets a new password and ends every other session (ASVS 6.2.3, 7.4.3). The current password is asked for; an
    /// account that has none needs a recent sign-in.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        change: PasswordChange<'_>,
        context: &RequestContext,
    ) -> Result<Option<CookieToken>, Error> {
        let SignedIn { user, session, .. } = signed_in;
        let old = user.password_hash.clone();
        if old.is_some() {
            self.prove(user, &session.id, ("current_password", change.current), context).await?;
        } else {
            self.require_recent_sign_in(signed_in)?;
        }
        let new = self.passwords.choose("new_password", change.new, &[&user.email, &user.name]).await?;
        let new = new.map_err(|fault| Error::InvalidInput(vec![fault]))?;
        let hash = self.passwords.hash(new).await?;
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        if !users::swap_password(act.db(), &user.id, old.as_deref(), &hash, now).await? {
            return Err(Error::field("current_password", "password-wrong"));
        }
        act.notify(&user.id).await?;
        let token =
            if change.renew { Some(renew_cookie(&mut act, &session.id, Method::Password).await?) } else { None };
        act.log(Entry::new(Kind::PasswordChanged).user(&user.id).session(&session.id));
        // Whoever sets a first password has come by the link just now.
        if old.is_some() && !change.keep_links {
            remove_links(&mut act, &user.id).await?;
        }
        act.end(Which::Others { user_id: &user.id, keep: &session.id }, Reason::PasswordChanged).await?;
        act.commit().await?;
        Ok(token)
    }

    /// Sets a password for somebody who can't, removes their links unless they are to stay, and ends all their sessions;
    /// returns how many sessions and links those were.
    pub async fn reset_password(
        &self,
        user: &User,
        new: &str,
        keep_links: bool,
        context: &RequestContext,
    ) -> Result<(usize, u64), Error> {
        let new = self.passwords.choose("password", new, &[&user.email, &user.name]).await?;
        let new = new.map_err(|fault| Error::InvalidInput(vec![fault]))?;
        let hash = self.passwords.hash(new).await?;
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        let was = users::find_for_update(act.db(), &user.id).await?.ok_or(Error::NotFound)?;
        users::swap_password(act.db(), &user.id, was.password_hash.as_deref(), &hash, now).await?;
        act.notify(&user.id).await?;
        act.log(Entry::new(Kind::PasswordChanged).user(&user.id));
        let links = if keep_links { 0 } else { remove_links(&mut act, &user.id).await? };
        act.end(Which::AllOf(&user.id), Reason::PasswordChanged).await?;
        Ok((act.commit().await?, links))
    }
}
