//! Plugins as the configuration writes them → as the gateway wants them (C4, C11, C16).

use kong::Plugin;
use sdk::types::{Globals, Plugin as Configured};
use serde_json::{Map, Value};

/// Plugins that decide who calls; an API's `auth` brings them, so configuring them too would be
/// two answers to one question.
const ACCESS: [&str; 5] = ["key-auth", "oauth2", "acl", "jwt", "wicketgate-identity"];

/// The configured plugin without id and binding.
pub fn rewritten(configured: &Configured, globals: &Globals, first_path: &str) -> Plugin {
    let mut config = configured.config.0.clone();
    match configured.name.as_str() {
        "cors" => cors(&mut config),
        "acl" | "ip-restriction" | "bot-detection" => rename_lists(&mut config),
        "request-transformer" => forwarded(&mut config, globals, first_path),
        _ => {}
    }
    Plugin {
        name: configured.name.clone(),
        config,
        enabled: configured.enabled.unwrap_or(true),
        ..Plugin::default()
    }
}

/// Refuses plugins that contradict what `auth` brings.
pub fn check_access(auth: &str, plugins: &[Configured]) -> Result<(), String> {
    if auth == "none" {
        return Ok(());
    }
    match plugins
        .iter()
        .find(|plugin| ACCESS.contains(&plugin.name.as_str()))
    {
        Some(plugin) => Err(format!(
            "plugins: `{}` contradicts auth `{auth}`, which brings its own plugins",
            plugin.name
        )),
        None => Ok(()),
    }
}

/// Old configurations write one origin, and methods separated by commas.
fn cors(config: &mut Map<String, Value>) {
    split(config, "origins", false);
    split(config, "methods", true);
    split(config, "headers", true);
    split(config, "exposed_headers", true);
}

fn rename_lists(config: &mut Map<String, Value>) {
    for (old, new) in [("whitelist", "allow"), ("blacklist", "deny")] {
        if let Some(list) = config.remove(old).filter(|list| !list.is_null()) {
            config.entry(new).or_insert(list);
        }
        split(config, new, true);
    }
}

/// A text in the place of a list becomes a list.
fn split(config: &mut Map<String, Value>, field: &str, at_commas: bool) {
    let Some(Value::String(text)) = config.get(field) else {
        return;
    };
    let parts: Vec<&str> = if at_commas {
        text.split(',').collect()
    } else {
        vec![text]
    };
    let parts = parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let list: Vec<Value> = parts.map(Value::from).collect();
    config.insert(field.to_owned(), Value::Array(list));
}

/// `%%Forwarded` stands for a header that tells the backend how it was reached from outside.
fn forwarded(config: &mut Map<String, Value>, globals: &Globals, first_path: &str) {
    let headers = config.get_mut("add").and_then(|add| add.get_mut("headers"));
    let Some(Value::Array(headers)) = headers else {
        return;
    };
    let network = &globals.network;
    let protocol = network.schema.as_deref().unwrap_or("https");
    let external = network.api_host.as_deref().unwrap_or_default();
    let default_port = if protocol == "https" { "443" } else { "80" };
    let (host, port) = external.split_once(':').unwrap_or((external, default_port));
    for header in headers {
        if header.as_str() == Some("%%Forwarded") {
            *header = Value::from(format!(
                "Forwarded:host={host};port={port};proto={protocol};prefix={first_path}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rewrite(name: &str, config: &Value) -> Value {
        let configured = serde_json::from_value(json!({"name": name, "config": config})).unwrap();
        let globals = serde_json::from_value(
            json!({"network": {"schema": "https", "apiHost": "api.example.org"}}),
        )
        .unwrap();
        Value::Object(rewritten(&configured, &globals, "/pets/v1").config)
    }

    #[test]
    fn old_forms_are_rewritten() {
        let cases = [
            (
                "cors",
                json!({"origins": "*", "methods": "GET,POST"}),
                json!({"origins": ["*"], "methods": ["GET", "POST"]}),
            ),
            (
                "ip-restriction",
                json!({"whitelist": "1.2.3.4, 5.6.7.8"}),
                json!({"allow": ["1.2.3.4", "5.6.7.8"]}),
            ),
            ("acl", json!({"blacklist": ["x"]}), json!({"deny": ["x"]})),
            (
                "request-transformer",
                json!({"add": {"headers": ["a:b", "%%Forwarded"]}}),
                json!({"add": {"headers": [
                    "a:b",
                    "Forwarded:host=api.example.org;port=443;proto=https;prefix=/pets/v1"
                ]}}),
            ),
            ("rate-limiting", json!({"minute": 3}), json!({"minute": 3})),
        ];
        for (name, given, expected) in cases {
            assert_eq!(rewrite(name, &given), expected, "{name}");
        }
    }
}
