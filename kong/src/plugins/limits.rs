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
        Field::new("error_code", Type::integer(100, 599)).default(429),
        Field::new("error_message", Type::text()).default("API rate limit exceeded"),
        Field::new(
            "sync_rate",
            Type::Number {
                between: Some((-1.0, 3600.0)),
            },
        )
        .required()
        .default(-1),
    ]);
    fields.extend(shared_fields());
    let schema = Record::new(fields).with_check(|config, faults| {
        check_limits(config, faults);
        check_policy(config, faults);
        check_sync_rate(config, faults);
    });
    let mut plugin = PluginSchema::new("rate-limiting", 910, schema).per_consumer();
    plugin.expand_shorthands = Some(nest_redis);
    plugin
}

pub fn response_ratelimiting() -> PluginSchema {
    let periods = PERIODS
        .into_iter()
        .map(|period| Field::new(period, Type::integer(1, i64::from(u32::MAX))))
        .collect();
    let limit = Record::new(periods).with_check(check_periods);
    let mut fields = vec![
        Field::new(
            "limits",
            Type::Map(Some(text::header_name), Box::new(Type::Record(limit))),
        )
        .required()
        .len_min(1),
        Field::new("header_name", Type::checked(text::header_name)).default("x-kong-limit"),
        Field::new("limit_by", Type::one_of(&["consumer", "credential", "ip"]))
            .required()
            .default("consumer"),
        Field::new("block_on_first_violation", Type::Boolean)
            .required()
            .default(false),
    ];
    fields.extend(shared_fields());
    let schema = Record::new(fields).with_check(check_policy);
    let mut plugin = PluginSchema::new("response-ratelimiting", 900, schema).per_consumer();
    plugin.expand_shorthands = Some(nest_redis);
    plugin
}

/// Where counts are kept, and what happens when they cannot be.
fn shared_fields() -> Vec<Field> {
    let flag = |name, default: bool| Field::new(name, Type::Boolean).required().default(default);
    let redis = Record::new(vec![
        Field::new("host", Type::checked(text::host)),
        Field::new("port", Type::integer(0, 65_535)).default(6379),
        Field::new("username", Type::text().referenceable()),
        Field::new("password", Type::text().referenceable()).secret(),
        Field::new("database", Type::integer(0, i64::from(u16::MAX))).default(0),
        Field::new("timeout", Type::integer(1, 2_147_483_646)).default(2000),
        Field::new("ssl", Type::Boolean).default(false),
        Field::new("ssl_verify", Type::Boolean).default(true),
        Field::new("server_name", Type::checked(text::host)),
    ]);
    vec![
        Field::new("policy", Type::one_of(&["local", "redis"])).default("local"),
        flag("fault_tolerant", true),
        flag("hide_client_headers", false),
        Field::new("redis", Type::Record(redis)),
    ]
}

/// Old field names: `redis_host` is `redis.host`.
fn nest_redis(config: &mut Map<String, Value>) {
    for name in [
        "host",
        "port",
        "username",
        "password",
        "database",
        "timeout",
        "ssl",
        "ssl_verify",
        "server_name",
    ] {
        let Some(value) = config.remove(&format!("redis_{name}")) else {
            continue;
        };
        let redis = config
            .entry("redis")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(redis) = redis
            && !value.is_null()
        {
            redis.entry(name).or_insert(value);
        }
    }
}

fn check_policy(config: &Map<String, Value>, faults: &mut Faults) {
    let is_shared = config.get("policy").and_then(Value::as_str) == Some("redis");
    let host = config.get("redis").and_then(|redis| redis.get("host"));
    if is_shared && host.is_none_or(Value::is_null) {
        faults.field("redis.host", "required when policy is redis");
    }
}

/// How often counts are told to a store: with each request (-1), or every so many seconds.
fn check_sync_rate(config: &Map<String, Value>, faults: &mut Faults) {
    let rate = config.get("sync_rate").and_then(Value::as_f64);
    let is_shared = config.get("policy").and_then(Value::as_str) == Some("redis");
    match rate {
        Some(-1.0) | None => {}
        Some(rate) if rate < 0.02 => {
            faults.field("sync_rate", "can be -1 or from 0.02 on");
        }
        Some(_) if !is_shared => faults.field("sync_rate", "needs policy redis"),
        Some(_) => {}
    }
}

fn check_periods(config: &Map<String, Value>, faults: &mut Faults) {
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
}

fn check_limits(config: &Map<String, Value>, faults: &mut Faults) {
    check_periods(config, faults);
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
