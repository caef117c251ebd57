//! Health of all parts (portal-api 23.6, events-and-adapters A7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// An entry of `GET /systemhealth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub name: String,
    #[serde(default)]
    pub message: String,
    /// Seconds since start, -1 unknown.
    #[serde(default = "unknown")]
    pub uptime: i64,
    /// 0 bad, 1 good, 2 initialising.
    pub healthy: u8,
    #[serde(default)]
    pub ping_url: String,
    /// Events waiting for this listener, -1 where there is no queue.
    #[serde(default = "unknown")]
    pub pending_events: i64,
    /// Events for this listener that were given up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dead_events: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_last_commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_date: Option<String>,
    /// Only of the entry `kong`: what the gateway has in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayHealth>,
}

/// What the gateway has in force, in short; `GET /gateway/status` has it node by node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayHealth {
    /// Newest revision the adapter has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Since when all nodes have it; absent while one has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    pub nodes: usize,
    pub nodes_in_sync: usize,
    /// Things that could not be applied.
    pub problems: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reconcile: Option<Timestamp>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

const fn unknown() -> i64 {
    -1
}

/// Answer of portal-api's `GET /ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ping {
    pub message: String,
    pub version: String,
}
