//! Limits open connections, in all and by network. When a limit is reached, the network that holds most loses its
//! oldest connection that serves no request.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::phase::Phase;
use sekisho_core::{rate_limit::network, rate_limit::site};

/// Whatever the machine would bear: an idle connection takes about 20 kB.
const MOST: u64 = 16_384;
/// File descriptors for all else: the database, log, metrics, requests of our own.
const SPARE_DESCRIPTORS: u64 = 256;

/// How many connections may be open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub total: usize,
    /// From one IPv4 address, or one IPv6 /48.
    pub site: usize,
    /// From one IPv6 /64.
    pub network: usize,
}

impl Limits {
    /// What so many file descriptors allow.
    pub(super) fn of(descriptors: u64) -> Self {
        let total = descriptors.saturating_sub(SPARE_DESCRIPTORS).max(descriptors / 2).min(MOST);
        let total = usize::try_from(total).unwrap_or(usize::MAX).max(8);
        let site = (total / 4).clamp(2, 1_024);
        Self { total, site, network: site.div_ceil(2) }
    }
}

/// Counts connections and says which of them have to go.
#[derive(Debug)]
pub(super) struct ConnectionLimiter {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    next: u64,
    networks: HashMap<IpAddr, usize>,
    sites: HashMap<IpAddr, BTreeMap<u64, Entry>>,
    /// The sites by how many connections they have.
    crowds: BTreeSet<(usize, IpAddr)>,
}

#[derive(Clone, Debug)]
struct Entry {
    network: IpAddr,
    phase: Phase,
    evicted: CancellationToken,
}

/// The right to hold a connection open, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    limiter: Arc<ConnectionLimiter>,
    /// `None`: a trusted proxy's.
    entry: Option<(IpAddr, u64)>,
    pub(super) phase: Phase,
    /// Cancelled when the connection is evicted for another.
    pub(super) evicted: CancellationToken,
}

impl ConnectionLimiter {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// A permit for a connection from `peer`, for which another one may have been evicted. `None`: a limit is reached,
    /// and all connections that count to it serve requests. A trusted proxy connects for many clients, so only the
    /// total limits it.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr, is_trusted: bool) -> Option<Permit> {
        let mut open = self.open();
        let (network, site) = (network(peer), site(peer));
        if !is_trusted {
            // An IPv4 address is a network and a site at once.
            let most = if network.is_ipv4() { self.limits.site } else { self.limits.network };
            if open.networks.get(&network).is_some_and(|count| *count >= most) {
                let id = open.oldest_idle(site, Some(network))?;
                open.evict(site, id);
            }
            if open.sites.get(&site).is_some_and(|entries| entries.len() >= self.limits.site) {
                let id = open.oldest_idle(site, None)?;
                open.evict(site, id);
            }
        }
        if open.total >= self.limits.total {
            let mut by_crowd = open.crowds.iter().rev().map(|(_, site)| *site);
            let (site, id) = by_crowd.find_map(|site| Some((site, open.oldest_idle(site, None)?)))?;
            open.evict(site, id);
        }
        open.total += 1;
        let (phase, evicted) = (Phase::default(), CancellationToken::new());
        let entry = (!is_trusted).then(|| {
            let id = open.next;
            open.next += 1;
            *open.networks.entry(network).or_default() += 1;
            let entry = Entry { network, phase: phase.clone(), evicted: evicted.clone() };
            open.change(site, |entries| drop(entries.insert(id, entry)));
            (site, id)
        });
        Some(Permit { limiter: self.clone(), entry, phase, evicted })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The oldest connection of a site, or of one network of it, that serves no request.
    fn oldest_idle(&self, site: IpAddr, network: Option<IpAddr>) -> Option<u64> {
        let is_idle =
            |entry: &Entry| entry.phase.can_be_evicted() && network.is_none_or(|network| network == entry.network);
        self.sites.get(&site)?.iter().find_map(|(id, entry)| is_idle(entry).then_some(*id))
    }

    fn evict(&mut self, site: IpAddr, id: u64) {
        if let Some(entry) = self.remove(site, id) {
            entry.evicted.cancel();
        }
    }

