//! Where the gateways are: fixed addresses, or all that a name stands for.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kong::admin::Client;
use url::{Host, Url};

use crate::node::Node;

/// The addresses of the Admin API.
#[derive(Clone)]
pub struct Gateways {
    client: Client,
    urls: Vec<Url>,
    discovery: Option<Arc<Discovery>>,
}

/// Asks each name for all of its addresses, at every run. The name stays in the URL, because it is
/// the one in the certificate; so each address has a client of its own.
pub struct Discovery {
    authorities: Vec<reqwest::Certificate>,
    clients: Mutex<BTreeMap<(String, IpAddr), reqwest::Client>>,
}

impl Discovery {
    /// The nodes' certificates are signed by one of these, or by one that all believe.
    pub fn new(authorities: Vec<reqwest::Certificate>) -> Self {
        Self {
            authorities,
            clients: Mutex::default(),
        }
    }

    /// A client of each address that the name has now.
    async fn clients(&self, name: &str, port: u16) -> Vec<(IpAddr, reqwest::Client)> {
        let addresses: BTreeSet<IpAddr> = match tokio::net::lookup_host((name, port)).await {
            Ok(addresses) => addresses.map(|address| address.ip()).collect(),
            Err(error) => {
                tracing::warn!("the gateways' name `{name}` leads nowhere: {error}");
                return Vec::new();
            }
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|(known, address), _| known != name || addresses.contains(address));
        let mut found = Vec::new();
        for address in addresses {
            let key = (name.to_owned(), address);
            if !clients.contains_key(&key) {
                match service::http::client_at(name, address, self.authorities.clone()) {
                    Ok(client) => {
                        clients.insert(key.clone(), client);
                    }
                    Err(error) => tracing::error!("{address} cannot be called: {error}"),
                }
            }
            found.extend(clients.get(&key).map(|client| (address, client.clone())));
        }
        found
    }
}

impl Gateways {
    /// `client` says how to call; its own address does not count.
    pub fn new(client: Client, urls: Vec<Url>, discovery: Option<Discovery>) -> Self {
        Self {
            client,
            urls,
            discovery: discovery.map(Arc::new),
        }
    }

    /// The nodes that there are now, always in the same order.
    pub async fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for url in &self.urls {
            let client = self.client.at(url.clone());
            let port = url.port_or_known_default().unwrap_or_default();
            match (&self.discovery, url.host()) {
                (Some(discovery), Some(Host::Domain(name))) => {
                    for (address, http) in discovery.clients(name, port).await {
                        let address = std::net::SocketAddr::new(address, port).to_string();
                        nodes.push(Node::new(client.through(http), address));
                    }
                }
                (_, host) => {
                    let host = host.map(|host| host.to_string()).unwrap_or_default();
                    nodes.push(Node::new(client, format!("{host}:{port}")));
                }
            }
        }
        nodes
    }
}
