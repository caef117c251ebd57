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
    #[error("this port is not allowed")]
    Port,
}

/// What may be reached inside the network, and by which ports anything may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Addresses that are allowed although they are not public.
    pub networks: Vec<IpNet>,
    /// Names (or literal addresses) that are allowed whatever they resolve to, also without TLS.
    pub hosts: Vec<String>,
    /// Absent: every port.
    pub ports: Option<Vec<u16>>,
}

impl Permissions {
    /// Checks an address as far as the text alone tells: https, or http to an allowed host or to a
    /// literal address in an allowed network.
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
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
        let is_listed = url.host_str().is_some_and(|host| self.lists(host));
        if !is_listed && literal.is_some_and(|address| !is_allowed(address, &self.networks)) {
            return Err(Refused::Internal);
        }
        let is_inside = is_listed || literal.is_some_and(|address| !is_public(address));
        match url.scheme() {
            "https" => {}
            "http" if is_inside => {}
            _ => return Err(Refused::NotHttps),
        }
        let port = url.port_or_known_default().unwrap_or_default();
        match &self.ports {
            Some(ports) if !ports.contains(&port) => Err(Refused::Port),
            _ => Ok(url),
        }
    }

    /// A client that connects to public and to allowed addresses only, whatever a name resolves to.
    /// Follows no redirects.
    pub fn client(&self) -> reqwest::Client {
        super::install_crypto();
        reqwest::Client::builder()
            .user_agent(concat!("wicketgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guard(self.clone())))
            .build()
            .expect("the settings above are valid")
    }

    fn lists(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self.hosts
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(host))
    }
}

/// [`Permissions::check`] with some networks allowed, and every port.
pub fn check_foreign_url(text: &str, allowed: &[IpNet]) -> Result<Url, Refused> {
    networks(allowed).check(text)
}

/// [`Permissions::client`] with some networks allowed.
pub fn guarded_client(allowed: &[IpNet]) -> reqwest::Client {
    networks(allowed).client()
}

fn networks(allowed: &[IpNet]) -> Permissions {
    Permissions {
        networks: allowed.to_vec(),
        ..Permissions::default()
    }
}

/// Whether a request failed because the name resolved to an address that is not allowed.
pub fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref::<Refused>().is_some() {
            return true;
        }
        cause = error.source();
    }
    false
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
            let segments = v6.segments();
            // NAT64 with both prefixes, 6to4, Teredo and IPv4-compatible: all hide an IPv4 address.
            let hides_v4 = segments[..2] == [0x64, 0xff9b]
                || segments[0] == 0x2002
                || segments[..2] == [0x2001, 0]
                || segments[..6] == [0; 6];
            let is_site_local = segments[0] & 0xffc0 == 0xfec0;
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || is_site_local
                || hides_v4)
        }
    }
}

/// Leaves out the addresses that are not allowed: the connection then goes to a checked address,
/// without a second look-up in between.
struct Guard(Permissions);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let permissions = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let is_listed = permissions.lists(name.as_str());
            let addresses: Vec<SocketAddr> = found
                .filter(|address| is_listed || is_allowed(address.ip(), &permissions.networks))
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

    #[test]
    fn listed_hosts_may_lie_inside_and_other_ports_than_the_listed_ones_are_refused() {
        let permissions = Permissions {
            hosts: vec!["portal-mailer".to_owned(), "127.0.0.1".to_owned()],
            ports: Some(vec![443, 3003]),
            ..Permissions::default()
        };
        assert!(permissions.check("http://portal-mailer:3003/").is_ok());
        assert!(permissions.check("http://127.0.0.1:3003/").is_ok());
        assert!(permissions.check("https://example.org/").is_ok());
        for (url, refused) in [
            ("http://portal-mailer:22/", Refused::Port),
            ("https://example.org:25/", Refused::Port),
            ("http://other:3003/", Refused::NotHttps),
            ("http://127.0.0.2:3003/", Refused::Internal),
            ("https://[64:ff9b::7f00:1]/", Refused::Internal),
            ("https://[64:ff9b:1::7f00:1]/", Refused::Internal),
            ("https://[2002:7f00:1::]/", Refused::Internal),
            ("https://[::127.0.0.1]/", Refused::Internal),
            ("https://[fc00::1]/", Refused::Internal),
            ("https://[fe80::1]/", Refused::Internal),
            ("https://[ff02::1]/", Refused::Internal),
            ("https://[::]/", Refused::Internal),
            ("https://0.0.0.0/", Refused::Internal),
            ("https://224.0.0.1/", Refused::Internal),
        ] {
            assert_eq!(permissions.check(url), Err(refused), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_contacted() {
        let client = Permissions::default().client();
        let error = client.get("https://localhost:9/").send().await.unwrap_err();
        assert!(is_refused(&error), "{error:?}");
    }
}