    /// Forgets a connection, if it was not forgotten before.
    fn remove(&mut self, site: IpAddr, id: u64) -> Option<Entry> {
        let mut removed = None;
        self.change(site, |entries| removed = entries.remove(&id));
        let removed = removed?;
        self.total -= 1;
        if let Some(count) = self.networks.get_mut(&removed.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&removed.network);
            }
        }
        Some(removed)
    }

    fn change(&mut self, site: IpAddr, change: impl FnOnce(&mut BTreeMap<u64, Entry>)) {
        let entries = self.sites.entry(site).or_default();
        self.crowds.remove(&(entries.len(), site));
        change(entries);
        match entries.len() {
            0 => drop(self.sites.remove(&site)),
            count => drop(self.crowds.insert((count, site))),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limiter.open();
        match self.entry {
            Some((site, id)) => drop(open.remove(site, id)),
            None => open.total -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(total: usize, site: usize, network: usize) -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(Limits { total, site, network })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn is_evicted(permit: &Option<Permit>) -> bool {
        permit.as_ref().expect("it was admitted").evicted.is_cancelled()
    }

    #[test]
    fn the_limits_leave_descriptors_for_all_else() {
        let limits = Limits::of(1_024);
        assert_eq!((limits.total, limits.site, limits.network), (768, 192, 96));
        let limits = Limits::of(1_048_576);
        assert_eq!((limits.total, limits.site, limits.network), (16_384, 1_024, 512));
        assert!(Limits::of(64).total <= 32);
    }

    #[test]
    fn a_crowded_address_makes_room_by_its_own_oldest_connection_that_serves_nobody() {
        let limiter = limiter(100, 3, 3);
        let crowd: Vec<_> = (0..3).map(|_| limiter.admit(ip("192.0.2.1"), false)).collect();
        let other = limiter.admit(ip("192.0.2.2"), false);
        crowd[0].as_ref().expect("admitted").phase.answering();
        let newcomer = limiter.admit(ip("192.0.2.1"), false);
        assert_eq!([0, 1, 2].map(|n| is_evicted(&crowd[n])), [false, true, false]);
        assert!(!is_evicted(&other) && !is_evicted(&newcomer));
        for permit in crowd.iter().chain([&newcomer]).flatten() {
            permit.phase.answering();
        }
        assert!(limiter.admit(ip("192.0.2.1"), false).is_none(), "what serves a request is never closed");
        // Unless the client does not take its answer.
        crowd[2].as_ref().expect("admitted").phase.stalled(true);
        assert!(limiter.admit(ip("192.0.2.1"), false).is_some() && is_evicted(&crowd[2]));
        drop(crowd);
        assert!(limiter.admit(ip("192.0.2.1"), false).is_some());
    }

    #[test]
    fn when_all_is_full_the_most_crowded_network_makes_room() {
        let limiter = limiter(5, 4, 4);
        let crowd: Vec<_> = (0..4).map(|_| limiter.admit(ip("192.0.2.1"), false)).collect();
        let other = limiter.admit(ip("192.0.2.2"), false);
        let first = limiter.admit(ip("192.0.2.3"), false);
        let second = limiter.admit(ip("192.0.2.4"), false);
        assert_eq!(crowd.iter().filter(|permit| is_evicted(permit)).count(), 2);
        assert!(![&other, &first, &second].into_iter().any(is_evicted));
        assert_eq!(limiter.open().total, 5);
    }

    #[test]
    fn an_attacker_with_many_addresses_of_one_ipv6_network_is_one_crowd() {
        let limiter = limiter(100, 8, 4);
        let same_64: Vec<_> = (0..6).map(|n| limiter.admit(ip(&format!("2001:db8::{n:x}")), false)).collect();
        assert_eq!(same_64.iter().filter(|permit| is_evicted(permit)).count(), 2);
        let same_48: Vec<_> = (0..10).map(|n| limiter.admit(ip(&format!("2001:db8:0:{n:x}::1")), false)).collect();
        assert_eq!(limiter.open().sites[&site(ip("2001:db8::"))].len(), 8);
        assert!(!is_evicted(&same_48[9]));
    }

    #[test]
    fn a_trusted_proxy_connects_for_everybody() {
        let limiter = limiter(6, 2, 2);
        let proxy: Vec<_> = (0..5).map(|_| limiter.admit(ip("10.0.0.1"), true)).collect();
        let direct = limiter.admit(ip("192.0.2.1"), false);
        assert!(proxy.iter().all(Option::is_some));
        let more = limiter.admit(ip("10.0.0.1"), true);
        assert!(more.is_some() && is_evicted(&direct) && !proxy.iter().any(is_evicted));
        assert!(limiter.admit(ip("10.0.0.1"), true).is_none(), "the total holds for it, too");
        drop(proxy);
        assert!(limiter.admit(ip("10.0.0.1"), true).is_some());
    }

    #[test]
    fn what_was_counted_is_forgotten_once() {
        let limiter = limiter(2, 1, 1);
        for _ in 0..10 {
            let first = limiter.admit(ip("192.0.2.1"), false);
            let second = limiter.admit(ip("192.0.2.1"), false);
            assert!(is_evicted(&first) && second.is_some());
        }
        let open = limiter.open();
        assert!(open.total == 0 && open.networks.is_empty() && open.sites.is_empty() && open.crowds.is_empty());
    }
}
