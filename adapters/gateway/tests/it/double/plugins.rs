//! Kong's plugins: the schemas of their configuration, and the rules that go beyond types.

use serde_json::{Map, Value, json};

use super::schema::{complete, field};

/// Everything that `available_on_server` lists here.
pub const NAMES: [&str; 23] = [
    "acl",
    "aws-lambda",
    "basic-auth",
    "bot-detection",
    "correlation-id",
    "cors",
    "file-log",
    "hmac-auth",
    "http-log",
    "ip-restriction",
    "jwt",
    "key-auth",
    "oauth2",
    "post-function",
    "pre-function",
    "prometheus",
    "rate-limiting",
    "request-size-limiting",
    "request-termination",
    "request-transformer",
    "response-ratelimiting",
    "response-transformer",
    "syslog",
];
const NOT_PER_CONSUMER: [&str; 11] = [
    "acl",
    "basic-auth",
    "bot-detection",
    "cors",
    "hmac-auth",
    "jwt",
    "key-auth",
    "oauth2",
    "post-function",
    "pre-function",
    "session",
];

/// Answer of `GET /schemas/plugins/{name}`.
pub fn schema(name: &str, version: &str) -> Option<Value> {
    if !NAMES.contains(&name) {
        return None;
    }
    let mut fields = Vec::new();
    if NOT_PER_CONSUMER.contains(&name) {
        fields.push(field(
            "consumer",
            json!({"type": "foreign", "reference": "consumers", "eq": null}),
        ));
    }
    fields.push(field(
        "protocols",
        json!({"type": "set", "elements": {"type": "string"},
        "required": true, "default": ["grpc", "grpcs", "http", "https"]}),
    ));
    fields.push(field("config", config(name, version)));
    Some(json!({"entity_checks": [], "fields": fields}))
}

fn text() -> Value {
    json!({"type": "string"})
}

