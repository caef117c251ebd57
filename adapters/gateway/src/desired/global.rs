//! Plugins of the whole gateway: metrics, usage, and an id that follows each call to the backend.

use kong::Plugin;
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::entity::Entity;

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
    let mut plugins = vec![
        correlation_id(),
        only_known(context, plugin("prometheus", metrics)),
    ];
    plugins.push(usage(context));
    // Kong's correlation id is configured per service, where it does not meet one of others.
    plugins.retain(|plugin| context.target.is_embedded() || plugin.name != "correlation-id");
    let mut entities = Vec::new();
    for plugin in plugins {
        if !context.target.has_plugin(&plugin.name) {
            continue;
        }
        let plugin = Plugin {
            id: settings.ids.plugin(&plugin.name, "", ""),
            tags: Some(settings.ids.gateway_tags()),
            ..plugin
        };
        let entity = context.target.plugin(&plugin);
        entities.push(entity.map_err(|message| format!("plugin `{}`: {message}", plugin.name))?);
    }
    Ok(entities)
}

/// What tells the adapter of each call.
fn usage(context: &Context) -> Plugin {
    let settings = context.settings;
    if context.target.is_embedded() {
        let mut config = json!({ "endpoint": settings.usage_endpoint });
        if settings.usage_endpoint != kong::usage::FILES {
            config["token"] = json!(settings.usage_token);
        }
        return plugin("wicketgate-usage", config);
    }
    let mut config = json!({
        "http_endpoint": settings.usage_endpoint,
        "headers": { "Authorization": format!("Bearer {}", settings.usage_token) },
    });
    // Until 3.3 a queue had a field of its own for each of its sizes.
    if context.target.has_field("http-log", "queue") {
        config["queue"] = json!({ "max_batch_size": 200, "max_coalescing_delay": 1 });
    } else {
        config["queue_size"] = json!(200);
        config["flush_timeout"] = json!(1);
    }
    plugin("http-log", config)
}

/// Without fields that this version of the gateway does not have.
pub fn only_known(context: &Context, mut plugin: Plugin) -> Plugin {
    plugin
        .config
        .retain(|field, _| context.target.has_field(&plugin.name, field));
    plugin
}
