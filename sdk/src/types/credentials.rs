//! The credentials of a subscription (portal-api A5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Secret, Timestamp};

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CredentialKind)]
pub enum Kind {
    /// An API key.
    Key,
    /// A client id with its secret.
    Client,
}

impl Kind {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Client => "client",
        }
    }
}

/// One credential. `secret` only comes with the answer that creates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "7c8b9a003f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d", "kind": "key", "name": "production",
    "classic": false, "prefix": "wg_8e9a", "last4": "0c7d", "createdAt": "2026-11-21T08:30:00.000Z"
})))]
/// One of the credentials of a subscription; its secret is shown once.
pub struct Credential {
    pub id: String,
    pub kind: Kind,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Made with the subscription, and shown there in clear (portal-api 29.2).
    #[serde(default)]
    pub classic: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub last4: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// From how many addresses it was used lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_addresses: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// Body of `POST …/credentials`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateCredential {
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Body of `PATCH …/credentials/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchCredential {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Body of `POST …/credentials/{id}/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateCredential {
    /// How long the old credential stays valid; 0 ends it at once.
    #[serde(default)]
    pub overlap_seconds: u64,
}
