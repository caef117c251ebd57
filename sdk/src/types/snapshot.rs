//! Everything the gateway must know (portal-api 29.4: `GET /gateway/snapshot`).

use serde::{Deserialize, Serialize};

use super::{
    Api, AuthServer, ClientType, Globals, Group, Plan, Secret, Timestamp, credentials::Kind,
};

/// One consistent reading of configuration and approved subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `<config hash>.<seq>`, also the `ETag`.
    pub revision: String,
    /// Newest `application.*` or `subscription.*` event that is contained.
    pub seq: i64,
    /// By it a gateway turns an API key into its digest (gateway 12.2), base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_key: Option<Secret>,
    /// Only `network`, `api`, `gateway`, `kongAdapter` and `sessionStore`.
    pub globals: Globals,
    /// With `config` and resolved scopes.
    pub apis: Vec<Api>,
    pub auth_servers: Vec<AuthServer>,
    pub plans: Vec<Plan>,
    pub groups: Vec<Group>,
    pub applications: Vec<SnapshotApplication>,
    pub subscriptions: Vec<SnapshotSubscription>,
}

/// An application, as far as the gateway needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotApplication {
    pub id: String,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub client_type: ClientType,
}

/// An approved subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotSubscription {
    pub id: String,
    pub application: String,
    pub api: String,
    pub plan: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    pub credentials: Vec<SnapshotCredential>,
}

/// A credential that is neither expired nor revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotCredential {
    pub id: String,
    pub kind: Kind,
    /// HMAC-SHA256 of the secret with the key of purpose `credential-lookup`, hex.
    pub digest: String,
    /// In clear only where Kong has to be given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
