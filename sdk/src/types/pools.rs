//! Registration pools (portal-api 10, static-config 15).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Extra, lenient};

/// The pool of portal users, in which display names are looked up.
pub const PORTAL_POOL: &str = "wicked";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Registrations belong to a namespace (a tenant).
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub requires_namespace: bool,
    /// No registration by the users themselves.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub disable_register: bool,
    #[serde(default)]
    pub properties: Vec<Property>,
    #[serde(flatten)]
    pub extra: Extra,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    pub id: String,
    /// The label.
    #[serde(default)]
    pub description: String,
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Claim from which it is filled and to which it is exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_claim: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}
