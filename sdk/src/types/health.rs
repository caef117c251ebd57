//! Health of all parts (portal-api 23.6, events-and-adapters A7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
