//! Usage records and what is read from them (portal-api 29.3, 29.5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// Upper bounds of the latency buckets in milliseconds; one more bucket counts what is above.
pub const LATENCY_BUCKETS_MS: [u32; 13] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/// Counts per latency bucket.
pub type Histogram = [u64; LATENCY_BUCKETS_MS.len() + 1];

/// The bucket into which a call of this length falls.
pub fn latency_bucket(milliseconds: f64) -> usize {
    let within = |bound: &u32| milliseconds <= f64::from(*bound);
    LATENCY_BUCKETS_MS
        .iter()
        .position(within)
        .unwrap_or(LATENCY_BUCKETS_MS.len())
}

/// Answers by the first digit of their status.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub enum StatusClass {
    #[serde(rename = "1xx")]
    Informational,
    #[serde(rename = "2xx")]
    Success,
    #[serde(rename = "3xx")]
    Redirection,
    #[serde(rename = "4xx")]
    ClientError,
    #[serde(rename = "5xx")]
    ServerError,
}

impl StatusClass {
    /// The class of a status code; what is no status code counts as a server's fault.
    pub const fn of(status: u16) -> Self {
        match status / 100 {
            1 => Self::Informational,
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            _ => Self::ServerError,
        }
    }

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}

/// Body of `POST /usage/records`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageBatch {
    /// A batch with an id seen within 24 h counts once.
    pub batch_id: String,
    pub node: String,
    pub cells: Vec<UsageCell>,
}

/// The calls of one minute with the same subscription, credential, operation and status class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageCell {
    /// Unix seconds of the minute's beginning.
    pub minute: i64,
    pub subscription: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// `<METHOD> <path template>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    pub status: StatusClass,
    pub calls: u64,
    #[serde(default)]
    pub errors: u64,
    #[serde(default)]
    pub request_bytes: u64,
    #[serde(default)]
    pub response_bytes: u64,
    #[serde(default)]
    #[schema(value_type = Vec<u64>)]
    pub histogram: Histogram,
}

/// Query of the usage endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// `1m`, `1h` or `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `status`, `operation`, `credential`, and where wider `plan`, `api`, `application`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Answer of the usage endpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub step: String,
    pub series: Vec<Series>,
}

/// Measured values over time, of one thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    pub key: String,
    pub points: Vec<Point>,
}

/// What was measured from this moment to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    pub at: Timestamp,
    pub calls: u64,
    pub errors: u64,
    /// Milliseconds; absent when nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
}

/// An entry of `GET …/subscriptions/{api}/limits`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    pub window: String,
    pub limit: u64,
    pub used: u64,
    pub reset_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        assert_eq!(latency_bucket(0.2), 0);
        assert_eq!(latency_bucket(1.0), 0);
        assert_eq!(latency_bucket(1.1), 1);
        assert_eq!(latency_bucket(10_001.0), 13);
    }

    #[test]
    fn cells_are_written_with_the_names_of_the_contract() {
        let cell = UsageCell {
            minute: 60,
            subscription: "s".to_owned(),
            credential: None,
            operation: None,
            status: StatusClass::of(204),
            calls: 1,
            errors: 0,
            request_bytes: 2,
            response_bytes: 3,
            histogram: Histogram::default(),
        };
        let json = serde_json::to_value(&cell).unwrap();
        assert_eq!(json["status"], "2xx");
        assert_eq!(json["requestBytes"], 2);
        assert_eq!(json["histogram"].as_array().unwrap().len(), 14);
    }
}
