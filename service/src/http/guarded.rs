//! Calls to addresses that others have chosen: webhook listeners, chat hooks. They must not become
//! a way to reach what only this process reaches (events-and-adapters B7).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

const MAX_URL: usize = 2048;

/// Why an address is refused. Does not repeat it, because chat hooks are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the address is longer than {MAX_URL} characters")]
    TooLong,
    #[error("this is not an address such as https://example.org/hook")]
    NotAnAddress,
    #[error("use https")]
    NotHttps,
    #[error("leave out user name, password and everything from `#` on")]
    Extras,
    #[error("addresses inside the network are not allowed")]
    Internal,
}

/// Checks an address as far as the text alone tells: https, or http to a literal address in one of
/// the `allowed` networks.
pub fn check_foreign_url(text: &str, allowed: &[IpNet]) -> Result<Url, Refused> {
    if text.len() > MAX_URL {
        return Err(Refused::TooLong);
    }
    let url = Url::parse(text).map_err(|_| Refused::NotAnAddress)?;
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(Refused::NotAnAddress),
    };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Refused::Extras);
    }
    if literal.is_some_and(|address| !is_allowed(address, allowed)) {
        return Err(Refused::Internal);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if literal.is_some_and(|address| !is_public(address)) => Ok(url),
        _ => Err(Refused::NotHttps),
    }
}

/// A client that connects to public addresses and to the `allowed` networks only, whatever a name
/// resolves to. Follows no redirects.
pub fn guarded_client(allowed: &[IpNet]) -> reqwest::Client {
    super::install_crypto();
    reqwest::Client::builder()
        .user_agent(concat!("wicketgate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Guard(allowed.to_vec())))
        .build()
        .expect("the settings above are valid")
}

fn is_allowed(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.contains(&address))
}

/// Whether an address is reachable from everywhere, so that reaching it gives nobody anything.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                // Shared address space of providers, and benchmarking.
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let nat64 = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || nat64)
        }
    }
}

/// Leaves out the addresses that are not allowed: the connection then goes to a checked address,
/// without a second look-up in between.
struct Guard(Vec<IpNet>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found
                .filter(|address| is_allowed(address.ip(), &allowed))
                .collect();
            if addresses.is_empty() {
                return Err(Refused::Internal.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_the_network_need_permission() {
        for url in [
            "http://127.0.0.1/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://0x7f.1/",
            "https://user:secret@example.org/",
            "https://example.org/#x",
            "ftp://example.org/",
            "http://example.org/",
            "nonsense",
        ] {
            assert!(check_foreign_url(url, &[]).is_err(), "{url}");
        }
        assert!(check_foreign_url("https://example.org/hooks", &[]).is_ok());
        let loopback = ["127.0.0.0/8".parse().unwrap()];
        assert!(check_foreign_url("http://127.0.0.1:9/", &loopback).is_ok());
        assert_eq!(
            check_foreign_url("http://10.0.0.1/", &loopback),
            Err(Refused::Internal)
        );
    }
}
