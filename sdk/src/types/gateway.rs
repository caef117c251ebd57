//! The state of the gateway (portal-api 29.3: `GET` and `PUT /gateway/status`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What the adapter tells about the gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    /// Newest revision the adapter has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default)]
    pub nodes: Vec<GatewayNode>,
    #[serde(default)]
    pub problems: Vec<GatewayProblem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reconcile: Option<Timestamp>,
}

/// One process of the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayNode {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Revision in force on this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    #[serde(default)]
    pub in_sync: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<f64>,
}

/// Something the gateway could not be given; everything else was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayProblem {
    /// `api`, `auth-server`, `plan`, `subscription` or `gateway`.
    pub kind: String,
    /// Id of the thing that is wrong.
    pub id: String,
    pub message: String,
}

/// Body of `PUT /leases/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakeLease {
    pub holder: String,
    /// Up to an hour.
    pub ttl_seconds: u64,
}

/// Answer of `PUT /leases/{name}`: who has the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldLease {
    pub holder: String,
    pub expires_at: Timestamp,
    /// The number of the last event, 0 without any. Who has seen a higher one knows that the
    /// database was set back.
    #[serde(default)]
    pub last_seq: i64,
}
