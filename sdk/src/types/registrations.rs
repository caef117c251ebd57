//! Registrations of users in pools (portal-api 11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Extra};

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
    #[serde(flatten)]
    pub properties: Extra,
}

/// Answer of `GET /registrations/users/{user}`: pools without a registration are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegistrationsOfUser {
    pub pools: BTreeMap<String, Vec<Registration>>,
}
