//! What happened to an account: a row for the person and the administrator, a structured line for monitoring
//! (ASVS 16.3.1). No secret and no e-mail address is in either.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Auth, HOUR, RequestContext, reason::Reason, session::SignedIn};
use crate::{
    db::{UnixMillis, events, sessions::Session, users},
    error::Error,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened; its text is `event-<name>` in the locales.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    Registered = "registered",
    SignedIn = "sign_in",
    SignInFailed = "sign_in_failed",
    /// Signed in on a device, or from a network, that this account did not know.
    NewDevice = "new_device",
    SteppedUp = "step_up",
    StepUpFailed = "step_up_failed",
    SessionEnded = "session_ended",
    PasswordChanged = "password_changed",
    GithubLinked = "github_linked",
    GithubUnlinked = "github_unlinked",
    /// A used refresh token came back and was answered: a lost answer, most likely.
    RefreshReplayed = "refresh_replayed",
    /// A used refresh token came back: somebody else holds a copy.
    RefreshReuse = "refresh_reuse",
    AccountDisabled = "account_disabled",
    AccountEnabled = "account_enabled",
    RolesChanged = "roles_changed",
    RoleSaved = "role_saved",
    RoleRemoved = "role_removed",
    /// An administrator signed everybody out.
    EverybodyEnded = "everybody_ended",
    LogExported = "log_exported",
    /// Housekeeping removed entries that were older than the policy keeps them.
    LogTrimmed = "log_trimmed",
    /// The log was found changed, or cut, by other means than this program.
    LogTampered = "log_tampered",
    /// The next signing key was made.
    KeyRotated = "key_rotated",
    /// A signing key is refused from then on.
    KeyWithdrawn = "key_withdrawn",
    /// What the previous secret sealed is sealed with another.
    SecretRotated = "secret_rotated",
}

impl Kind {
    /// What the person should know of even if they don't look for it (ASVS 6.3.7).
    pub const NOTICES: [Self; 5] =
        [Self::NewDevice, Self::PasswordChanged, Self::GithubLinked, Self::GithubUnlinked, Self::RefreshReuse];

    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::SignInFailed | Self::StepUpFailed | Self::RefreshReuse | Self::LogTampered => "failure",
            _ => "success",
        }
    }
}

/// One thing to be logged: what, and whom it is about.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub reason: Option<Reason>,
    pub detail: Option<String>,
}

impl Entry {
    pub fn new(kind: Kind) -> Self {
        Self { kind, user_id: None, session_id: None, reason: None, detail: None }
    }

    /// A sign-in with the right proof that was refused all the same.
    pub fn refused(user_id: &str, reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::new(Kind::SignInFailed).user(user_id) }
    }

    pub fn user(self, id: impl Into<String>) -> Self {
        Self { user_id: Some(id.into()), ..self }
    }

    pub fn session(self, id: impl Into<String>) -> Self {
        Self { session_id: Some(id.into()), ..self }
    }

    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

/// The network of an address as the log keeps it: its /24, or its /64 for IPv6.
pub fn network_of(ip: IpAddr) -> String {
    let ip = ip.to_canonical();
    let prefix = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, prefix).map_or_else(|_| ip.to_string(), |net| net.trunc().to_string())
}

/// Whether an address is in the network of any of `known`.
pub fn is_among(ip: IpAddr, known: &[String]) -> bool {
    let here = network_of(ip);
    known.iter().any(|known| known.parse().is_ok_and(|known| network_of(known) == here))
}

/// How long a device is new, in milliseconds.
const NEW_DEVICE: UnixMillis = 24 * HOUR;

impl Auth {
    /// A page of a person's log, the newest first: `limit` events from before the event `before` on, and where the
    /// next page begins.
    pub async fn events(
        &self,
        user_id: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<events::Event>, Option<String>), Error> {
        let page = events::list(self.db.reader(), user_id, before.unwrap_or_default(), limit as i64 + 1).await?;
        Ok(super::page(page, limit, |event| &event.id))
    }

    /// What a person has not said yet that they have seen, the newest first.
    pub async fn notices(&self, user: &users::User) -> Result<Vec<events::Event>, Error> {
        const MOST: i64 = 20;
        if !user.has_notice() {
            return Ok(Vec::new());
        }
        let kinds = Kind::NOTICES.map(Kind::as_str);
        let since = user.notices_seen_at.unwrap_or_default();
        Ok(events::list_notices(self.db.reader(), &user.id, &kinds, since, MOST).await?)
    }

    /// The person has seen what happened until `until`, the latest that was shown: not what came since. An alarm is not
    /// for the intruder to silence: a device that is new to the account dismisses nothing, and no session what it did
    /// itself.
    pub async fn notices_seen(&self, who: &SignedIn, until: UnixMillis, context: &RequestContext) -> Result<(), Error> {
        if !self.may_dismiss(&who.session) {
            return Err(Error::NewDevice);
        }
        let caused = |event: &&events::Event| event.session_id.as_ref() == Some(&who.session.id);
        let notices = self.notices(&who.user).await?;
        // The mark on the account is made a moment before the entry.
        let first = |event: &events::Event| event.at.min(who.user.notice_at.unwrap_or(event.at)) - 1;
        let own = notices.iter().filter(caused).map(first).min();
        let mut act = self.begin(Some(context)).await?;
        let until = until.min(act.now).min(own.unwrap_or(UnixMillis::MAX));
        users::set_notices_seen(act.db(), &who.user.id, until).await?;
        act.changed(&who.user.id);
        act.commit().await.map(drop)
    }

    /// Whether a session's device is known for long enough to say that what happened is fine.
    pub fn may_dismiss(&self, session: &Session) -> bool {
        session.new_device_at.is_none_or(|at| self.clock.now() - at >= NEW_DEVICE)
    }
}

impl users::User {
    /// Whether something happened that the person should know of and has not seen.
    pub fn has_notice(&self) -> bool {
        self.notice_at.is_some_and(|at| self.notices_seen_at.is_none_or(|seen| seen < at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_of_the_size_that_a_place_has() {
        let of = |ip: &str| network_of(ip.parse().expect("an address"));
        assert_eq!(of("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }
}
