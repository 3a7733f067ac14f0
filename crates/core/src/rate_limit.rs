//! How often something may be tried: by account and by network. Both count the attempt itself, whatever comes of
//! it, so that the count tells nothing (ASVS 6.3.1).

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::Reference, middleware::NoOpMiddleware, state::keyed::DashMapStateStore};

use super::{clock::Clock, email, secret::sha256_hex};
use crate::error::Error;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>;

/// How many networks' budgets an IPv6 site has, which may hold 65,536 networks.
const SITE: u32 = 8;

/// Counts by network, and an IPv6 /48 as a whole too.
#[derive(Debug)]
struct NetworkLimiter {
    network: Limiter<IpAddr>,
    site: Limiter<IpAddr>,
}

#[derive(Debug)]
pub struct RateLimits {
    enabled: bool,
    clock: Clock,
    sign_in_network: NetworkLimiter,
    /// Tight where it hurts a guesser, per account and network…
    sign_in_account: Limiter<(String, IpAddr)>,
    /// …and a wide one over all networks, for guesses spread thinly. It refills faster than one network may try.
    sign_in_anywhere: Limiter<(String, Option<String>)>,
    /// For a browser that signed in to the account before, instead of the others: per account and device cookie.
    sign_in_device: Limiter<(String, String)>,
    /// Guesses of whoever holds a session: per session.
    step_up: Limiter<String>,
    register: NetworkLimiter,
    refresh: NetworkLimiter,
    meter: NetworkLimiter,
    depart: NetworkLimiter,
    csp_report: NetworkLimiter,
    /// Over all networks: each report is a line in the server's log.
    csp_report_anywhere: Limiter<()>,
}

impl RateLimits {
    pub fn new(enabled: bool, clock: Clock) -> Self {
        fn limiter<K: Hash + Eq + Clone>(burst: u32, every: Duration, clock: &Clock) -> Limiter<K> {
            let burst = NonZeroU32::new(burst).expect("a burst is at least one");
            let quota = Quota::with_period(every).expect("a period is above zero").allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
        }
        fn network(burst: u32, every: Duration, clock: &Clock) -> NetworkLimiter {
            let site = limiter(burst * SITE, every / SITE, clock);
            NetworkLimiter { network: limiter(burst, every, clock), site }
        }
        let seconds = Duration::from_secs;
        Self {
            sign_in_network: network(30, seconds(2), &clock),
            sign_in_account: limiter(10, seconds(90), &clock),
            sign_in_anywhere: limiter(100, seconds(60), &clock),
            sign_in_device: limiter(10, seconds(90), &clock),
            step_up: limiter(10, seconds(90), &clock),
            register: network(20, seconds(30), &clock),
            refresh: network(240, Duration::from_millis(200), &clock),
            meter: network(10, seconds(1), &clock),
            depart: network(60, seconds(5), &clock),
            csp_report: network(20, seconds(30), &clock),
            csp_report_anywhere: limiter(60, seconds(1), &clock),
            enabled,
            clock,
        }
    }

    /// A check of a password by a browser that is not known to have signed in to the account.
    pub fn password(&self, ip: IpAddr, account: &str) -> Result<(), Error> {
        self.check_network(&self.sign_in_network, ip)?;
        self.check(&self.sign_in_account, &(account_key(account), network(ip)))
    }

    /// A sign-in by a stranger, wherever they are; or from `known`, a network that the account was used from, which has
    /// a count of its own: those who guess elsewhere can't use it up.
    pub fn password_anywhere(&self, account: &str, known: Option<String>) -> Result<(), Error> {
        self.check(&self.sign_in_anywhere, &(account_key(account), known))
    }

    /// A check of a password by the browser with this device cookie.
    pub fn password_from_device(&self, account: &str, device: &str) -> Result<(), Error> {
        self.check(&self.sign_in_device, &(account_key(account), device.into()))
    }

