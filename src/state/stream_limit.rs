//! How many event streams one client may hold open at a time, so that nobody exhausts them for all others.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use sekisho_model::SessionId;

/// `/session/events` of one session: a browser has one for each page that is visible.
const PER_SESSION: usize = 32;
/// Anonymous `/api/v1/revocations` streams: of one site, and the number of sites. No client may use up all permits, as
/// a service that loses the feed must refuse every token.
const PER_SITE: usize = 64;
const SITES: usize = 1_000;
/// `/api/v1/revocations` streams that authenticate with one service secret.
const PER_SERVICE: usize = 1_000;

/// The limits of every kind of event stream.
#[derive(Debug)]
pub struct StreamLimits {
    /// By session id.
    pub sessions: Arc<StreamLimiter<SessionId>>,
    revocations_anonymous: Arc<StreamLimiter<RevocationClient>>,
    revocations_services: Arc<StreamLimiter<RevocationClient>>,
}

/// Who follows the revocation feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RevocationClient {
    /// An anonymous client, by its network.
    Site(IpAddr),
    /// A service, by the number of its secret.
    Service(usize),
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            sessions: StreamLimiter::new(PER_SESSION, usize::MAX),
            revocations_anonymous: StreamLimiter::new(PER_SITE, SITES),
            revocations_services: StreamLimiter::new(PER_SERVICE, usize::MAX),
        }
    }
}

impl StreamLimits {
    /// A permit to follow the revocation feed. Anonymous clients never use up the permits of services.
    pub fn acquire_revocations(&self, client: RevocationClient) -> Option<StreamPermit<RevocationClient>> {
        match client {
            RevocationClient::Site(_) => self.revocations_anonymous.acquire(client),
            RevocationClient::Service(_) => self.revocations_services.acquire(client),
        }
    }
}

/// Counts open streams by client.
#[derive(Debug)]
pub struct StreamLimiter<K> {
    open: Mutex<HashMap<K, usize>>,
    per_client: usize,
    clients: usize,
}

/// The right to hold a stream open, given back when dropped.
#[derive(Debug)]
pub struct StreamPermit<K: Hash + Eq> {
    limiter: Arc<StreamLimiter<K>>,
    client: K,
}

impl<K: Hash + Eq + Clone> StreamLimiter<K> {
    fn new(per_client: usize, clients: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), per_client, clients })
    }

    /// `None`: the client has as many as it may, or there are too many clients.
    pub fn acquire(self: &Arc<Self>, client: K) -> Option<StreamPermit<K>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.clients && !open.contains_key(&client) {
            return None;
        }
        let count = open.entry(client.clone()).or_default();
        if *count >= self.per_client {
            return None;
        }
        *count += 1;
        drop(open);
        Some(StreamPermit { limiter: self.clone(), client })
    }
}

impl<K: Hash + Eq> Drop for StreamPermit<K> {
    fn drop(&mut self) {
        let mut open = self.limiter.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_permit_can_be_acquired_again() {
        let limiter = StreamLimiter::new(2, 2);
        let (first, second) = (limiter.acquire("a"), limiter.acquire("a"));
        assert!(first.is_some() && second.is_some() && limiter.acquire("a").is_none());
        let other = limiter.acquire("b");
        assert!(other.is_some() && limiter.acquire("c").is_none(), "the number of clients is limited, too");
        drop(first);
        assert!(limiter.acquire("a").is_some());
        drop(other);
        assert!(limiter.acquire("c").is_some());
    }
}
