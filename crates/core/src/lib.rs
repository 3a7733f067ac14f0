//! Sekisho's rules and database: authentication, sessions, tokens, revocation, audit. No HTTP and no HTML.
//!
//! One **session** row stands behind every credential: a browser's cookie, an API client's refresh token and the
//! access tokens issued with it. A credential is accepted only while the session is live:
//!
//! * a cookie is looked up by its hash on every request ([`session`]); a page token, in its place, is verified as access
//!   tokens are and renewed by a refresh token ([`token::page`]);
//! * an access token is verified by signature and times, then against the revocation list in memory
//!   ([`token::access`], [`revocation`]), or looked up if it is opaque;
//! * a refresh token is single-use and rotated ([`token::refresh`]).
//!
//! Which of them are issued is the [`strategy`]'s choice; all are accepted.
//!
//! Sessions begin only in [`sign_in`], for a user whom an [`authenticator`] has authenticated. They end only in a unit
//! of work, which writes the row and the audit log ([`audit`]) in one transaction and publishes the revocation after
//! the commit. Deadlines are compared on each request and need no background job to take effect.

#![warn(missing_docs)]

use std::{ops::Deref, sync::Arc};

pub mod account;
pub mod administration;
pub mod audit;
pub mod authenticator;
pub mod clock;
mod db;
pub mod device_names;
mod email;
mod email_token;
pub mod error;
#[cfg(any(test, feature = "fill"))]
pub mod fill;
pub mod global_sign_out;
mod housekeeping;
mod id;
pub mod identity;
mod link;
pub mod mail;
pub mod metrics;
pub mod network;
mod outbox;
mod paging;
pub mod passkeys;
pub mod pending_flow;
pub mod policy;
pub mod rate_limit;
mod request_context;
pub mod revocation;
pub mod role;
pub mod secret;
pub mod secret_rotation;
pub mod security_log;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod step_up;
pub mod strategy;
pub mod token;
mod unit_of_work;
mod user_agent;
mod user_cache;

pub use clock::UnixMillis;
pub use db::{
    Db, OpenError,
    counts::Count,
    device_names::Device,
    events::{Event, Filter as EventFilter, NamedEvent},
    identities::Identity,
    mails::MailStatus,
    passkeys::Passkey,
    personal_data::ExportedSession,
    roles::Role,
    sessions::{OwnedSession, Session, ending::SessionSelector},
    sqlite_path,
    users::{AuthMethods, Filter as UserFilter, ProfileChange, User},
};
pub use error::{Error, FieldError, GithubError};
pub use id::parse_id;
pub use request_context::{Actor, RequestContext};
pub use user_agent::{Client, DeviceForm};

use account::{Accounts, second_factors::SecondFactors};
use administration::Administration;
use audit::{AuditLog, statistics::Statistics};
use authenticator::{
    breached::BreachedPasswords, device_cookie::DeviceCookies, github::Github, passkey::PasskeyAuthenticator,
    password::PasswordAuthenticator, second_factor::SecondFactorVerifier,
};
use clock::{Clock, millis};
use device_names::DeviceNames;
use global_sign_out::GlobalSignOut;
use identity::Identities;
use mail::Mails;
use metrics::Metrics;
use outbox::Outbox;
use passkeys::Passkeys;
use pending_flow::PendingFlows;
use policy::Policy;
use rate_limit::RateLimits;
use revocation::{Polling, Revocations, list::RevocationList};
use role::Roles;
use secret::MasterSecret;
use secret_rotation::SecretRotation;
use security_log::SecurityLog;
use session::Sessions;
use settings::Settings;
use sign_in::SignIn;
use step_up::StepUp;
use token::{
    access::AccessTokens,
    access_uses::AccessUses,
    introspection::Introspection,
    opaque::OpaqueAccessTokens,
    page::{PageTokens, VerifiedPages},
    refresh::RefreshTokens,
    request::Audiences,
    signing_keys::SigningKeys,
};
use tokio::sync::Notify;
use unit_of_work::Store;
use user_cache::UserCache;

/// The composed subjects. Clones are cheap and share state.
#[derive(Clone)]
pub struct Core(Arc<Subjects>);

