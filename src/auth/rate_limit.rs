//! How often something may be tried: by account and by network. Both count the attempt itself, whatever comes of
//! it, so that the count tells nothing (ASVS 6.3.1).

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::Reference, middleware::NoOpMiddleware, state::keyed::DashMapStateStore};

use super::{clock::Clock, email, secret::sha256_hex};
use crate::error::Error;

/// What is read of an account's name: no address is longer.
const MAX_CHARS: usize = 254;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>;

#[derive(Debug)]
pub struct RateLimits {
    enabled: bool,
    clock: Clock,
    sign_in_network: Limiter<IpAddr>,
    /// Tight where it hurts a guesser, per account and network…
    sign_in_account: Limiter<(String, IpAddr)>,
    /// …and a wide one over all networks, for guesses spread thinly. It refills faster than one network may try.
    sign_in_anywhere: Limiter<String>,
    register: Limiter<IpAddr>,
    refresh: Limiter<IpAddr>,
    meter: Limiter<IpAddr>,
    csp_report: Limiter<IpAddr>,
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
        let seconds = Duration::from_secs;
        Self {
            sign_in_network: limiter(30, seconds(2), &clock),
            sign_in_account: limiter(10, seconds(90), &clock),
            sign_in_anywhere: limiter(100, seconds(60), &clock),
            register: limiter(20, seconds(30), &clock),
            refresh: limiter(240, Duration::from_millis(200), &clock),
            meter: limiter(10, seconds(1), &clock),
            csp_report: limiter(20, seconds(30), &clock),
            csp_report_anywhere: limiter(60, seconds(1), &clock),
            enabled,
            clock,
        }
    }

    /// A check of a password. `account` is counted in its stored spelling.
    pub fn password(&self, ip: IpAddr, account: &str) -> Result<(), Error> {
        let network = network(ip);
        self.check(&self.sign_in_network, &network)?;
        self.check(&self.sign_in_account, &(key(account), network))
    }

    /// A sign-in by a stranger, wherever they are. For somebody in a network that the account knows it does not count,
    /// or others could lock them out.
    pub fn password_anywhere(&self, account: &str) -> Result<(), Error> {
        self.check(&self.sign_in_anywhere, &key(account))
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

    /// A report of a browser that our content policy was violated.
    pub fn csp_report(&self, ip: IpAddr) -> Result<(), Error> {
        self.check(&self.csp_report, &network(ip))?;
        self.check(&self.csp_report_anywhere, &())
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
        self.csp_report.retain_recent();
    }
}

/// An account as it is counted: of one size, whatever was typed.
fn key(account: &str) -> String {
    let account: String = account.chars().take(MAX_CHARS).collect();
    sha256_hex(email::normalise(&account).as_bytes())
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
    use crate::auth::HOUR;

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
    fn one_network_cannot_use_up_what_an_account_has_everywhere() {
        let clock = Clock::default();
        let limits = RateLimits::new(true, clock.clone());
        let ip = "192.0.2.1".parse().expect("an address");
        for _ in 0..24 * 60 {
            if limits.password(ip, "a@b.c").is_ok() {
                limits.password_anywhere("a@b.c").expect("room for others");
            }
            clock.advance(60_000);
        }
        assert_eq!(key(&"a".repeat(100_000)).len(), 64);
    }
}
