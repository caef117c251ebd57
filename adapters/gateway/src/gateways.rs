//! Where the gateways are: fixed addresses, or all that a name stands for.

use kong::admin::Client;
use url::{Host, Url};

use crate::node::Node;

/// The addresses of the Admin API.
#[derive(Clone)]
pub struct Gateways {
    client: Client,
    urls: Vec<Url>,
    /// Whether each name is asked for all of its addresses, at every run.
    discovers: bool,
}

impl Gateways {
    /// `client` says how to call; its own address does not count.
    pub const fn new(client: Client, urls: Vec<Url>, discovers: bool) -> Self {
        Self {
            client,
            urls,
            discovers,
        }
    }

    /// The nodes that there are now, always in the same order.
    pub async fn nodes(&self) -> Vec<Node> {
        let mut found = Vec::new();
        for url in &self.urls {
            match url.host() {
                Some(Host::Domain(name)) if self.discovers => {
                    found.extend(self.addresses(name, url).await);
                }
                _ => found.push(url.clone()),
            }
        }
        let nodes = found.into_iter();
        nodes.map(|url| Node::new(self.client.at(url))).collect()
    }

    async fn addresses(&self, name: &str, url: &Url) -> Vec<Url> {
        let port = url.port_or_known_default().unwrap_or(8001);
        let mut addresses = match tokio::net::lookup_host((name, port)).await {
            Ok(addresses) => addresses.map(|address| address.ip()).collect(),
            Err(error) => {
                tracing::warn!("the gateways' name `{name}` leads nowhere: {error}");
                Vec::new()
            }
        };
        addresses.sort();
        addresses.dedup();
        let at = addresses.into_iter().filter_map(|address| {
            let mut url = url.clone();
            url.set_ip_host(address).ok()?;
            Some(url)
        });
        at.collect()
    }
}
