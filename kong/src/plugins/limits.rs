//! Plugins that limit how much a client may send.

use serde_json::{Map, Value};

use super::PluginSchema;
use crate::schema::{Faults, Field, Record, Type, text};

/// Periods of limits, from the shortest on.
pub const PERIODS: [&str; 6] = ["second", "minute", "hour", "day", "month", "year"];

pub fn rate_limiting() -> PluginSchema {
    let mut fields: Vec<Field> = PERIODS
        .into_iter()
        .map(|period| Field::new(period, Type::integer(1, i64::from(u32::MAX))))
        .collect();
    fields.extend([
        Field::new(
            "limit_by",
            Type::one_of(&["consumer", "credential", "ip", "service", "header", "path"]),
        )
        .default("consumer"),
        Field::new("header_name", Type::checked(text::header_name)),
        Field::new("path", Type::checked(text::service_path)),
        Field::new("policy", Type::one_of(&["local"])).default("local"),
        Field::new("fault_tolerant", Type::Boolean)
            .required()
            .default(true),
        Field::new("hide_client_headers", Type::Boolean)
            .required()
            .default(false),
        Field::new("error_code", Type::integer(100, 599)).default(429),
        Field::new("error_message", Type::text()).default("API rate limit exceeded"),
        Field::new(
            "sync_rate",
            Type::Number {
                between: Some((-1.0, -1.0)),
            },
        )
        .required()
        .default(-1),
    ]);
    let schema = Record::new(fields).with_check(check_limits);
    PluginSchema::new("rate-limiting", 910, schema).per_consumer()
}

fn check_limits(config: &Map<String, Value>, faults: &mut Faults) {
    let limits: Vec<(&str, i64)> = PERIODS
        .into_iter()
        .filter_map(|period| Some((period, config.get(period)?.as_i64()?)))
        .collect();
    if limits.is_empty() && !PERIODS.iter().any(|period| faults.contains(period)) {
        faults.entity(format!(
            "at least one of these fields must be set: {}",
            PERIODS.join(", ")
        ));
    }
    for pair in limits.windows(2) {
        let [(short, fewer), (long, more)] = pair else {
            continue;
        };
        if more < fewer {
            faults.entity(format!(
                "the limit per {long} ({more}) is below that per {short} ({fewer})"
            ));
        }
    }
    for (limit_by, field) in [("header", "header_name"), ("path", "path")] {
        let by = config.get("limit_by").and_then(Value::as_str);
        if by == Some(limit_by) && config.get(field).is_none_or(Value::is_null) {
            faults.field(field, format!("required when limit_by is {limit_by}"));
        }
    }
}

pub fn request_size_limiting() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new(
            "allowed_payload_size",
            Type::integer(0, i64::from(u32::MAX)),
        )
        .default(128),
        Field::new(
            "size_unit",
            Type::one_of(&["megabytes", "kilobytes", "bytes"]),
        )
        .required()
        .default("megabytes"),
        Field::new("require_content_length", Type::Boolean)
            .required()
            .default(false),
    ]);
    PluginSchema::new("request-size-limiting", 951, schema).per_consumer()
}
