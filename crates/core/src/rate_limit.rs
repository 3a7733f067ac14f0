//! Rate limits by account, network, device and session. Every attempt counts, successful or not, so that the count
//! reveals nothing (ASVS 6.3.1).

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::Reference, middleware::NoOpMiddleware, state::keyed::DashMapStateStore};

use sekisho_model::{SessionId, UserId};

use crate::{clock::Clock, email, error::Error, secret::sha256_hex};

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>;

/// Budget of an IPv6 /48, in networks' budgets; it may contain 65,536 networks.
const SITE: u32 = 8;

/// Counts by network, and by IPv6 /48.
#[derive(Debug)]
struct NetworkLimiter {
    network: Limiter<IpAddr>,
    site: Limiter<IpAddr>,
}

/// The rate limiters, in memory of this process.
#[derive(Debug)]
pub struct RateLimits {
    enabled: bool,
    clock: Clock,
    sign_in_network: NetworkLimiter,
    /// Per account and network: tight.
    sign_in_account: Limiter<(String, IpAddr)>,
    /// Per account over all networks: wide, against distributed guessing. Refills faster than one network may try.
    sign_in_all_networks: Limiter<(String, Option<String>)>,
    /// Per account and device cookie, instead of the others.
    sign_in_device: Limiter<(String, String)>,
    /// Per session: guessing with a stolen session.
    step_up: Limiter<SessionId>,
    /// Per account: codes of six digits, whichever way they come.
    second_factor: Limiter<UserId>,
    register: NetworkLimiter,
    /// Requests for a message, by unauthenticated clients.
    mail_network: NetworkLimiter,
    /// Messages to one address, by network: a stranger can't use up its owner's.
    mail_address: Limiter<(String, IpAddr)>,
    /// Messages to one address over all networks: nobody's mailbox is flooded.
    mail_over_all_networks: Limiter<String>,
    /// Messages that a signed-in user, or whoever knows a password, asks for.
    mail_user: Limiter<String>,
    refresh: NetworkLimiter,
    /// Renewals of page tokens by session: each adds a row, or a log entry.
    page_renewal: Limiter<SessionId>,
    /// Introspection by other services: wide, as one may ask for each request.
    introspection: NetworkLimiter,
    /// Wrong secrets of services, in a count of its own: strangers use up no service's.
    service_secret: NetworkLimiter,
    meter: NetworkLimiter,
    oauth_start: NetworkLimiter,
    passkey_challenge: NetworkLimiter,
    csp_report: NetworkLimiter,
    /// Over all networks: each report is a log line.
    csp_report_all_networks: Limiter<()>,
}

