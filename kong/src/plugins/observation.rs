//! Plugins that watch.

use serde_json::{Map, Value};

use super::PluginSchema;
use crate::{
    schema::{Field, Record, Type, text},
    usage as records,
};

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
        Field::new("endpoint", Type::checked(usage_endpoint)).required(),
        Field::new("token", Type::checked(text::header_value)).secret(),
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
    ])
    .with_check(|config, faults| {
        let is_sent = config.get("endpoint").and_then(Value::as_str) != Some(records::FILES);
        if is_sent && config.get("token").is_none_or(Value::is_null) {
            faults.field("token", "required field missing");
        }
    });
    let mut plugin = PluginSchema::new("wicketgate-usage", 12, schema);
    plugin.global_only = true;
    plugin
}

/// An address, or [`records::FILES`].
fn usage_endpoint(text: &str) -> Result<(), String> {
    if text == records::FILES {
        return Ok(());
    }
    text::url(text)
}

const METHODS: &[&str] = &["POST", "PUT", "PATCH"];
const CONTENT_TYPES: &[&str] = &["application/json", "application/json; charset=utf-8"];

pub fn http_log() -> PluginSchema {
    let milliseconds =
        |name, default: i64| Field::new(name, Type::integer(1, 2_147_483_646)).default(default);
    let schema = Record::new(vec![
        Field::new("http_endpoint", Type::checked(text::url))
            .required()
            .secret(),
        Field::new("method", Type::one_of(METHODS)).default("POST"),
        Field::new("content_type", Type::one_of(CONTENT_TYPES)).default("application/json"),
        milliseconds("timeout", 10_000),
        milliseconds("keepalive", 60_000),
        Field::new(
            "headers",
            Type::Map(
                Some(log_header),
                Box::new(Type::checked(text::header_value).referenceable()),
            ),
        ),
        Field::new("queue", Type::Record(queue(1))),
    ])
    .with_check(|config, faults| {
        let url = config.get("http_endpoint").and_then(Value::as_str);
        let url = url.and_then(|url| url::Url::parse(url).ok());
        if url.as_ref().is_some_and(is_link_local) {
            faults.field("http_endpoint", LINK_LOCAL);
        }
        let names_user = url.is_some_and(|url| !url.username().is_empty());
        let headers = config.get("headers").and_then(Value::as_object);
        let authorizes = headers.is_some_and(|headers| {
            headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("authorization"))
        });
        if names_user && authorizes {
            faults.field(
                "headers",
                "Authorization cannot be used while http_endpoint names a user",
            );
        }
    });
    let mut plugin = PluginSchema::new("http-log", 12, schema).per_consumer();
    plugin.expand_shorthands = Some(nest_queue);
    plugin
}

/// Forms in which requests say which trace they belong to.
const FORMATS: &[&str] = &["w3c", "b3", "b3-single"];
const HEADER_TYPES: &[&str] = &["preserve", "ignore", "w3c", "b3", "b3-single"];
const INJECTED: &[&str] = &["preserve", "w3c", "b3", "b3-single"];

