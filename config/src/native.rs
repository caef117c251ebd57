//! Plugins that only the embedded gateway has, and that answer in a backend's place. Their options
//! are checked here as the gateway checks them, and they say themselves which calls they answer.

use kong::plugins::{compose, data_service};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{globals::GatewayType, path::JsonPath, problem::Report, read::Object};

pub(crate) const COMPOSE: &str = "compose";
pub(crate) const DATA_SERVICE: &str = "data-service";

/// Whether it is one of them.
pub(crate) fn is_native(name: &str) -> bool {
    name == COMPOSE || name == DATA_SERVICE
}

/// What answers the calls of an API.
#[derive(Default)]
pub(crate) struct Answering {
    pub compose: Option<compose::Config>,
    pub data_service: Option<data_service::Config>,
}

impl Answering {
    /// Reads the plugins of a `config.json`; those with faults are left out.
    pub fn read(config: &Value) -> Self {
        let plugins = config.get("plugins").and_then(Value::as_array);
        let mut answering = Self::default();
        for plugin in plugins.into_iter().flatten() {
            let is_on = plugin.get("enabled") != Some(&Value::Bool(false));
            let config = plugin.get("config").and_then(Value::as_object);
            let name = plugin.get("name").and_then(Value::as_str);
            let (Some(name), Some(config), true) = (name, config, is_on) else {
                continue;
            };
            match name {
                COMPOSE => answering.compose = typed(name, config),
                DATA_SERVICE => answering.data_service = typed(name, config),
                _ => {}
            }
        }
        answering
    }
}

fn typed<T: DeserializeOwned>(name: &str, config: &Map<String, Value>) -> Option<T> {
    let schema = kong::plugins::find(name)?;
    let complete = schema.config().complete(config.clone()).ok()?;
    serde_json::from_value(Value::Object(complete)).ok()
}

/// Checks those of an API.
pub(crate) fn check(config: &Object, gateway: GatewayType, report: &Report) {
    for plugin in config.objects("plugins") {
        let Some(name) = plugin.get("name").and_then(Value::as_str) else {
            continue;
        };
        check_options(&plugin, name, report);
        if is_native(name) && gateway != GatewayType::Embedded {
            let message = format!("only the embedded gateway has the plugin `{name}`");
            plugin.warn("name", message);
        }
    }
}

/// Reports what is wrong with the options of a plugin, each at its place.
fn check_options(plugin: &Object, name: &str, report: &Report) {
    let Some(schema) = kong::plugins::find(name).filter(|_| is_native(name)) else {
        return;
    };
    let config = plugin.get("config").and_then(Value::as_object).cloned();
    if let Err(faults) = schema.config().complete(config.unwrap_or_default()) {
        let place = plugin.path.key("config");
        let written = plugin.get("config").unwrap_or(&Value::Null);
        say(plugin.file, &place, written, faults.into_fields(), report);
    }
}

/// Faults of lists are numbered from 1, as in the Admin API.
fn say(file: &str, place: &JsonPath, written: &Value, faults: Map<String, Value>, report: &Report) {
    for (name, fault) in faults {
        let position = name.parse::<usize>().ok().filter(|_| written.is_array());
        let position = position.and_then(|position| position.checked_sub(1));
        let (place, written) = match position {
            Some(position) => (place.index(position), written.get(position)),
            None => (place.key(&name), written.get(&name)),
        };
        match fault {
            Value::Object(below) => {
                say(file, &place, written.unwrap_or(&Value::Null), below, report);
            }
            Value::String(text) => report.error(file, &place, text),
            other => report.error(file, &place, other.to_string()),
        }
    }
}
