use serde_json::{Map, Value};

use super::{Faults, Field, Record, Type, text, with_common};
use crate::{Kind, plugins};

/// Protocols that a plugin may name. Those of stream routes are accepted without effect.
const PROTOCOLS: &[&str] = &["grpc", "grpcs", "http", "https", "tcp", "tls", "udp"];

pub fn schema() -> Record {
    Record::new(with_common(
        Kind::Plugin,
        vec![
            Field::new("name", Type::text()).required(),
            Field::new("instance_name", Type::checked(text::name)).unique(),
            Field::new("route", Type::Reference(Kind::Route)),
            Field::new("service", Type::Reference(Kind::Service)),
            Field::new("consumer", Type::Reference(Kind::Consumer)),
            Field::new("config", Type::Record(Record::default())),
            Field::new("protocols", Type::set(Type::one_of(PROTOCOLS)))
                .required()
                .default(vec!["grpc", "grpcs", "http", "https"])
                .len_min(1),
            Field::new("enabled", Type::Boolean)
                .required()
                .default(true),
        ],
    ))
}

/// Completes a plugin and its configuration.
pub fn examine(mut input: Map<String, Value>) -> Result<Map<String, Value>, Faults> {
    let config = input.remove("config").filter(|config| !config.is_null());
    let (mut complete, mut faults) = super::of(Kind::Plugin).examine(input);
    let name = complete
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(plugin) = plugins::find(name) else {
        if !name.is_empty() {
            faults.field("name", plugins::unknown(name));
        }
        return Err(faults);
    };
    if !plugin.per_consumer && !complete.get("consumer").is_none_or(Value::is_null) {
        faults.field("consumer", "this plugin cannot be bound to a consumer");
    }
    if plugin.global_only {
        for field in ["route", "service"] {
            if !complete.get(field).is_none_or(Value::is_null) {
                faults.field(field, "this plugin can only be global");
            }
        }
    }
    match config.unwrap_or_else(|| Value::Object(Map::new())) {
        Value::Object(config) => match plugin.config().complete(config) {
            Ok(config) => {
                complete.insert("config".to_owned(), Value::Object(config));
            }
            Err(below) => faults.below("config", below),
        },
        _ => faults.field("config", "expected a record"),
    }
    if faults.is_empty() {
        Ok(complete)
    } else {
        Err(faults)
    }
}

/// Moves values of old field names to where they stand now.
pub fn expand_shorthands(input: &mut Map<String, Value>) {
    let Some(plugin) = input
        .get("name")
        .and_then(Value::as_str)
        .and_then(plugins::find)
    else {
        return;
    };
    let Some(expand) = plugin.expand_shorthands else {
        return;
    };
    if let Some(Value::Object(config)) = input.get_mut("config") {
        expand(config);
    }
}
