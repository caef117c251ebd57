//! What the gateway reports about calls: batches of records, posted to the adapter.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// In the place of an endpoint: batches are lines of files, which are uploaded later.
pub const FILES: &str = "file:usage";

/// Body of `POST /usage`. A batch is sent until it is acknowledged, always with the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    pub batch_id: Uuid,
    /// Name of the gateway node.
    pub node: String,
    pub records: Vec<Record>,
}

/// One call. The query string is never part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The call's `X-Kong-Request-Id`, 32 hex digits.
    pub id: String,
    /// Milliseconds since 1970 at which the request arrived.
    pub at: i64,
    /// Name of the service, else its id.
    pub service: Option<String>,
    /// Name of the route, else its id.
    pub route: Option<String>,
    /// `custom_id` of the consumer: the subscription. Null for calls without consumer.
    pub consumer: Option<String>,
    /// Id of the credential entity.
    pub credential: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// From the first byte of the request's head to the last byte of the answer.
    pub duration_ms: u64,
    /// Time until the backend's response header; null when no backend was asked.
    pub upstream_ms: Option<u64>,
    /// Address of the client.
    pub client: String,
}
