//! The policy of a deployment: session and token lifetimes, device limit, step-up. Three presets after NIST SP 800-63B-4
//! (AAL1 30 days; AAL2 24 h and 1 h of inactivity; AAL3 12 h and 15 min).

use std::time::Duration;

use sekisho_model::{Permission, Permissions, RoleName};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A policy preset (`SEKISHO_PROFILE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Blogs, forums.
    Low,
    /// Shops, social networks, SaaS.
    Medium,
    /// Finance, medicine, back offices.
    High,
}

/// What happens to a sign-in at the device limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceLimit {
    /// The oldest session is revoked.
    Evict,
    /// The new sign-in is rejected.
    Deny,
}

/// Who must have a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mfa {
    /// Nobody.
    Optional,
    /// Whoever may administer.
    Admins,
    /// Whoever may administer, or has one of these roles.
    Roles(Vec<RoleName>),
    /// Everybody.
    Required,
}

impl Mfa {
    /// Whether a user with these roles and permissions must have one.
    pub fn requires(&self, roles: &[RoleName], permissions: &Permissions) -> bool {
        let admin = permissions.allow(Permission::ADMINISTER);
        match self {
            Self::Optional => false,
            Self::Admins => admin,
            Self::Roles(named) => admin || roles.iter().any(|role| named.contains(role)),
            Self::Required => true,
        }
    }
}

/// Lifetimes and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Idle timeout of a browser session; `None`: none.
    pub session_idle: Option<Duration>,
    /// Absolute timeout of a browser session, from sign-in; `None`: none.
    pub session_absolute: Option<Duration>,
    /// The idle deadline is written at most once per this interval.
    pub session_roll: Duration,
    /// How long before the idle deadline pages warn; zero: never.
    pub idle_warning: Duration,
    /// Lifetime of an access token.
    pub access_ttl: Duration,
    /// Sliding lifetime of a refresh token, renewed by each rotation; `None`: as long as the session.
    pub refresh_ttl: Option<Duration>,
    /// Absolute timeout of an API session, from sign-in; `None`: none.
    pub api_absolute: Option<Duration>,
    /// Grace period for replay of a used refresh token, from its first use; not sliding.
    pub refresh_grace: Duration,
    /// How long before its expiry a page renews its access token.
    pub refresh_lead: Duration,
    /// Device limit: live sessions per user; `None`: unlimited.
    pub max_devices: Option<u32>,
    /// What happens at the device limit.
    pub device_limit: DeviceLimit,
    /// Maximum age of an authentication for sensitive actions; `None`: no step-up.
    pub step_up: Option<Duration>,
    /// Retention of the audit log; `None`: unlimited.
    pub log_retention: Option<Duration>,
    /// Whether an account must verify its e-mail address before its first session.
    pub verify_email: bool,
    /// Who must have a second factor.
    pub mfa: Mfa,
    /// How long a browser that presented a second factor needs no other; `None`: not at all.
    pub trust_browser: Option<Duration>,
}

impl Policy {
    /// The preset's values.
    pub fn preset(profile: Profile) -> Self {
        let seconds = Duration::from_secs;
        let medium = Self {
            session_idle: Some(seconds(HOUR)),
            session_absolute: Some(seconds(DAY)),
            session_roll: seconds(MINUTE),
            idle_warning: seconds(MINUTE),
            access_ttl: seconds(15 * MINUTE),
            refresh_ttl: Some(seconds(30 * DAY)),
            api_absolute: Some(seconds(90 * DAY)),
            refresh_grace: seconds(30),
            refresh_lead: seconds(2 * MINUTE),
            max_devices: Some(10),
            device_limit: DeviceLimit::Evict,
            step_up: Some(seconds(10 * MINUTE)),
            log_retention: Some(seconds(400 * DAY)),
            verify_email: false,
            mfa: Mfa::Optional,
            trust_browser: Some(seconds(30 * DAY)),
        };
        match profile {
            Profile::Low => Self {
                session_idle: None,
                session_absolute: Some(seconds(30 * DAY)),
                idle_warning: Duration::ZERO,
                api_absolute: Some(seconds(180 * DAY)),
                max_devices: None,
                step_up: Some(seconds(DAY)),
                log_retention: Some(seconds(90 * DAY)),
                ..medium
            },
            Profile::Medium => medium,
            Profile::High => Self {
                session_idle: Some(seconds(15 * MINUTE)),
                session_absolute: Some(seconds(2 * HOUR)),
                access_ttl: seconds(5 * MINUTE),
                refresh_ttl: Some(seconds(12 * HOUR)),
                api_absolute: Some(seconds(DAY)),
                max_devices: Some(1),
                step_up: Some(seconds(5 * MINUTE)),
                log_retention: Some(seconds(800 * DAY)),
                mfa: Mfa::Required,
                trust_browser: None,
                ..medium
            },
        }
    }

    /// The effective roll interval: at most a tenth of the idle timeout.
    pub fn roll(&self) -> Duration {
        self.session_idle.map_or(self.session_roll, |idle| self.session_roll.min(idle / 10))
    }
}
