//! How often something may be tried: by account and by network. Both count the attempt itself, whatever comes of
//! it, so that the count tells nothing (ASVS 6.3.1).

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::Reference, middleware::NoOpMiddleware, state::keyed::DashMapStateStore};

use super::{clock::Clock, email};
use crate::error::Error;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>;

#[derive(Debug)]
pub struct RateLimits {
    enabled: bool,
    clock: Clock,
    sign_in_network: Limiter<IpAddr>,
    /// Tight where it hurts a guesser, per account and network, so that others cannot lock a person out…
    sign_in_account: Limiter<(String, IpAddr)>,
    /// …and a wide one over all networks, for guesses spread thinly.
    sign_in_anywhere: Limiter<String>,
    register: Limiter<IpAddr>,
    refresh: Limiter<IpAddr>,
    meter: Limiter<IpAddr>,
}

impl RateLimits {
    pub fn new(enabled: bool, clock: Clock) -> Self {
        fn limiter<K: Hash + Eq + Clone>(burst: u32, every: Duration, clock: &Clock) -> Limiter<K> {
            let burst = NonZeroU32::new(burst).expect("a burst is at least one");
            let quota = Quota::with_period(every).expect("a period is above zero").allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
        }
        let seconds = Duration::from_secs;
        Self {
            sign_in_network: limiter(30, seconds(2), &clock),
            sign_in_account: limiter(10, seconds(10), &clock),
            sign_in_anywhere: limiter(100, seconds(60), &clock),
            register: limiter(20, seconds(30), &clock),
            refresh: limiter(240, Duration::from_millis(200), &clock),
            meter: limiter(120, Duration::from_millis(250), &clock),
            enabled,
            clock,
        }
    }

    /// A sign-in, or any other check of a password. `account` is counted in its stored spelling.
    pub fn sign_in(&self, ip: IpAddr, account: &str) -> Result<(), Error> {
        let network = network(ip);
        let account = email::normalise(account);
        self.check(&self.sign_in_network, &network)?;
        self.check(&self.sign_in_account, &(account.clone(), network))?;
        self.check(&self.sign_in_anywhere, &account)
    }

    /// A departure to GitHub, each of which is a row.
    pub fn depart(&self, ip: IpAddr) -> Result<(), Error> {
        self.check(&self.sign_in_network, &network(ip))
    }

    pub fn register(&self, ip: IpAddr) -> Result<(), Error> {
        self.check(&self.register, &network(ip))
    }

    pub fn refresh(&self, ip: IpAddr) -> Result<(), Error> {
        self.check(&self.refresh, &network(ip))
    }

    /// The password meter, which spends the processor on strangers.
    pub fn meter(&self, ip: IpAddr) -> Result<(), Error> {
        self.check(&self.meter, &network(ip))
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &Limiter<K>, key: &K) -> Result<(), Error> {
        if !self.enabled {
            return Ok(());
        }
        limiter.check_key(key).map_err(|not_until| {
            let now = governor::clock::Clock::now(&self.clock);
            let wait = not_until.earliest_possible().duration_since(now);
            Error::RateLimited(wait.into())
        })
    }

    /// Drops the counts that are full again.
    pub(super) fn sweep(&self) {
        self.sign_in_network.retain_recent();
        self.sign_in_account.retain_recent();
        self.sign_in_anywhere.retain_recent();
        self.register.retain_recent();
        self.refresh.retain_recent();
        self.meter.retain_recent();
    }
}

/// What counts as one place: an IPv4 address, an IPv6 /64 (a home gets at least that); `::ffff:a.b.c.d` is IPv4.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !0 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_place_are_one() {
        let of = |ip: &str| network(ip.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn an_account_is_counted_in_one_spelling_and_the_wait_is_told() {
        let clock = Clock::default();
        let limits = RateLimits::new(true, clock.clone());
        let ip = "192.0.2.1".parse().expect("an address");
        for spelling in ["a@b.c", "A@b.c", " a@B.C "].iter().cycle().take(10) {
            limits.sign_in(ip, spelling).expect("within the burst");
        }
        let Err(Error::RateLimited(wait)) = limits.sign_in(ip, "a@b.C") else { panic!("the 11th passes") };
        assert!(wait <= Duration::from_secs(10));
        limits.sign_in(ip, "other@b.c").expect("another account from the same place");
        clock.advance(10_000);
        limits.sign_in(ip, "a@b.c").expect("after the wait");
    }
}
