//! Groups of users (portal-api 19.2, static-config 10).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Extra, lenient, links::Links};

/// Answer of `GET /groups`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    pub groups: Vec<Group>,
    #[serde(rename = "_links", default)]
    pub links: Links,
}

/// A group of users and what its members may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Members are administrators.
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub admin_group: bool,
    /// Members decide about requests for APIs of their own groups.
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub approver_group: bool,
    #[serde(
        rename = "alt_ids",
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub alt_ids: Vec<String>,
    #[serde(flatten)]
    pub extra: Extra,
}