fn flag(default: bool) -> Value {
    json!({"type": "boolean", "required": true, "default": default})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn texts(default: Value) -> Value {
    let mut about = json!({"type": "array", "elements": {"type": "string"}});
    if !default.is_null() {
        about["default"] = default;
    }
    about
}

fn set(default: Value) -> Value {
    let mut about = texts(default);
    about["type"] = json!("set");
    about
}

fn with(mut about: Value, name: &str, value: Value) -> Value {
    about[name] = value;
    about
}

/// The `config` record.
#[expect(clippy::too_many_lines, reason = "a table")]
fn config(name: &str, version: &str) -> Value {
    let is_old = version.starts_with("2.");
    let mut fields: Vec<Value> = Vec::new();
    let mut shorthands: Vec<Value> = Vec::new();
    let mut add = |name: &str, about: Value| fields.push(field(name, about));
    match name {
        "acl" => {
            add("allow", texts(Value::Null));
            add("deny", texts(Value::Null));
            add("hide_groups_header", flag(false));
            if !is_old {
                add("always_use_authenticated_groups", flag(false));
            }
        }
        "key-auth" => {
            add(
                "key_names",
                with(
                    with(texts(json!(["apikey"])), "required", json!(true)),
                    "len_min",
                    json!(1),
                ),
            );
            add("hide_credentials", flag(false));
            add("anonymous", text());
            add("key_in_header", flag(true));
            add("key_in_query", flag(true));
            add("key_in_body", flag(false));
            add("run_on_preflight", flag(true));
            if !is_old {
                add("realm", text());
            }
        }
        "jwt" => {
            add("uri_param_names", set(json!(["jwt"])));
            add("cookie_names", set(json!([])));
            add("key_claim_name", with(text(), "default", json!("iss")));
            add("secret_is_base64", flag(false));
            add(
                "claims_to_verify",
                json!({"type": "set", "elements": {"type": "string", "one_of": ["exp", "nbf"]}}),
            );
            add("anonymous", text());
            add("run_on_preflight", flag(true));
            add(
                "maximum_expiration",
                json!({"type": "number", "default": 0, "between": [0, 31_536_000]}),
            );
            add("header_names", set(json!(["authorization"])));
            if !is_old {
                add("realm", text());
            }
        }
        "basic-auth" | "hmac-auth" => {
            add("hide_credentials", flag(false));
            add("anonymous", text());
        }
        "oauth2" => {
            add("scopes", texts(Value::Null));
            add("mandatory_scope", flag(false));
            add(
                "provision_key",
                json!({"type": "string", "auto": true, "required": true, "encrypted": true}),
            );
            add(
                "token_expiration",
                json!({"type": "number", "required": true, "default": 7200}),
            );
            for flow in [
                "enable_authorization_code",
                "enable_implicit_grant",
                "enable_client_credentials",
                "enable_password_grant",
            ] {
                add(flow, flag(false));
            }
            add("hide_credentials", flag(false));
            add("accept_http_if_already_terminated", flag(false));
            add("anonymous", text());
            add("global_credentials", flag(false));
            add(
                "auth_header_name",
                with(text(), "default", json!("authorization")),
            );
            add(
                "refresh_token_ttl",
                json!({"type": "number", "required": true, "default": 1_209_600, "between": [0, 100_000_000]}),
            );
            add("reuse_refresh_token", flag(false));
            add(
                "pkce",
                json!({"type": "string", "default": "lax", "one_of": ["none", "lax", "strict"]}),
            );
        }
        "pre-function" | "post-function" => {
            for phase in [
                "certificate",
                "rewrite",
                "access",
                "header_filter",
                "body_filter",
                "log",
            ] {
                add(phase, with(texts(json!([])), "required", json!(true)));
            }
        }
        "prometheus" => {
            add("per_consumer", flag(false));
            if !is_old {
                for group in [
                    "status_code_metrics",
                    "latency_metrics",
                    "bandwidth_metrics",
                    "upstream_health_metrics",
                ] {
                    add(group, flag(false));
                }
            }
        }
        "correlation-id" => {
            add(
                "header_name",
                with(text(), "default", json!("Kong-Request-ID")),
            );
            add(
                "generator",
                json!({"type": "string", "required": true, "default": "uuid#counter", "one_of": ["uuid", "uuid#counter", "tracker"]}),
            );
            add("echo_downstream", flag(false));
        }
        "http-log" => {
            add(
                "http_endpoint",
                json!({"type": "string", "required": true, "encrypted": true}),
            );
            add("method", with(text(), "default", json!("POST")));
            add(
                "content_type",
                with(text(), "default", json!("application/json")),
            );
            add("timeout", with(number(), "default", json!(10000)));
            add("keepalive", with(number(), "default", json!(60000)));
            add(
                "headers",
                json!({"type": "map", "values": {"type": "string"}}),
            );
            add(
                "custom_fields_by_lua",
                json!({"type": "map", "values": {"type": "string"}}),
            );
            if is_old {
                add("retry_count", with(number(), "default", json!(10)));
                add("queue_size", with(number(), "default", json!(1)));
                add("flush_timeout", with(number(), "default", json!(2)));
            } else {
                add(
                    "queue",
                    json!({"type": "record", "required": true, "fields": [
                        {"max_batch_size": {"type": "integer", "default": 1, "between": [1, 1_000_000]}},
                        {"max_coalescing_delay": {"type": "number", "default": 1, "between": [0, 3600]}},
                        {"max_entries": {"type": "integer", "default": 10000}},
                        {"max_bytes": {"type": "integer"}},
                        {"max_retry_time": {"type": "number", "default": 60}},
                        {"initial_retry_delay": {"type": "number", "default": 0.01}},
                        {"max_retry_delay": {"type": "number", "default": 60}},
                        {"concurrency_limit": {"type": "integer", "default": 1, "one_of": [-1, 1]}}
                    ]}),
                );
            }
        }
        "file-log" => {
            add("path", json!({"type": "string", "required": true}));
            add("reopen", flag(false));
        }
        "syslog" => add("log_level", with(text(), "default", json!("info"))),
        "ip-restriction" => {
            add("allow", texts(Value::Null));
            add("deny", texts(Value::Null));
            add("status", number());
            add("message", text());
        }
        "bot-detection" => {
            add("allow", texts(json!([])));
            add("deny", texts(json!([])));
        }
        "cors" => {
            add("origins", texts(Value::Null));
            add("headers", texts(Value::Null));
            add("exposed_headers", texts(Value::Null));
            add(
                "methods",
                json!({"type": "array",
                "default": ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"],
                "elements": {"type": "string", "one_of": ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]}}),
            );
            add("max_age", number());
            add("credentials", flag(false));
            add("preflight_continue", flag(false));
            if !is_old {
                add("private_network", flag(false));
            }
        }
        "request-size-limiting" => {
            add(
                "allowed_payload_size",
                json!({"type": "integer", "default": 128}),
            );
            add(
                "size_unit",
                json!({"type": "string", "required": true, "default": "megabytes", "one_of": ["megabytes", "kilobytes", "bytes"]}),
            );
            add("require_content_length", flag(false));
        }
        "request-termination" => {
            add(
                "status_code",
                json!({"type": "integer", "required": true, "default": 503, "between": [100, 599]}),
            );
            add("message", text());
            add("content_type", text());
            add("body", text());
            add("echo", flag(false));
            add("trigger", text());
        }
        "request-transformer" | "response-transformer" => {
            let parts: &[&str] = if name == "request-transformer" {
                &["body", "headers", "querystring"]
            } else {
                &["json", "headers"]
            };
            for operation in ["remove", "rename", "replace", "add", "append"] {
                let below: Vec<Value> = parts
                    .iter()
                    .map(|part| field(part, texts(json!([]))))
                    .collect();
                add(
                    operation,
                    json!({"type": "record", "required": true, "fields": below}),
                );
            }
            if name == "request-transformer" {
                add("http_method", text());
            }
        }
        "aws-lambda" => {
            add("aws_key", with(text(), "encrypted", json!(true)));
            add("aws_secret", with(text(), "encrypted", json!(true)));
            add("aws_region", text());
            add("function_name", text());
            add(
                "timeout",
                json!({"type": "number", "required": true, "default": 60000}),
            );
        }
        "rate-limiting" | "response-ratelimiting" => {
            if name == "rate-limiting" {
                for period in ["second", "minute", "hour", "day", "month", "year"] {
                    add(period, with(number(), "gt", json!(0)));
                }
                add(
                    "sync_rate",
                    json!({"type": "number", "required": true, "default": -1}),
                );
                add("error_code", with(number(), "default", json!(429)));
                add(
                    "error_message",
                    with(text(), "default", json!("API rate limit exceeded")),
                );
                add("path", text());
                add(
                    "limit_by",
                    json!({"type": "string", "default": "consumer", "one_of": ["consumer", "credential", "ip", "service", "header", "path"]}),
                );
            } else {
                add(
                    "limits",
                    json!({"type": "map", "required": true, "values": {"type": "record", "fields": [
                    {"second": {"type": "number"}}, {"minute": {"type": "number"}}, {"hour": {"type": "number"}},
                    {"day": {"type": "number"}}, {"month": {"type": "number"}}, {"year": {"type": "number"}}]}}),
                );
                add(
                    "limit_by",
                    json!({"type": "string", "default": "consumer", "one_of": ["consumer", "credential", "ip"]}),
                );
            }
            add("header_name", text());
            add(
                "policy",
                json!({"type": "string", "default": if is_old { "cluster" } else { "local" },
                "one_of": ["local", "cluster", "redis"]}),
            );
            add("fault_tolerant", flag(true));
            add("hide_client_headers", flag(false));
            let redis = [
                ("host", text()),
                (
                    "port",
                    json!({"type": "integer", "default": 6379, "between": [0, 65535]}),
                ),
                ("timeout", json!({"type": "integer", "default": 2000})),
                ("username", text()),
                ("password", with(text(), "encrypted", json!(true))),
                ("database", json!({"type": "integer", "default": 0})),
                ("ssl", flag(false)),
                ("ssl_verify", flag(false)),
                ("server_name", text()),
            ];
            if is_old {
                for (name, about) in redis {
                    add(&format!("redis_{name}"), about);
                }
            } else {
                let below: Vec<Value> = redis
                    .iter()
                    .map(|(name, about)| field(name, about.clone()))
                    .collect();
                add(
                    "redis",
                    json!({"type": "record", "required": true, "fields": below}),
                );
                for (name, about) in redis {
                    let about = with(
                        about,
                        "deprecation",
                        json!({"replaced_with": [{"path": ["redis", name]}]}),
                    );
                    shorthands.push(field(&format!("redis_{name}"), about));
                }
            }
        }
        other => panic!("no schema for {other}"),
    }
    json!({"type": "record", "required": true, "fields": fields, "shorthand_fields": shorthands})
}

