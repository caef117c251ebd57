//! Which addresses a listener may have (events-and-adapters B7). A listener must not become a way
//! to reach what only this process reaches: names are resolved at connect time, and addresses
//! inside the network are refused unless the operator allows them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{own, row::listener};
use crate::{ApiError, AppState};

const MAX_URL: usize = 2048;

/// Checks a listener's URL as far as the text alone tells.
pub fn check_url(id: &str, text: &str, allowed: &[IpNet]) -> Result<Url, ApiError> {
    let refuse = |reason: &str| {
        Err(ApiError::invalid(
            "url",
            "listener-url",
            format!("`url`: {reason}"),
        ))
    };
    if text.len() > MAX_URL {
        return refuse("the address is longer than 2048 characters.");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("this is not an address such as https://example.org/hooks.");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse("use https.");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return refuse("leave out user name, password and everything from `#` on.");
    }
    if own::is_component(id) {
        return Ok(url);
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if literal.is_some_and(|address| !is_allowed(address, allowed)) {
        return refuse("addresses inside the network are not allowed.");
    }
    if url.scheme() == "http" && literal.is_none_or(|address| is_public(address)) {
        return refuse("use https.");
    }
    Ok(url)
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
                || v4.is_unspecified()
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

/// The client for deliveries to `listener`.
pub fn client(state: &AppState, listener: &listener::Model) -> anyhow::Result<reqwest::Client> {
    if own::is_component(&listener.id) {
        return Ok(service::http::client());
    }
    check_url(&listener.id, &listener.url, &state.listener_networks)
        .map_err(|_| anyhow::anyhow!("blocked_address"))?;
    Ok(state.foreign_listeners.clone())
}

/// A client that connects only where listeners may be.
pub fn foreign_client(allowed: &[IpNet]) -> reqwest::Client {
    service::http::install_crypto();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Guarded(allowed.to_vec())))
        .build()
        .expect("the settings above are valid")
}

/// Resolves names, and leaves out the addresses that are not allowed: the connection then goes to
/// a checked address, without a second look-up in between.
struct Guarded(Vec<IpNet>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found
                .filter(|address| is_allowed(address.ip(), &allowed))
                .collect();
            if addresses.is_empty() {
                return Err("blocked_address".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_inside_the_network_need_permission() {
        let check = |url: &str, allowed: &[IpNet]| check_url("crm-sync", url, allowed).is_ok();
        for url in [
            "http://127.0.0.1/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://10.1.2.3/",
            "https://0x7f.1/",
            "https://user:secret@example.org/",
            "https://example.org/#x",
            "ftp://example.org/",
            "http://example.org/",
            "nonsense",
        ] {
            assert!(!check(url, &[]), "{url}");
        }
        assert!(check("https://example.org/hooks", &[]));
        assert!(check(
            "http://127.0.0.1:9/",
            &["127.0.0.0/8".parse().unwrap()]
        ));
    }
}
