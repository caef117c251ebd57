//! Looking after the neighbours: a gateway that came back may be empty, a portal-api whose event was
//! lost may have another configuration, and scopes that another service defines change without any
//! event. Each asks for a full run, which leaves events alone that it does not cover.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sdk::{Client, types::gateway::GatewayStatus};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    control::Order,
    gateways::Gateways,
    node::Node,
    state::{Shared, looked_up_scopes},
};

const EVERY: Duration = Duration::from_secs(10);
/// The hash of a node that was never given a document.
const NOTHING_LOADED: &str = "00000000000000000000000000000000";

/// What is watched, and who is told.
pub struct Watch {
    pub portal: Client,
    pub gateways: Gateways,
    pub orders: mpsc::Sender<Order>,
    pub shared: Arc<Shared>,
    pub status: watch::Sender<GatewayStatus>,
    /// Pause between questions for scopes that other services define.
    pub look_up_scopes_every: Duration,
}

/// What was last seen of a node.
#[derive(Clone, Default)]
struct Seen {
    requests: Option<f64>,
    /// Of the document that a node without database has in force.
    configuration: Option<String>,
    away: bool,
}

impl Watch {
    /// Goes on until it is dropped.
    pub async fn run(self) {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let mut last = Instant::now();
        let mut looked_up = Instant::now();
        loop {
            let elapsed = last.elapsed();
            last = Instant::now();
            let nodes = self.gateways.nodes().await;
            let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
            if !seen.is_empty() && addresses.iter().any(|address| !seen.contains_key(address)) {
                self.ask("there is another gateway").await;
            }
            seen.retain(|address, _| addresses.contains(address));
            for (position, (node, address)) in nodes.iter().zip(addresses).enumerate() {
                let seen = seen.entry(address).or_default();
                self.look_at_node(position, node, seen, elapsed).await;
            }
            if looked_up.elapsed() >= self.look_up_scopes_every {
                looked_up = Instant::now();
                self.look_up_scopes().await;
            }
            tokio::time::sleep(EVERY.min(self.look_up_scopes_every)).await;
        }
    }

    /// Portal-api asks those services; here is only seen whether the answer is another one than
    /// that of the last run.
    async fn look_up_scopes(&self) {
        let published = self.shared.published();
        let known = &published.looked_up_scopes;
        if known.is_empty() {
            return;
        }
        match self.portal.apis().await {
            Ok(list) => {
                let now = looked_up_scopes(&list.apis);
                let mut changed = known
                    .iter()
                    .filter(|(api, scopes)| now.get(*api) != Some(scopes));
                if let Some((api, _)) = changed.next() {
                    self.ask(&format!("the scopes of `{api}` have changed"))
                        .await;
                }
            }
            Err(error) => tracing::debug!("scopes could not be looked up: {error}"),
        }
    }

    async fn look_at_node(&self, position: usize, node: &Node, seen: &mut Seen, elapsed: Duration) {
        let status = match node.status().await {
            Ok(status) => status,
            Err(error) => {
                if !seen.away {
                    tracing::warn!("gateway {}: {error}", node.address());
                }
                seen.away = true;
                return;
            }
        };
        if position == 0 {
            self.shared
                .update_health(|health| health.gateway_status = status.to_string());
        }
        let requests = status
            .pointer("/server/total_requests")
            .and_then(Value::as_f64);
        // Counters begin anew with a process.
        let restarted =
            matches!((seen.requests, requests), (Some(before), Some(now)) if now < before);
        let configuration = status
            .get("configuration_hash")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let is_empty = configuration.as_deref() == Some(NOTHING_LOADED);
        let changed = seen.configuration.is_some() && seen.configuration != configuration;
        if seen.away || restarted {
            self.ask("the gateway came back").await;
        } else if is_empty || changed {
            // Our own loads are seen here, too; the run that follows finds nothing to do.
            self.ask("the gateway has another configuration").await;
        }
        if let (Some(before), Some(now), false) = (seen.requests, requests, restarted) {
            self.show_rate(position, (now - before) / elapsed.as_secs_f64().max(1.0));
        }
        *seen = Seen {
            requests,
            configuration,
            away: false,
        };
    }

    fn show_rate(&self, position: usize, calls_per_second: f64) {
        let rounded = (calls_per_second * 10.0).round() / 10.0;
        self.status.send_if_modified(|status| {
            let Some(node) = status.nodes.get_mut(position) else {
                return false;
            };
            let changed = node.calls_per_second != Some(rounded);
            node.calls_per_second = Some(rounded);
            changed
        });
    }

    async fn ask(&self, reason: &str) {
        ask(&self.orders, reason).await;
    }
}

/// Hears of new configuration at portal-api.
pub struct Configuration {
    orders: mpsc::Sender<Order>,
    /// The one in force at the start is not news: the first run reads it anyway.
    is_known: AtomicBool,
}

impl Configuration {
    pub const fn new(orders: mpsc::Sender<Order>) -> Self {
        Self {
            orders,
            is_known: AtomicBool::new(false),
        }
    }

    /// There is another one. What it says, the run will read.
    pub async fn news(&self) -> Result<(), String> {
        if self.is_known.swap(true, Ordering::Relaxed) {
            ask(&self.orders, "the configuration has changed").await;
        }
        Ok(())
    }
}

async fn ask(orders: &mpsc::Sender<Order>, reason: &str) {
    // A closed channel means that the loop has ended.
    let _ = orders.send(Order::Reconcile(reason.to_owned())).await;
}
