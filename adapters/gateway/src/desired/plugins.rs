//! Plugins as the configuration writes them → as the gateway wants them (C4, C11, C16).

use kong::Plugin;
use sdk::types::{Globals, Plugin as Configured};
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::target::Gateway;

/// Plugins that decide who calls; an API's `auth` brings them, so configuring them too would be
/// two answers to one question.
const ACCESS: [&str; 5] = ["key-auth", "oauth2", "acl", "jwt", "wicketgate-identity"];

/// Fields of a Redis, as they were called when they stood side by side, and now in a record.
const REDIS: [(&str, &str); 8] = [
    ("redis_host", "host"),
    ("redis_port", "port"),
    ("redis_username", "username"),
    ("redis_password", "password"),
    ("redis_database", "database"),
    ("redis_timeout", "timeout"),
    ("redis_ssl", "ssl"),
    ("redis_ssl_verify", "ssl_verify"),
];

/// The configured plugin without id and binding.
pub fn rewritten(context: &Context, configured: &Configured, first_path: &str) -> Plugin {
    let mut config = configured.config.0.clone();
    match configured.name.as_str() {
        "cors" => cors(&mut config),
        "acl" | "ip-restriction" | "bot-detection" => rename_lists(&mut config),
        "request-transformer" => forwarded(&mut config, &context.config.globals, first_path),
        "rate-limiting" | "response-ratelimiting" => {
            counters(context, &configured.name, &mut config);
        }
        name => queue(context, name, &mut config),
    }
    Plugin {
        name: configured.name.clone(),
        config,
        enabled: configured.enabled.unwrap_or(true),
        ..Plugin::default()
    }
}

/// Where Kong counts calls: as written, else in the Redis of the installation, else in its
/// database, else in each node. Embedded gateways count each for itself, or in the Redis that the
/// operator has given to the adapter.
fn counters(context: &Context, plugin: &str, config: &mut Map<String, Value>) {
    let Gateway::Kong { database } = context.target.gateway else {
        let is_written = ["policy", "redis", "redis_host"]
            .iter()
            .any(|field| config.contains_key(*field));
        if let Some(redis) = &context.settings.redis
            && plugin == "rate-limiting"
            && !is_written
        {
            config.insert("policy".to_owned(), json!("redis"));
            config.insert("redis".to_owned(), json!(redis.fields()));
        }
        return;
    };
    let store = context.config.globals.session_store.as_ref();
    let store = store.filter(|store| store.kind.as_deref() == Some("redis"));
    let written = config.get("policy").and_then(Value::as_str);
    let names_redis = config.contains_key("redis_host") || config.contains_key("redis");
    let policy = match (written, store) {
        // Without a database there is nothing that a cluster shares.
        (Some("cluster"), Some(_)) if !database => "redis",
        (Some("cluster"), None) if !database => "local",
        (Some(written), _) => written,
        (None, _) if names_redis => "redis",
        (None, Some(_)) => "redis",
        (None, None) if database => "cluster",
        (None, None) => "local",
    }
    .to_owned();
    if let (true, false, Some(store)) = (policy == "redis", names_redis, store) {
        config.insert(
            "redis_host".to_owned(),
            json!(store.host.as_deref().unwrap_or("portal-redis")),
        );
        config.insert("redis_port".to_owned(), json!(store.port.unwrap_or(6379)));
        config.insert("redis_timeout".to_owned(), json!(2000));
        if let Some(password) = &store.password {
            config.insert("redis_password".to_owned(), json!(password.expose()));
        }
    }
    config.insert("policy".to_owned(), json!(policy));
    name_redis(context.target.has_field(plugin, "redis"), config);
}

/// Both spellings are accepted, and the one that the gateway knows is sent.
fn name_redis(has_record: bool, config: &mut Map<String, Value>) {
    if has_record {
        let mut record = match config.remove("redis") {
            Some(Value::Object(record)) => record,
            _ => Map::new(),
        };
        for (flat, name) in REDIS {
            if let Some(value) = config.remove(flat) {
                record.entry(name).or_insert(value);
            }
        }
        if !record.is_empty() {
            config.insert("redis".to_owned(), Value::Object(record));
        }
    } else if let Some(Value::Object(record)) = config.remove("redis") {
        for (name, value) in record {
            config.entry(format!("redis_{name}")).or_insert(value);
        }
    }
}

/// Since 3.3 plugins that send logs have their queue in a record.
fn queue(context: &Context, plugin: &str, config: &mut Map<String, Value>) {
    let schema = context.target.schema(plugin);
    if !schema.is_some_and(|schema| schema.has("queue")) {
        return;
    }
    let mut record = match config.remove("queue") {
        Some(Value::Object(record)) => record,
        _ => Map::new(),
    };
    for (flat, name) in [
        ("queue_size", "max_batch_size"),
        ("flush_timeout", "max_coalescing_delay"),
    ] {
        if let Some(value) = config.remove(flat) {
            record.entry(name).or_insert(value);
        }
    }
    // How long is tried is said in seconds now, not in times.
    config.remove("retry_count");
    if !record.is_empty() {
        config.insert("queue".to_owned(), Value::Object(record));
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
    use super::*;
    use crate::{fixture, redis::Redis, target::Target};

    fn rewrite(name: &str, config: &Value) -> Value {
        rewrite_beside(None, name, config)
    }

    fn rewrite_beside(redis: Option<&str>, name: &str, config: &Value) -> Value {
        let configured = serde_json::from_value(json!({"name": name, "config": config})).unwrap();
        let (mut settings, keys) = (fixture::settings(), fixture::keys());
        settings.redis = redis.map(|url| Redis::parse(url).unwrap());
        let snapshot = fixture::snapshot(json!([]), json!([]));
        let target = Target::embedded();
        let context = Context::new(&settings, &snapshot, &keys, &target);
        Value::Object(rewritten(&context, &configured, "/pets/v1").config)
    }

    #[test]
    fn embedded_gateways_share_a_redis_unless_something_else_is_written() {
        let redis = Some("redis://:hush@portal-redis");
        let fields = json!({"host": "portal-redis", "password": "hush"});
        let free = json!({"minute": 10});
        assert_eq!(rewrite("rate-limiting", &free), free);
        assert_eq!(
            rewrite_beside(redis, "rate-limiting", &free),
            json!({"minute": 10, "policy": "redis", "redis": fields})
        );
        for written in [
            json!({"minute": 10, "policy": "local"}),
            json!({"minute": 10, "redis_host": "own"}),
        ] {
            assert_eq!(rewrite_beside(redis, "rate-limiting", &written), written);
        }
        let other = json!({"limits": {"a": {"minute": 1}}});
        assert_eq!(
            rewrite_beside(redis, "response-ratelimiting", &other),
            other
        );
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
