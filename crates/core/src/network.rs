//! Client networks, as the log records and compares them.

use std::net::IpAddr;

use ipnet::IpNet;

/// The network of an address in CIDR notation: IPv4 /24, IPv6 /64.
pub fn network_of(ip: IpAddr) -> String {
    let ip = ip.to_canonical();
    let prefix = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, prefix).map_or_else(|_| ip.to_string(), |net| net.trunc().to_string())
}

/// Whether an address is in the network of any address in `known`.
pub fn is_among(ip: IpAddr, known: &[String]) -> bool {
    let here = network_of(ip);
    known.iter().any(|known| known.parse().is_ok_and(|known| network_of(known) == here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_a_24_or_an_ipv6_64() {
        let of = |ip: &str| network_of(ip.parse().expect("an address"));
        assert_eq!(of("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }
}