/// The subjects of the core; each holds only the dependencies it uses.
pub struct Subjects {
    /// The time source and UUIDv7 generator.
    pub clock: Clock,
    /// Session and token lifetimes, device limit.
    pub policy: Arc<Policy>,
    /// Counters and histograms for `/metrics`.
    pub metrics: Metrics,
    /// Rate limits by account and network.
    pub limits: Arc<RateLimits>,
    /// Roles and their permissions.
    pub roles: Arc<Roles>,
    /// Session lookup, activity and revocation.
    pub sessions: Arc<Sessions>,
    /// Password authentication.
    pub password: Arc<PasswordAuthenticator>,
    /// Passkey authentication.
    pub passkey: Arc<PasskeyAuthenticator>,
    /// Passkeys of accounts.
    pub passkeys: Passkeys,
    /// Device cookies, which give a known browser its own rate limit.
    pub devices: DeviceCookies,
    /// Names that people give to their own devices.
    pub device_names: DeviceNames,
    /// OAuth sign-in and account linking.
    pub identities: Identities,
    /// Recent authentication for sensitive actions.
    pub step_up: Arc<StepUp>,
    /// Enrolment and removal of second factors.
    pub second_factors: Arc<SecondFactors>,
    /// The sign-in pipeline; the only way to begin a session.
    pub sign_in: SignIn,
    /// Registration, profile and password change.
    pub accounts: Arc<Accounts>,
    /// A user's own security events and notices.
    pub security_log: SecurityLog,
    /// JWT signing keys and their rotation.
    pub signing_keys: Arc<SigningKeys>,
    /// Access token issue and verification.
    pub access_tokens: Arc<AccessTokens>,
    /// Token introspection for other services.
    pub introspection: Introspection,
    /// Refresh token rotation and reuse detection.
    pub refresh_tokens: Arc<RefreshTokens>,
    /// The cookies of pages, where these are JWTs.
    pub page_tokens: PageTokens,
    /// The revocation list and its replication between processes.
    pub revocations: Arc<Revocations>,
    /// Revocation of all sessions of all users.
    pub global_sign_out: GlobalSignOut,
    /// Administrators' queries and changes.
    pub administration: Administration,
    /// The outbox of e-mail messages.
    pub mails: Mails,
    /// The audit log and its hash chain.
    pub audit: Arc<AuditLog>,
    /// Rotation of `SEKISHO_SECRET`.
    pub secret_rotation: SecretRotation,
    access_uses: Arc<AccessUses>,
    statistics: Arc<Statistics>,
    store: Arc<Store>,
}

impl Deref for Core {
    type Target = Subjects;

    fn deref(&self) -> &Subjects {
        &self.0
    }
}

