//! Registrations of users in pools (portal-api 11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Extra, Secret, Timestamp};

/// What one user told one pool about himself. The pool's properties, `name` among them, stand
/// beside the fixed members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default)]
    pub pool_id: String,
    #[serde(default)]
    pub user_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Copy of the user's address at the time of saving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// The properties of the pool.
    #[serde(flatten)]
    pub properties: Extra,
}

impl Registration {
    /// A property with a text that is not empty.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// The name to show; every pool has this property.
    pub fn name(&self) -> Option<&str> {
        self.property("name")
    }
}

/// Body of `PUT /registrations/pools/{pool}/users/{user}`: pool properties and the namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PutRegistration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Token of an invitation, where the pool demands one of those who register themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Secret>,
    #[serde(flatten)]
    pub properties: Extra,
}

/// Body of `POST /registrations/pools/{pool}/invitations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPoolInvitation {
    #[serde(default)]
    pub email: String,
    /// Only in pools that have them, and mandatory there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// An open invitation to register in a pool. Its token stands in the mail only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolInvitation {
    pub id: String,
    pub pool_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub email: String,
    pub created_at: Timestamp,
    /// Id of the user who invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub expires_at: Timestamp,
}

/// Body of `POST /registrations/invitations/open`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenPoolInvitation {
    pub token: Secret,
}

/// Answer of `GET /registrations/users/{user}`: pools without a registration are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegistrationsOfUser {
    pub pools: BTreeMap<String, Vec<Registration>>,
}
