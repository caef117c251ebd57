//! Plans (portal-api 19.1, static-config 11).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Extra, Plugin, lenient, links::Links};

/// Answer of `GET /plans`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plans {
    pub plans: Vec<Plan>,
    #[serde(rename = "_links", default)]
    pub links: Links,
}

/// What a subscription may use, and who may choose it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Markdown.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub desc: String,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub needs_approval: bool,
    /// Empty is the same as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_group: Option<String>,
    /// Text shown beside the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    #[serde(default)]
    pub config: PlanConfig,
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a plan means on the gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanConfig {
    /// Gateway plugins of every subscription with this plan.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub plugins: Vec<Plugin>,
    #[serde(flatten)]
    pub extra: Extra,
}
