//! Log servers are chosen by whoever writes the configuration. They must not become a way to what
//! clouds tell their machines (gateway 10.5).

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A client that connects to no link-local address, whatever a name leads to.
pub fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        service::http::install_crypto();
        reqwest::Client::builder()
            .user_agent(crate::PRODUCT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guard))
            .build()
            .expect("the settings above are valid")
    });
    CLIENT.clone()
}

struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| !is_link_local(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err("the name leads to link-local addresses only".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

pub fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_of_the_link_are_known_in_every_form() {
        for (text, is_link_local) in [
            ("169.254.169.254", true),
            ("fe80::1", true),
            ("::ffff:169.254.169.254", true),
            ("10.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(
                super::is_link_local(text.parse().unwrap()),
                is_link_local,
                "{text}"
            );
        }
    }
}
