//! The numbers of one deployment: how long sessions and tokens live, how many devices. Three presets, after
//! NIST SP 800-63B-4 (AAL1 30 days; AAL2 24 h and 1 h of inactivity; AAL3 12 h and 15 min).

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A blog, a forum.
    Low,
    /// A shop, a social network, software as a service.
    Medium,
    /// Finance, medicine, a back office.
    High,
}

/// What happens to a sign-in when the devices are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceLimit {
    /// The oldest session ends.
    Evict,
    /// The new sign-in is refused.
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Ends a browser session after this time without activity; `None`: never.
    pub session_idle: Option<Duration>,
    /// Ends a browser session this long after sign-in; `None`: never.
    pub session_absolute: Option<Duration>,
    /// The idle deadline is written at most once in this time.
    pub session_roll: Duration,
    /// How long before a deadline the page warns; zero: not at all.
    pub idle_warning: Duration,
    /// The life of an access token.
    pub access_ttl: Duration,
    /// The life of a refresh token, counted anew from each use; `None`: as long as the session.
    pub refresh_ttl: Option<Duration>,
    /// Ends an API session this long after sign-in; `None`: never.
    pub api_absolute: Option<Duration>,
    /// How long a used refresh token still gets the same successor, counted from its first use.
    pub refresh_grace: Duration,
    /// How long before its end a page renews its access token.
    pub refresh_lead: Duration,
    /// Live sessions per user; `None`: any number.
    pub max_devices: Option<u32>,
    pub device_limit: DeviceLimit,
    /// How old a sign-in may be for something sensitive without the password.
    pub step_up: Option<Duration>,
    /// How long the log is kept; `None`: for ever.
    pub log_retention: Option<Duration>,
}

impl Policy {
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
                ..medium
            },
        }
    }

    /// How often activity is written: often enough that a short idle timeout stays exact.
    pub fn roll(&self) -> Duration {
        self.session_idle.map_or(self.session_roll, |idle| self.session_roll.min(idle / 10))
    }
}