pub fn opentelemetry() -> PluginSchema {
    let milliseconds =
        |name, default: i64| Field::new(name, Type::integer(1, 2_147_483_646)).default(default);
    let value = || Type::checked(text::header_value).referenceable();
    let texts = |names| Type::Map(names, Box::new(value()));
    let propagation = Record::new(vec![
        Field::new("extract", Type::list(Type::one_of(FORMATS))),
        Field::new("inject", Type::list(Type::one_of(INJECTED))),
        Field::new("clear", Type::list(Type::checked(text::header_name))),
        Field::new("default_format", Type::one_of(FORMATS))
            .required()
            .default("w3c"),
    ]);
    let schema = Record::new(vec![
        Field::new("traces_endpoint", Type::checked(text::url)).secret(),
        Field::new("logs_endpoint", Type::checked(text::url)).secret(),
        Field::new("headers", texts(Some(log_header as _))).secret(),
        Field::new("resource_attributes", texts(None)),
        Field::new("queue", Type::Record(queue(200))),
        milliseconds("connect_timeout", 1000),
        milliseconds("send_timeout", 5000),
        milliseconds("read_timeout", 5000),
        Field::new(
            "sampling_rate",
            Type::Number {
                between: Some((0.0, 1.0)),
            },
        ),
        Field::new("header_type", Type::one_of(HEADER_TYPES)).default("preserve"),
        Field::new("propagation", Type::Record(propagation)),
        Field::new(
            "http_response_header_for_traceid",
            Type::checked(text::header_name),
        ),
    ])
    .with_check(|config, faults| {
        let ends = ["traces_endpoint", "logs_endpoint"];
        let url = |field: &str| config.get(field).and_then(Value::as_str);
        if ends
            .iter()
            .all(|field| url(field).is_none() && !faults.contains(field))
        {
            faults
                .entity("at least one of these fields must be set: traces_endpoint, logs_endpoint");
        }
        for field in ends {
            let url = url(field).and_then(|url| url::Url::parse(url).ok());
            if url.as_ref().is_some_and(is_link_local) {
                faults.field(field, LINK_LOCAL);
            }
        }
    });
    let mut plugin = PluginSchema::new("opentelemetry", 14, schema).per_consumer();
    plugin.expand_shorthands = Some(|config| {
        if let Some(endpoint) = config.remove("endpoint") {
            config.entry("traces_endpoint").or_insert(endpoint);
        }
        nest(
            config,
            &[
                ("batch_span_count", Some("max_batch_size")),
                ("batch_flush_delay", Some("max_coalescing_delay")),
            ],
        );
    });
    plugin
}

pub const LINK_LOCAL: &str = "link-local addresses are where clouds keep their secrets";

pub fn is_link_local(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_link_local(),
        Some(url::Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped();
            address.is_unicast_link_local() || mapped.is_some_and(|mapped| mapped.is_link_local())
        }
        _ => false,
    }
}

/// What waits until it is sent.
fn queue(batch: i64) -> Record {
    let seconds = |name, from: f64, to: f64, default: Value| {
        let value = Type::Number {
            between: Some((from, to)),
        };
        Field::new(name, value).default(default)
    };
    Record::new(vec![
        Field::new("max_batch_size", Type::integer(1, 1_000_000)).default(batch),
        seconds("max_coalescing_delay", 0.0, 3600.0, 1.into()),
        Field::new("max_entries", Type::integer(1, 1_000_000)).default(10_000),
        Field::new("max_bytes", Type::integer(1, i64::MAX)),
        seconds("max_retry_time", 0.0, 86_400.0, 60.into()),
        seconds("initial_retry_delay", 0.001, 1_000_000.0, 0.01.into()),
        seconds("max_retry_delay", 0.001, 1_000_000.0, 60.into()),
        Field::new(
            "concurrency_limit",
            Type::Integer {
                between: None,
                one_of: &[-1, 1],
            },
        )
        .default(1),
    ])
}

/// Old field names.
fn nest_queue(config: &mut Map<String, Value>) {
    nest(
        config,
        &[
            ("queue_size", Some("max_batch_size")),
            ("flush_timeout", Some("max_coalescing_delay")),
            ("retry_count", None),
        ],
    );
}

/// Moves values to the fields of `queue` that they are called now.
fn nest(config: &mut Map<String, Value>, names: &[(&str, Option<&str>)]) {
    for &(old, new) in names {
        let Some(value) = config.remove(old) else {
            continue;
        };
        let queue = config
            .entry("queue")
            .or_insert_with(|| Value::Object(Map::new()));
        if let (Value::Object(queue), Some(new)) = (queue, new)
            && !value.is_null()
        {
            queue.entry(new).or_insert(value);
        }
    }
}

/// A header that is not one of the message itself.
fn log_header(name: &str) -> Result<(), String> {
    text::header_name(name)?;
    let own = ["host", "content-length", "content-type"];
    if own.contains(&name.to_ascii_lowercase().as_str()) {
        return Err("this header cannot be chosen".to_owned());
    }
    Ok(())
}

pub fn file_log() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("path", Type::checked(log_path)).required(),
        Field::new("reopen", Type::Boolean)
            .required()
            .default(false),
    ]);
    PluginSchema::new("file-log", 9, schema).per_consumer()
}

fn log_path(path: &str) -> Result<(), String> {
    if path.split('/').any(|segment| segment == "..") || path.contains('\0') {
        return Err("must not contain `..`".to_owned());
    }
    Ok(())
}
