use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Reference, entity};

/// A configured step of request processing, bound to a route, a service, a consumer or to a
/// combination of them; bound to nothing it is global.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plugin {
    pub id: Uuid,
    pub name: String,
    pub instance_name: Option<String>,
    pub route: Option<Reference>,
    pub service: Option<Reference>,
    pub consumer: Option<Reference>,
    pub config: Map<String, Value>,
    /// Left out, the gateway fills in all protocols of HTTP and gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<Vec<String>>,
    pub enabled: bool,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing)]
    pub updated_at: Option<i64>,
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            id: Uuid::nil(),
            name: String::new(),
            instance_name: None,
            route: None,
            service: None,
            consumer: None,
            config: Map::new(),
            protocols: None,
            enabled: true,
            tags: None,
            created_at: None,
            updated_at: None,
        }
    }
}

entity!(Plugin, Plugin, |plugin| plugin.instance_name.as_deref());
