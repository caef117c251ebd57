//! Records of the audit log (portal-api 22, A9).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ChangedDate, Timestamp};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditActor {
    /// Absent for services and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `user`, `service` or `operator`.
    #[serde(rename = "type", default = "user")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Default for AuditActor {
    fn default() -> Self {
        Self {
            id: None,
            kind: user(),
            email: None,
        }
    }
}

fn user() -> String {
    "user".to_owned()
}

/// One record. `hash` is the SHA-256 of all other members as JSON without blanks, with the members
/// of every object in byte order; `previous_hash` is that of the record before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    pub id: String,
    pub time: Timestamp,
    pub actor: AuditActor,
    /// Service or client through which he acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    pub action: String,
    pub entity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The data of the event of the same change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// `ok` or `refused`.
    pub outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A record that a service adds by `POST /auditlog/records`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAuditRecord {
    /// Chosen by the service; a second record with the same id is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    #[serde(default)]
    pub actor: AuditActor,
    /// The service itself, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub entity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// `ok` (also if absent) or `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// An item of `GET /auditlog?embed=1`: the old view, and beside it the members of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    #[serde(flatten)]
    pub record: AuditRecord,
    /// Unix seconds.
    pub utc: i64,
    #[serde(rename = "changedDate")]
    pub changed_date: ChangedDate,
    pub created_at: Timestamp,
    /// `<action> <entity>`
    pub activity: String,
    /// Name of the user.
    pub user: Option<String>,
    pub email: Option<String>,
    pub plan: Option<String>,
    pub role: Option<String>,
    pub api: Option<String>,
    pub application: Option<String>,
}