/// Checks the plugin's configuration and fills it in.
pub fn complete_config(
    plugin: &mut Map<String, Value>,
    given: Option<Value>,
    version: &str,
    database: bool,
) -> Result<(), Map<String, Value>> {
    let fault = |field: &str, message: Value| Err(Map::from_iter([(field.to_owned(), message)]));
    let name = plugin["name"].as_str().unwrap().to_owned();
    if !NAMES.contains(&name.as_str()) {
        return fault(
            "name",
            json!(format!(
                "plugin '{name}' not enabled; add it to the 'plugins' configuration property"
            )),
        );
    }
    if NOT_PER_CONSUMER.contains(&name.as_str()) && !plugin["consumer"].is_null() {
        return fault("consumer", json!("value must be null"));
    }
    let given = match given {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(given)) => given,
        Some(_) => return fault("config", json!("expected a record")),
    };
    let mut config = match complete(&config(&name, version), given) {
        Ok(config) => config,
        Err(faults) => return fault("config", Value::Object(faults)),
    };
    if name == "oauth2" && config["provision_key"].is_null() {
        config.insert("provision_key".to_owned(), json!("made-by-kong"));
    }
    if let Err(message) = check(&name, &config, database) {
        return fault("@entity", json!([message]));
    }
    // New versions go on showing the old names.
    if let Some(Value::Object(redis)) = config.get("redis").cloned() {
        for (field, value) in redis {
            config.insert(format!("redis_{field}"), value);
        }
    }
    plugin.insert("config".to_owned(), Value::Object(config));
    Ok(())
}

