use serde::Deserialize;
use serde_json::{Map, Value};

/// What `GET /` says about a gateway node, as far as it matters to those who drive it.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Version of Kong, or the one that the embedded gateway emulates.
    pub version: String,
    pub hostname: Option<String>,
    pub node_id: Option<String>,
    #[serde(default)]
    pub configuration: Configuration,
    #[serde(default)]
    pub plugins: Plugins,
    /// Present on the embedded gateway only.
    pub wicketgate: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Configuration {
    /// `postgres`, or `off` when only whole documents can be loaded.
    #[serde(default)]
    pub database: String,
    #[serde(default)]
    pub router_flavor: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Plugins {
    /// Name → version and priority; Kong answers `true` in older versions.
    #[serde(default)]
    pub available_on_server: Map<String, Value>,
}

impl Node {
    /// Whether this is the embedded gateway.
    pub fn is_embedded(&self) -> bool {
        self.wicketgate.is_some()
    }

    /// Whether only whole documents can be loaded (`POST /config`).
    pub fn is_db_less(&self) -> bool {
        self.configuration.database == "off"
    }

    pub fn has_plugin(&self, name: &str) -> bool {
        self.plugins.available_on_server.contains_key(name)
    }
}