    /// A check of a password for step-up, by whoever holds the session, in whatever networks; and of whatever sessions
    /// of the account, by a count that nobody can use up who has none.
    pub fn step_up(&self, session_id: &str, account: &str) -> Result<(), Error> {
        self.check(&self.step_up, &session_id.to_owned())?;
        self.check(&self.sign_in_anywhere, &(account_key(account), Some("step-up".into())))
    }

    /// A departure to GitHub, each of which is a row. Counted by itself: it takes nothing from sign-ins.
    pub fn depart(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.depart, ip)
    }

    pub fn register(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.register, ip)
    }

    pub fn refresh(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.refresh, ip)
    }

    /// The password meter, which spends the processor on strangers.
    pub fn meter(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.meter, ip)
    }

    /// A report of a browser that our content policy was violated.
    pub fn csp_report(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.csp_report, ip)?;
        self.check(&self.csp_report_anywhere, &())
    }

    fn check_network(&self, limiter: &NetworkLimiter, ip: IpAddr) -> Result<(), Error> {
        let (network, site) = (network(ip), site(ip));
        if network.is_ipv6() {
            self.check(&limiter.site, &site)?;
        }
        self.check(&limiter.network, &network)
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
        let networks =
            [&self.sign_in_network, &self.register, &self.refresh, &self.meter, &self.depart, &self.csp_report];
        for limiter in networks {
            limiter.network.retain_recent();
            limiter.site.retain_recent();
        }
        self.sign_in_account.retain_recent();
        self.sign_in_anywhere.retain_recent();
        self.sign_in_device.retain_recent();
        self.step_up.retain_recent();
    }
}

/// An account as it is counted: in the spelling that it is looked up by, and of one size.
pub fn account_key(account: &str) -> String {
    sha256_hex(email::normalise(account).as_bytes())
}

/// What counts as one place: an IPv4 address, an IPv6 /64 (a home gets at least that); `::ffff:a.b.c.d` is IPv4.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !0 << 64).into()),
        v4 => v4,
    }
}

/// What one party may own of IPv6, a /48; of IPv4, an address.
pub fn site(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !0 << 80).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HOUR;

    #[test]
    fn addresses_of_one_place_are_one() {
        let of = |ip: &str| network(ip.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let of = |ip: &str| site(ip.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
    }

    #[test]
    fn an_account_is_counted_in_one_spelling_and_the_wait_is_told() {
        let clock = Clock::default();
        let limits = RateLimits::new(true, clock.clone());
        let ip = "192.0.2.1".parse().expect("an address");
        for spelling in ["a@b.c", "A@b.c", " a@B.C "].iter().cycle().take(10) {
            limits.password(ip, spelling).expect("within the burst");
        }
        let Err(Error::RateLimited(wait)) = limits.password(ip, "a@b.C") else { panic!("the 11th passes") };
        assert!(wait <= Duration::from_secs(90));
        limits.password(ip, "other@b.c").expect("another account from the same place");
        // A clock that is set back holds nobody up.
        clock.advance(-HOUR);
        clock.advance(90_000);
        limits.password(ip, "a@b.c").expect("after the wait");
    }

    #[test]
    fn an_ipv6_site_has_one_budget_for_all_its_networks() {
        let limits = RateLimits::new(true, Clock::default());
        let from = |site: u16, network: u16| std::net::Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1).into();
        let tried: Vec<_> = (0..300).map(|n| limits.password(from(1, n), &format!("u{n}@b.c")).is_ok()).collect();
        assert_eq!(tried.iter().filter(|passed| **passed).count(), 240);
        limits.password(from(2, 0), "a@b.c").expect("another site");
    }

    #[test]
    fn one_network_cannot_use_up_what_an_account_has_everywhere() {
        let clock = Clock::default();
        let limits = RateLimits::new(true, clock.clone());
        let ip = "192.0.2.1".parse().expect("an address");
        for _ in 0..24 * 60 {
            if limits.password(ip, "a@b.c").is_ok() {
                limits.password_anywhere("a@b.c", None).expect("room for others");
            }
            clock.advance(60_000);
        }
        assert_eq!(account_key(&"a".repeat(100_000)).len(), 64);
    }
}