fn check(name: &str, config: &Map<String, Value>, database: bool) -> Result<(), String> {
    let is_set = |field: &str| match &config[field] {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let one_of = |fields: &[&str]| -> Result<(), String> {
        if fields.iter().any(|field| is_set(field)) {
            Ok(())
        } else {
            Err(format!(
                "at least one of these fields must be non-empty: {fields:?}"
            ))
        }
    };
    match name {
        "acl" => {
            one_of(&["allow", "deny"])?;
            if is_set("allow") && is_set("deny") {
                return Err(
                    "only one of these fields must be non-empty: 'config.allow', 'config.deny'"
                        .to_owned(),
                );
            }
        }
        "ip-restriction" => one_of(&["allow", "deny"])?,
        "oauth2" => {
            one_of(&[
                "enable_authorization_code",
                "enable_implicit_grant",
                "enable_client_credentials",
                "enable_password_grant",
            ])?;
            if is_set("mandatory_scope") {
                one_of(&["scopes"])?;
            }
            if !database {
                return Err("oauth2 needs a database".to_owned());
            }
        }
        "rate-limiting" => {
            let periods = ["second", "minute", "hour", "day", "month", "year"];
            one_of(&periods)?;
            let limits: Vec<f64> = periods
                .iter()
                .filter_map(|period| config[*period].as_f64())
                .collect();
            if limits.windows(2).any(|pair| pair[1] < pair[0]) {
                return Err(
                    "the limit of a longer period is below that of a shorter one".to_owned(),
                );
            }
            if config["policy"] == "cluster" && !database {
                return Err("cluster policy is not supported without a database".to_owned());
            }
            if config["policy"] == "redis" {
                let host = config.get("redis").map_or_else(
                    || config.get("redis_host").cloned(),
                    |redis| Some(redis["host"].clone()),
                );
                if host.is_none_or(|host| host.is_null()) {
                    return Err("redis.host is required when policy is redis".to_owned());
                }
            }
        }
        _ => {}
    }
    Ok(())
}
