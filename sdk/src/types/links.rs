//! `_links` members (portal-api 3.6): relation → path of this API, without host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Relations and where they lead.
pub type Links = BTreeMap<String, Link>;

/// Where one can go from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    pub href: String,
    /// Absent for plain reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl Link {
    /// A link to read.
    pub fn to(href: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            method: None,
        }
    }

    /// A link to call with this method.
    pub fn with_method(href: impl Into<String>, method: &str) -> Self {
        Self {
            href: href.into(),
            method: Some(method.to_owned()),
        }
    }
}
