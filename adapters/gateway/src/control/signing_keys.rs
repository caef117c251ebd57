//! Following the signing keys of auth servers. They are asked in the background, so that one that
//! does not answer delays nothing.

use std::{collections::BTreeMap, time::Duration};

use sdk::types::AuthServer;
use service::backoff::Backoff;
use tokio::{sync::mpsc, time::Instant};
use url::Url;

use super::Order;
use crate::{
    auth_servers::base_url,
    desired::server_name,
    keys::{self, KeysByServer, SigningKey, Unavailable},
    reconcile::Base,
};

const EVERY: Duration = Duration::from_mins(5);

pub(super) struct SigningKeys {
    orders: mpsc::Sender<Order>,
    fetched: KeysByServer,
    /// What each auth server that has to be asked is waiting for.
    servers: BTreeMap<String, Server>,
}

struct Server {
    url: Url,
    next: Instant,
    backoff: Backoff,
    /// Why the last question brought nothing.
    away: Option<String>,
    /// Whether an answer was ever there.
    known: bool,
}

impl SigningKeys {
    pub fn new(orders: mpsc::Sender<Order>) -> Self {
        Self {
            orders,
            fetched: KeysByServer::new(),
            servers: BTreeMap::new(),
        }
    }

    /// The keys that auth servers have answered with.
    pub const fn fetched(&self) -> &KeysByServer {
        &self.fetched
    }

    /// Takes over which auth servers there are, and asks new ones and those that moved. After a
    /// change of the configuration all are asked again.
    pub fn follow(&mut self, servers: &[AuthServer], all: bool) {
        let mut followed = BTreeMap::new();
        for server in servers {
            let Some(url) = key_set(server) else {
                continue;
            };
            let name = server_name(server).to_owned();
            let known = self.servers.remove(&name).filter(|known| known.url == url);
            let mut entry = known.unwrap_or_else(|| Server {
                url,
                next: Instant::now(),
                backoff: pauses(),
                away: None,
                known: false,
            });
            if all {
                entry.next = Instant::now();
            }
            followed.insert(name, entry);
        }
        self.fetched.retain(|name, _| followed.contains_key(name));
        self.servers = followed;
    }

    /// When the next question is due.
    pub fn next(&self) -> Instant {
        let far = Instant::now() + EVERY;
        self.servers
            .values()
            .map(|server| server.next)
            .min()
            .unwrap_or(far)
    }

    /// Asks whoever is due. Before the first full run nobody is known.
    pub fn refresh_if_due(&mut self, base: Option<&Base>) {
        if base.is_none() {
            return;
        }
        let now = Instant::now();
        for (name, server) in self
            .servers
            .iter_mut()
            .filter(|(_, server)| server.next <= now)
        {
            // The answer sets the next time; this one holds if it never comes.
            server.next = now + EVERY;
            let (orders, name, url) = (self.orders.clone(), name.clone(), server.url.clone());
            tokio::spawn(async move {
                let result = keys::fetch(url).await;
                // The loop has ended; nobody needs the answer.
                let _ = orders
                    .send(Order::Keys {
                        server: name,
                        result,
                    })
                    .await;
            });
        }
    }

    /// Takes an answer. Returns whether the keys are others than before.
    pub fn answered(&mut self, name: &str, result: Result<Vec<SigningKey>, Unavailable>) -> bool {
        let Some(server) = self.servers.get_mut(name) else {
            return false;
        };
        match result {
            Ok(keys) => {
                server.next = Instant::now() + EVERY;
                server.backoff = pauses();
                server.away = None;
                server.known = true;
                let changed = self.fetched.get(name) != Some(&keys);
                self.fetched.insert(name.to_owned(), keys);
                changed
            }
            Err(reason) => {
                server.next = Instant::now() + server.backoff.next_delay();
                if server.away.is_none() {
                    tracing::warn!("no signing keys from auth server `{name}`: {reason}");
                }
                server.away = Some(reason.to_string());
                false
            }
        }
    }

    /// The auth server that keeps the adapter from being ready: one that never answered.
    pub fn missing(&self) -> Option<String> {
        let (name, server) = self.servers.iter().find(|(_, server)| !server.known)?;
        let reason = server.away.as_deref().unwrap_or("not asked yet");
        Some(format!("signing keys of auth server `{name}`: {reason}"))
    }
}

const fn pauses() -> Backoff {
    Backoff::new(Duration::from_millis(50), Duration::from_secs(5))
}

/// `<upstream URL>{B}/oauth2/jwks`, for servers some of whose tokens the gateway verifies by itself.
fn key_set(server: &AuthServer) -> Option<Url> {
    let mode = server
        .tokens
        .as_ref()
        .and_then(|tokens| tokens.mode.as_deref());
    // Where tokens are opaque, single APIs may have signed ones.
    if mode == Some("kong-oauth2") {
        return None;
    }
    base_url(server)?.join("oauth2/jwks").ok()
}
