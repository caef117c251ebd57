//! Plugins that watch.

use super::PluginSchema;
use crate::schema::{Field, Record, Type, text};

pub fn correlation_id() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("header_name", Type::checked(text::header_name)).default("Kong-Request-ID"),
        Field::new(
            "generator",
            Type::one_of(&["uuid", "uuid#counter", "tracker"]),
        )
        .required()
        .default("uuid#counter"),
        Field::new("echo_downstream", Type::Boolean)
            .required()
            .default(false),
    ]);
    PluginSchema::new("correlation-id", 100_001, schema).per_consumer()
}

pub fn prometheus() -> PluginSchema {
    let flag = |name| Field::new(name, Type::Boolean).default(false);
    let schema = Record::new(vec![
        flag("status_code_metrics"),
        flag("latency_metrics"),
        flag("bandwidth_metrics"),
        flag("upstream_health_metrics"),
        flag("per_consumer"),
        flag("ai_metrics"),
        flag("wasm_metrics"),
    ]);
    PluginSchema::new("prometheus", 13, schema).per_consumer()
}

pub fn usage() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("endpoint", Type::checked(text::url)).required(),
        Field::new("token", Type::checked(text::header_value))
            .required()
            .secret(),
        Field::new("batch_size", Type::integer(1, 10_000))
            .required()
            .default(500),
        Field::new(
            "flush_interval",
            Type::Number {
                between: Some((0.01, 3600.0)),
            },
        )
        .required()
        .default(1),
        Field::new("max_entries", Type::integer(1, 10_000_000))
            .required()
            .default(100_000),
        Field::new("spool_bytes", Type::integer(0, i64::MAX))
            .required()
            .default(268_435_456_i64),
    ]);
    let mut plugin = PluginSchema::new("wicketgate-usage", 12, schema);
    plugin.global_only = true;
    plugin
}
