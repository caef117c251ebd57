//! Plugins that decide whether a request goes on.

use serde_json::Value;

use super::PluginSchema;
use crate::schema::{Field, Record, Type, text};

const METHODS: &[&str] = &[
    "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

pub fn acl() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("allow", Type::list(Type::text())).len_min(1),
        Field::new("deny", Type::list(Type::text())).len_min(1),
        Field::new("hide_groups_header", Type::Boolean)
            .required()
            .default(false),
        Field::new("always_use_authenticated_groups", Type::Boolean)
            .required()
            .default(false),
    ])
    .with_check(|config, faults| {
        let set = |field| !config.get(field).is_none_or(Value::is_null);
        if !faults.contains("allow") && !faults.contains("deny") && set("allow") == set("deny") {
            faults.entity("exactly one of these fields must be set: allow, deny");
        }
    });
    PluginSchema::new("acl", 950, schema)
}

pub fn cors() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("origins", Type::list(Type::checked(origin))),
        Field::new("methods", Type::list(Type::one_of(METHODS))).default(METHODS.to_vec()),
        Field::new("headers", Type::list(Type::checked(text::header_value))),
        Field::new(
            "exposed_headers",
            Type::list(Type::checked(text::header_value)),
        ),
        Field::new("max_age", Type::Number { between: None }),
        Field::new("credentials", Type::Boolean)
            .required()
            .default(false),
        Field::new("private_network", Type::Boolean)
            .required()
            .default(false),
        Field::new("preflight_continue", Type::Boolean)
            .required()
            .default(false),
        Field::new("allow_origin_absent", Type::Boolean)
            .required()
            .default(true),
    ]);
    PluginSchema::new("cors", 2000, schema)
}

/// `*`, a plain origin, or a pattern.
fn origin(entry: &str) -> Result<(), String> {
    text::header_value(entry)?;
    if entry == "*" {
        Ok(())
    } else {
        text::regex(entry)
    }
}

pub fn request_termination() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("status_code", Type::integer(100, 599))
            .required()
            .default(503),
        Field::new("message", Type::text()),
        Field::new("body", Type::text()),
        Field::new("content_type", Type::checked(text::header_value)),
        Field::new("echo", Type::Boolean).required().default(false),
        Field::new("trigger", Type::checked(text::header_name)),
    ])
    .with_check(|config, faults| {
        let set = |field| !config.get(field).is_none_or(Value::is_null);
        if set("message") && (set("body") || set("content_type")) {
            faults.entity("message cannot be used with body or content_type");
        }
        if set("content_type") && !set("body") {
            faults.entity("content_type requires body");
        }
        let echoes = config.get("echo").and_then(Value::as_bool) == Some(true);
        if echoes && (set("message") || set("body")) {
            faults.entity("echo cannot be used with message or body");
        }
    });
    PluginSchema::new("request-termination", 2, schema).per_consumer()
}

pub fn redirect() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("status_code", Type::integer(100, 599))
            .required()
            .default(301),
        Field::new("location", Type::checked(text::url)).required(),
        Field::new("keep_incoming_path", Type::Boolean).default(false),
    ]);
    PluginSchema::new("redirect", 779, schema).per_consumer()
}

pub fn bot_detection() -> PluginSchema {
    let patterns = |name| {
        Field::new(name, Type::list(Type::checked(text::regex))).default(Vec::<String>::new())
    };
    let schema = Record::new(vec![patterns("allow"), patterns("deny")]);
    PluginSchema::new("bot-detection", 2500, schema)
}

pub fn ip_restriction() -> PluginSchema {
    let networks = || Type::list(Type::checked(text::network));
    let schema = Record::new(vec![
        Field::new("allow", networks()),
        Field::new("deny", networks()),
        Field::new("status", Type::integer(100, 599)).default(403),
        Field::new("message", Type::text()),
    ])
    .with_check(|config, faults| {
        let is_empty = |field| {
            let list = config.get(field).and_then(Value::as_array);
            list.is_none_or(Vec::is_empty)
        };
        let is_faulty = faults.contains("allow") || faults.contains("deny");
        if !is_faulty && is_empty("allow") && is_empty("deny") {
            faults.entity("at least one of these fields must be set: allow, deny");
        }
    });
    PluginSchema::new("ip-restriction", 990, schema).per_consumer()
}
