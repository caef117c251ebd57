//! Webhook listeners (events-and-adapters A1, B1, B4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Secret, Timestamp};

/// How a delivered event counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The listener deletes each event from its queue.
    #[default]
    Explicit,
    /// A 2xx answer acknowledges.
    Ack,
    /// No notification at all; the listener asks for its queue.
    Pull,
}

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Array of events.
    #[default]
    Wicked,
    /// Standard Webhooks envelope, one event per request.
    Standard,
    /// `CloudEvents` 1.0 in JSON, one or a batch per request.
    CloudEvents,
}

/// Whether a request carries several events or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    Batch,
    Single,
}

/// What has to arrive in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    #[default]
    None,
    /// One object's events arrive in order, each after the one before it is done.
    Entity,
}

/// What happens when more events wait than `maxQueue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// The oldest go to the dead letters.
    #[default]
    Dead,
    /// All are replaced by one `queue.overflow`, which asks for a look at everything.
    Collapse,
}

/// A listener: body of `PUT /webhooks/listeners/{id}`, and with `?detail=true` the answer.
/// Only `id` and `url` are mandatory; what is absent has the server's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Listener)]
pub struct Registration {
    #[serde(default)]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// `<entity>.<action>`, `*` for either part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Whether the secrets of verification events are delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering: Option<Ordering>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_hours: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_queue: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Overflow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Fixed headers; their values are write-only. Absent: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, Secret>>,
    /// Names of the headers. Read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_names: Option<Vec<String>>,
    /// What requests are signed with, the newest first. Read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<SecretInfo>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<Timestamp>,
}

/// A secret without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    pub key_id: String,
    pub created_at: Timestamp,
    /// When it stops to sign, once a newer one has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// A new secret; its text is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSecret {
    /// `whsec_` and base64.
    pub secret: Secret,
    pub key_id: String,
    pub created_at: Timestamp,
}

/// Answer of `POST /applications/{application}/listeners`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedListener {
    pub listener: Registration,
    pub secret: NewSecret,
}

/// Body of `POST /webhooks/listeners/{listener}/secret`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateSecret {
    /// How long the older secrets sign too; a day if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u32>,
}

/// What a listener in mode `ack` may answer instead of an empty 2xx. Events that are not named
/// stay pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AckReport {
    pub acked: Vec<String>,
    #[serde(default)]
    pub failed: Vec<Failure>,
}

/// An event that a listener could not work with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    pub id: String,
    /// False sends the event to the dead letters.
    #[serde(default)]
    pub retry: bool,
    #[serde(default)]
    pub reason: String,
}

/// Body of `POST /webhooks/events/{listener}/ack`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkAck {
    pub ids: Vec<String>,
}

/// Body of `POST /webhooks/listeners/{listener}/disable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What came of a request outside the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// Absent if there was no answer.
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub duration_ms: u64,
    /// Absent if it went well.
    #[serde(default)]
    pub error: Option<String>,
}

/// How a listener has been doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Events that it has not acknowledged.
    pub waiting: u64,
    pub dead: u64,
    #[serde(rename = "delivered24h")]
    pub delivered_24h: u64,
    #[serde(rename = "failed24h")]
    pub failed_24h: u64,
    /// Of the requests of the last 24 hours that are in the log, 95 of 100 took no longer.
    #[serde(default)]
    pub p95_ms: Option<u64>,
    /// The last 24 hours, the oldest first.
    pub hours: Vec<HourStats>,
}

/// An hour of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HourStats {
    /// When it began.
    pub hour: Timestamp,
    pub delivered: u64,
    pub failed: u64,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    pub event: super::Event,
    pub attempts: u32,
    #[serde(default)]
    pub last_status: Option<u16>,
    #[serde(default)]
    pub last_error: Option<String>,
    #[serde(default)]
    pub died_at: Option<Timestamp>,
}

/// How many events are queued again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Requeued {
    pub count: u64,
    /// Where a further call has to go on, if there were too many for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Where a replay begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Position {
    /// The number of an event.
    Seq(i64),
    Time(Timestamp),
}

/// Body of `POST /webhooks/replay/{listener}`: a range, or ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Position>,
    /// With its end; absent: everything that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Position>,
    /// Only these kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
}

/// An event on its way to a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryInfo {
    pub event_id: String,
    pub seq: i64,
    pub entity: String,
    pub action: String,
    /// The thing that has its events in order, such as `application:web-shop`.
    pub about: String,
    /// `pending`, `in_flight`, `acked` or `dead`.
    pub state: String,
    pub attempts: u32,
    #[serde(default)]
    pub next_attempt_at: Option<Timestamp>,
    #[serde(default)]
    pub last_status: Option<u16>,
    #[serde(default)]
    pub last_duration_ms: Option<u64>,
    #[serde(default)]
    pub last_error: Option<String>,
    /// The requests, the newest first; only of a single delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Vec<AttemptInfo>>,
}

/// One request to a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptInfo {
    pub at: Timestamp,
    #[serde(default)]
    pub status: Option<u16>,
    pub duration_ms: u64,
    #[serde(default)]
    pub error: Option<String>,
    /// Without secrets.
    pub request_headers: BTreeMap<String, String>,
    /// What it said of this event.
    #[schema(value_type = Value)]
    pub request_body: serde_json::Value,
    /// The beginning of the answer.
    #[serde(default)]
    pub response_snippet: Option<String>,
}
