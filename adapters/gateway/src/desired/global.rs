//! Plugins of the whole gateway: metrics, usage, and an id that follows each call to the backend.

use kong::Plugin;
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::entity::{Entity, complete};

/// The plugin that gives each call a correlation id; the same wherever it is configured.
pub fn correlation_id() -> Plugin {
    let config = json!({
        "header_name": "Correlation-Id", "generator": "uuid", "echo_downstream": false
    });
    plugin("correlation-id", config)
}

/// A plugin without id and binding.
pub fn plugin(name: &str, config: Value) -> Plugin {
    let config = match config {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    Plugin {
        name: name.to_owned(),
        config,
        ..Plugin::default()
    }
}

pub fn entities(context: &Context) -> Result<Vec<Entity>, String> {
    let settings = context.settings;
    let metrics = json!({
        "status_code_metrics": true, "latency_metrics": true, "bandwidth_metrics": true
    });
    let usage = json!({ "endpoint": settings.usage_endpoint, "token": settings.usage_token });
    let plugins = [
        correlation_id(),
        plugin("prometheus", metrics),
        plugin("wicketgate-usage", usage),
    ];
    let bound = plugins.into_iter().map(|plugin| Plugin {
        id: settings.ids.plugin(&plugin.name, "", ""),
        tags: Some(settings.ids.gateway_tags()),
        ..plugin
    });
    bound.map(|plugin| complete(&plugin)).collect()
}