impl RateLimits {
    /// Empty counts; with `enabled` false every check passes.
    pub fn new(enabled: bool, clock: Clock) -> Self {
        #[expect(clippy::expect_used, reason = "the arguments are the constants below")]
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
            sign_in_all_networks: limiter(100, seconds(60), &clock),
            sign_in_device: limiter(10, seconds(90), &clock),
            step_up: limiter(10, seconds(90), &clock),
            second_factor: limiter(5, seconds(300), &clock),
            register: network(20, seconds(30), &clock),
            mail_network: network(10, seconds(60), &clock),
            mail_address: limiter(5, seconds(600), &clock),
            mail_over_all_networks: limiter(30, seconds(300), &clock),
            mail_user: limiter(5, seconds(300), &clock),
            refresh: network(240, Duration::from_millis(200), &clock),
            page_renewal: limiter(120, seconds(1), &clock),
            introspection: network(2_000, Duration::from_millis(2), &clock),
            service_secret: network(30, seconds(2), &clock),
            meter: network(10, seconds(1), &clock),
            oauth_start: network(60, seconds(5), &clock),
            passkey_challenge: network(120, seconds(2), &clock),
            csp_report: network(20, seconds(30), &clock),
            csp_report_all_networks: limiter(60, seconds(1), &clock),
            enabled,
            clock,
        }
    }

    /// Password verification from a browser without a device cookie for the account.
    ///
    /// # Errors
    /// [`Error::RateLimited`], as for all of these.
    pub fn password(&self, ip: IpAddr, account: &str) -> Result<(), Error> {
        self.check_network(&self.sign_in_network, ip)?;
        self.check(&self.sign_in_account, &(account_key(account), network(ip)))
    }

    /// Password sign-in without a device cookie, over all networks. `known` is a network the account was used from: it has
    /// its own count, which guessing from elsewhere can't exhaust.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn password_over_all_networks(&self, account: &str, known: Option<String>) -> Result<(), Error> {
        self.check(&self.sign_in_all_networks, &(account_key(account), known))
    }

    /// Password verification from a browser with this device cookie nonce.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn password_from_device(&self, account: &str, device: &str) -> Result<(), Error> {
        self.check(&self.sign_in_device, &(account_key(account), device.into()))
    }

    /// Reauthentication: per session, and over all sessions of the account, in a count separate from sign-ins.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn step_up(&self, session_id: &SessionId, account: &str) -> Result<(), Error> {
        self.check(&self.step_up, session_id)?;
        self.check(&self.sign_in_all_networks, &(account_key(account), Some("step-up".into())))
    }

    /// A code of a second factor, after a right first one: a million possible codes bear few guesses. In memory, so that a
    /// transaction that is rolled back forgets none.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn second_factor(&self, user_id: &UserId) -> Result<(), Error> {
        self.check(&self.second_factor, user_id)
    }

    /// Start of an OAuth flow, which inserts a row; separate from sign-ins.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn oauth_start(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.oauth_start, ip)
    }

    /// A challenge for a passkey, which inserts a row; each view of the sign-in page asks for one.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn passkey_challenge(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.passkey_challenge, ip)
    }

    /// Registration.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn register(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.register, ip)
    }

    /// A message to an address, known or not.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn mail(&self, ip: IpAddr, address: &str) -> Result<(), Error> {
        self.check_network(&self.mail_network, ip)?;
        self.check(&self.mail_address, &(account_key(address), network(ip)))?;
        self.check(&self.mail_over_all_networks, &account_key(address))
    }

    /// A message that a signed-in user, or whoever knows the password, asks for.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn mail_user(&self, user_id: &UserId) -> Result<(), Error> {
        self.check(&self.mail_user, &user_id.to_string())
    }

    /// Token refresh.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn refresh(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.refresh, ip)
    }

    /// Renewal of a page token.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn page_renewal(&self, session_id: &SessionId) -> Result<(), Error> {
        self.check(&self.page_renewal, session_id)
    }

    /// Token introspection by an authenticated service.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn introspection(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.introspection, ip)
    }

    /// A wrong secret of a service.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn service_secret(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.service_secret, ip)
    }

    /// The password meter: CPU time for unauthenticated clients.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn meter(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.meter, ip)
    }

    /// A CSP violation report.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn csp_report(&self, ip: IpAddr) -> Result<(), Error> {
        self.check_network(&self.csp_report, ip)?;
        self.check(&self.csp_report_all_networks, &())
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

    /// Drops counters whose budget is full again.
    pub(crate) fn remove_idle(&self) {
        let networks = [
            &self.sign_in_network,
            &self.register,
            &self.mail_network,
            &self.refresh,
            &self.introspection,
            &self.service_secret,
            &self.meter,
            &self.oauth_start,
            &self.passkey_challenge,
            &self.csp_report,
        ];
        for limiter in networks {
            limiter.network.retain_recent();
            limiter.site.retain_recent();
        }
        self.sign_in_account.retain_recent();
        self.sign_in_all_networks.retain_recent();
        self.sign_in_device.retain_recent();
        self.step_up.retain_recent();
        self.page_renewal.retain_recent();
        self.second_factor.retain_recent();
        self.mail_address.retain_recent();
        self.mail_over_all_networks.retain_recent();
        self.mail_user.retain_recent();
    }
}

/// The key of an account: SHA-256 of the normalised address, in hex.
pub fn account_key(account: &str) -> String {
    sha256_hex(email::normalise(account).as_bytes())
}

/// The key of a network: an IPv4 address, an IPv6 /64 (the smallest allocation); `::ffff:a.b.c.d` is IPv4.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !0 << 64).into()),
        v4 => v4,
    }
}

/// The key of a site: an IPv6 /48, which one party may own; an IPv4 address.
pub fn site(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !0 << 80).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{HOUR, mock::MockTime};

    #[test]
    fn an_ipv6_64_is_one_network_and_a_48_one_site() {
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
    fn an_account_is_limited_over_all_spellings_and_the_error_has_the_wait() {
        let (clock, time) = MockTime::clock();
        let limits = RateLimits::new(true, clock);
        let ip = "192.0.2.1".parse().expect("an address");
        for spelling in ["a@b.c", "A@b.c", " a@B.C "].iter().cycle().take(10) {
            limits.password(ip, spelling).expect("within the burst");
        }
        let Err(Error::RateLimited(wait)) = limits.password(ip, "a@b.C") else { panic!("the 11th passes") };
        assert!(wait <= Duration::from_secs(90));
        limits.password(ip, "other@b.c").expect("another account from the same network");
        // A wall clock set back does not lengthen the wait.
        time.advance(-HOUR);
        time.advance(90_000);
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
    fn one_network_cannot_exhaust_the_limit_over_all_networks() {
        let (clock, time) = MockTime::clock();
        let limits = RateLimits::new(true, clock);
        let ip = "192.0.2.1".parse().expect("an address");
        for _ in 0..24 * 60 {
            if limits.password(ip, "a@b.c").is_ok() {
                limits.password_over_all_networks("a@b.c", None).expect("budget left for other networks");
            }
            time.advance(60_000);
        }
        assert_eq!(account_key(&"a".repeat(100_000)).len(), 64);
    }
}
