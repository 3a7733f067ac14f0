//! What handlers share.

use std::{ops::Deref, sync::Arc, time::Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{assets::Assets, config::Config};
use sekisho_core::{Core, Db, Error, clock::Clock, secret::MasterSecret};

pub(crate) mod service_secrets;
pub(crate) mod stream_limit;

use service_secrets::ServiceSecrets;
use stream_limit::StreamLimits;

/// The state of the router; a clone is another handle on the same.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What an [`AppState`] dereferences to.
pub struct Shared {
    /// The rules and the database.
    pub core: Core,
    /// As it was read at start.
    pub config: Config,
    pub(crate) assets: Assets,
    /// The base URL's origin: what the browser says of a form of ours.
    pub origin: String,
    /// Cancelled when the server stops: event streams end then.
    pub stopping: CancellationToken,
    pub(crate) service_secrets: ServiceSecrets,
    pub(crate) stream_limits: StreamLimits,
    /// The last write that the readiness probe tried.
    pub(crate) write_check: Mutex<Option<WriteCheck>>,
}

/// A write that the readiness probe tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteCheck {
    pub at: Instant,
    pub succeeded: bool,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// Puts the state together on a migrated database.
    pub async fn new(config: Config, db: Db, secret: MasterSecret, clock: Clock) -> Result<Self, Error> {
        let _ = any_spawner::Executor::init_tokio(); // fails only where it was done before
        let core = Core::open(&config.core, db, secret, clock).await?;
        let origin = config.core.base_url.origin();
        Ok(Self(Arc::new(Shared {
            core,
            origin,
            assets: Assets::load(),
            stopping: CancellationToken::new(),
            service_secrets: ServiceSecrets::new(&config.service_secrets),
            config,
            stream_limits: StreamLimits::default(),
            write_check: Mutex::default(),
        })))
    }
}
