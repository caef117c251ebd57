//! Looking after the neighbours: a gateway that came back may be empty, and a portal-api whose
//! event was lost may have another configuration. Either asks for a full run.

use std::{sync::Arc, time::Duration};

use sdk::{Client, types::gateway::GatewayStatus};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{control::Order, node::Node, state::Shared};

const EVERY: Duration = Duration::from_secs(10);

/// What is watched, and who is told.
pub struct Watch {
    pub portal: Client,
    pub nodes: Vec<Node>,
    pub orders: mpsc::Sender<Order>,
    pub shared: Arc<Shared>,
    pub status: watch::Sender<GatewayStatus>,
}

/// What was last seen of a node.
#[derive(Clone, Copy, Default)]
struct Seen {
    requests: Option<f64>,
    away: bool,
}

impl Watch {
    /// Goes on until it is dropped.
    pub async fn run(self) {
        let mut seen = vec![Seen::default(); self.nodes.len()];
        let mut configuration = None;
        let mut last = Instant::now();
        loop {
            let elapsed = last.elapsed();
            last = Instant::now();
            for (position, seen) in seen.iter_mut().enumerate() {
                self.look_at_node(position, seen, elapsed).await;
            }
            if let Ok(hash) = self.portal.config_hash().await {
                let before = configuration.replace(hash.clone());
                if before.is_some_and(|before| before != hash) {
                    self.ask("the configuration has changed").await;
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look_at_node(&self, position: usize, seen: &mut Seen, elapsed: Duration) {
        let status = match self.nodes[position].status().await {
            Ok(status) => status,
            Err(error) => {
                if !seen.away {
                    tracing::warn!("gateway {}: {error}", self.nodes[position].address());
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
        if seen.away || restarted {
            self.ask("the gateway came back").await;
        }
        if let (Some(before), Some(now), false) = (seen.requests, requests, restarted) {
            self.show_rate(position, (now - before) / elapsed.as_secs_f64().max(1.0));
        }
        *seen = Seen {
            requests,
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
        // A closed channel means that the loop has ended.
        let _ = self.orders.send(Order::Reconcile(reason.to_owned())).await;
    }
}
