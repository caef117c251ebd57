//! Consent of users to applications (portal-api 16).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Timestamp};

/// What one user allowed one application to do with one API in his name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "userId": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00", "applicationId": "web-shop",
    "apiId": "orders",
    "grants": [{"scope": "read_orders", "grantedDate": "2026-11-21T08:30:00.000Z"}]
})))]
/// What a user allows an application to do with an API in his name.
pub struct Grant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub user_id: String,
    pub application_id: String,
    pub api_id: String,
    pub grants: Vec<GrantedScope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}

impl Grant {
    /// The scopes that end at the same time, and when.
    pub fn by_end(&self) -> Vec<(Vec<&str>, Option<Timestamp>)> {
        let mut groups: Vec<(Vec<&str>, Option<Timestamp>)> = Vec::new();
        for GrantedScope {
            scope,
            expires_date,
            ..
        } in &self.grants
        {
            match groups.iter_mut().find(|(_, end)| end == expires_date) {
                Some((scopes, _)) => scopes.push(scope),
                None => groups.push((vec![scope], *expires_date)),
            }
        }
        groups
    }
}

/// Scopes of OpenID Connect: about the user, not about the API. They are granted beside those of any
/// API.
pub const IDENTITY_SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// A scope and since when it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedScope {
    pub scope: String,
    pub granted_date: Timestamp,
    /// From when on it counts no more; absent where it counts until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_date: Option<Timestamp>,
}

/// Body of `PUT /grants/{user}/applications/{app}/apis/{api}`; replaces the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutGrants {
    pub grants: Vec<ScopeToGrant>,
}

/// A scope that the user allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScopeToGrant {
    pub scope: String,
    /// When that ends by itself; absent: not before it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_date: Option<Timestamp>,
}