impl Core {
    /// Composes the subjects on a migrated database. Loads the signing keys (creating the first one) and the recent
    /// revocations, so that a restart accepts no revoked session.
    ///
    /// # Errors
    /// [`Error::Internal`] if the secret does not decrypt the stored keys, [`Error::Unavailable`].
    pub async fn open(settings: &Settings, db: Db, secret: MasterSecret, clock: Clock) -> Result<Self, Error> {
        let policy = Arc::new(settings.policy.clone());
        let access_ttl = millis(policy.access_ttl);
        let metrics = Metrics::default();
        let statistics = Arc::new(Statistics::new(db.clone(), clock.clone(), metrics.clone()));
        let audit = Arc::new(
            AuditLog::open(db.clone(), clock.clone(), metrics.clone(), statistics.clone(), secret.clone()).await?,
        );
        let stale_for = if settings.strategy.has_page_tokens() { access_ttl } else { 0 };
        let list = Arc::new(RevocationList::new(u32::from_le_bytes(secret::random())));
        let transport = Arc::new(Polling(db.clone()));
        let revocations =
            Revocations::open(list.clone(), db.clone(), clock.clone(), transport.clone(), access_ttl).await?;
        let revocations = Arc::new(revocations);
        let store = Arc::new(Store {
            users: UserCache::new(db.clone(), clock.clone(), stale_for),
            revocations: list,
            transport,
            audit: audit.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            db: db.clone(),
            outbox: Arc::new(Outbox {
                enabled: settings.mail,
                secret: secret.clone(),
                metrics: metrics.clone(),
                written: Notify::new(),
            }),
        });
        let limits = Arc::new(RateLimits::new(settings.rate_limit, clock.clone()));
        let flows = PendingFlows { db: db.clone(), clock: clock.clone(), secret: secret.clone() };
        let devices = DeviceCookies { clock: clock.clone(), secret: secret.clone() };
        let roles = Arc::new(Roles::new(store.clone(), stale_for));
        let github = settings.github.clone().map(|github| Github::new(github, &settings.base_url)).transpose()?;
        let provider = github.as_ref().map(|github| github.provider.key.clone());
        let sessions =
            Arc::new(Sessions { store: store.clone(), policy: policy.clone(), roles: roles.clone(), provider });
        let breached = BreachedPasswords::open(&settings.breached_passwords, metrics.clone())?;
        let password = Arc::new(PasswordAuthenticator::new(
            store.clone(),
            limits.clone(),
            devices.clone(),
            policy.verify_email,
            breached,
            &settings.base_url.host(),
        )?);
        let passkey = Arc::new(PasskeyAuthenticator::new(
            store.clone(),
            limits.clone(),
            flows.clone(),
            &settings.base_url,
            &settings.webauthn_origins,
        )?);
        let verifier = Arc::new(SecondFactorVerifier {
            store: store.clone(),
            limits: limits.clone(),
            secret: secret.clone(),
            passkey: passkey.clone(),
        });
        let second_factors = Arc::new(SecondFactors {
            store: store.clone(),
            policy: policy.clone(),
            flows: flows.clone(),
            secret: secret.clone(),
            issuer: format!("Sekisho {}", settings.base_url.host()),
        });
        let step_up = Arc::new(StepUp {
            store: store.clone(),
            policy: policy.clone(),
            roles: roles.clone(),
            password: password.clone(),
            second_factors: verifier.clone(),
        });
        let passkeys = Passkeys {
            store: store.clone(),
            flows: flows.clone(),
            authenticator: passkey.clone(),
            step_up: step_up.clone(),
            second_factors: second_factors.clone(),
            verify_email: policy.verify_email,
        };
        let accounts = Arc::new(Accounts {
            store: store.clone(),
            limits: limits.clone(),
            password: password.clone(),
            step_up: step_up.clone(),
            registration_open: settings.registration_open,
            verify_email: policy.verify_email,
        });
        let identities = Identities {
            store: store.clone(),
            flows: flows.clone(),
            github,
            password: password.clone(),
            step_up: step_up.clone(),
            registration_open: settings.registration_open,
        };
        identities.bind_hosts().await?;
        let signing = (settings.token_algorithm, settings.key_rotation, access_ttl);
        let signing_keys = Arc::new(SigningKeys::open(store.clone(), secret.clone(), signing).await?);
        let access_uses = Arc::new(AccessUses::new(db, clock.clone()));
        let audiences = Audiences { own: settings.token_audience.clone(), others: settings.audiences.clone() };
        let access_tokens = Arc::new(AccessTokens::new(
            clock.clone(),
            policy.clone(),
            (settings.token_issuer.clone(), audiences),
            (settings.strategy, OpaqueAccessTokens { store: store.clone(), sessions: sessions.clone(), access_ttl }),
            signing_keys.clone(),
            revocations.clone(),
            access_uses.clone(),
        ));
        let refresh_tokens = Arc::new(RefreshTokens {
            store: store.clone(),
            policy: policy.clone(),
            secret: secret.clone(),
            limits: limits.clone(),
            statistics: statistics.clone(),
            sessions: sessions.clone(),
            access: access_tokens.clone(),
            uses: access_uses.clone(),
        });
        let page_tokens = PageTokens {
            store: store.clone(),
            policy: policy.clone(),
            strategy: settings.strategy,
            issuer: settings.token_issuer.clone(),
            keys: signing_keys.clone(),
            revocations: revocations.clone(),
            refresh: refresh_tokens.clone(),
            sessions: sessions.clone(),
            roles: roles.clone(),
            uses: access_uses.clone(),
            verified: VerifiedPages::default(),
        };
        let sign_in = SignIn {
            store: store.clone(),
            sessions: sessions.clone(),
            refresh_tokens: refresh_tokens.clone(),
            flows,
            policy: policy.clone(),
            verifier,
            second_factors: second_factors.clone(),
        };
        let administration = Administration {
            store: store.clone(),
            statistics: statistics.clone(),
            sessions: sessions.clone(),
            accounts: accounts.clone(),
        };
        Ok(Self(Arc::new(Subjects {
            device_names: DeviceNames { store: store.clone() },
            security_log: SecurityLog { store: store.clone() },
            global_sign_out: GlobalSignOut { store: store.clone(), revocations: revocations.clone() },
            introspection: Introspection { store: store.clone(), access: access_tokens.clone() },
            mails: Mails { store: store.clone() },
            secret_rotation: SecretRotation { store: store.clone(), secret },
            clock,
            policy,
            metrics,
            limits,
            roles,
            sessions,
            password,
            passkey,
            passkeys,
            devices,
            identities,
            step_up,
            second_factors,
            sign_in,
            accounts,
            signing_keys,
            access_tokens,
            refresh_tokens,
            page_tokens,
            revocations,
            administration,
            audit,
            access_uses,
            statistics,
            store,
        })))
    }

    /// Writes the recorded access token uses to the database, as the background job does.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the uses are kept for the next call.
    pub async fn flush_access_uses(&self) -> Result<(), Error> {
        self.access_uses.flush().await
    }

    /// Writes the statistics counted in memory to the database.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn flush_statistics(&self) -> Result<(), Error> {
        self.statistics.flush().await.map(drop)
    }

    /// Readiness: runs a read.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn check_readable(&self) -> Result<(), Error> {
        Ok(self.store.db.check_readable().await?)
    }

    /// Readiness: commits a write.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn check_writable(&self) -> Result<(), Error> {
        Ok(self.store.db.check_writable(self.store.now()).await?)
    }

    /// Closes the connection pools after running statements have finished.
    pub async fn close(&self) {
        self.store.db.close().await;
    }
}
