//! Why a session ended: one list, used by the API's errors, the sign-in page and the log.

use std::{fmt, str::FromStr};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for Reason {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                match name { $($name => Ok(Self::$variant),)* _ => Err(()) }
            }
        }
    };
}

reasons! {
    /// The person signed out on this device.
    SignedOut = "signed_out",
    /// No input and no navigation for the policy's idle time.
    IdleTimeout = "idle_timeout",
    /// The policy's longest time since sign-in has passed.
    AbsoluteTimeout = "absolute_timeout",
    /// The person ended it from another device.
    RevokedByUser = "revoked_by_user",
    RevokedByAdmin = "revoked_by_admin",
    /// A newer sign-in took its place.
    DeviceLimit = "device_limit",
    PasswordChanged = "password_changed",
    AccountDisabled = "account_disabled",
    /// A used refresh token came back: somebody else holds a copy.
    RefreshReuse = "refresh_reuse",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
