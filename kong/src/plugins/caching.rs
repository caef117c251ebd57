//! Plugins that keep answers.

use serde_json::{Value, json};

use super::PluginSchema;
use crate::schema::{Field, Record, Type, text};

const METHODS: &[&str] = &["HEAD", "GET", "POST", "PATCH", "PUT"];

pub fn proxy_cache() -> PluginSchema {
    let flag = |name, default: bool| Field::new(name, Type::Boolean).default(default);
    let some = |name, elements, default: Value| {
        Field::new(name, Type::list(elements))
            .required()
            .default(default)
            .len_min(1)
    };
    let seconds = || Type::integer(1, i64::from(i32::MAX));
    let memory = Record::new(vec![
        Field::new("dictionary_name", Type::text())
            .required()
            .default("kong_db_cache"),
    ]);
    let shown = Record::new(vec![
        flag("age", true),
        flag("X-Cache-Status", true),
        flag("X-Cache-Key", true),
    ]);
    let schema = Record::new(vec![
        some(
            "response_code",
            Type::integer(100, 900),
            json!([200, 301, 404]),
        ),
        some(
            "request_method",
            Type::one_of(METHODS),
            json!(["GET", "HEAD"]),
        ),
        some(
            "content_type",
            Type::checked(media_type),
            json!(["text/plain", "application/json"]),
        ),
        Field::new("cache_ttl", seconds()).default(300),
        Field::new("strategy", Type::one_of(&["memory"])).required(),
        flag("cache_control", false).required(),
        flag("ignore_uri_case", false),
        Field::new("storage_ttl", seconds()),
        Field::new("memory", Type::Record(memory)),
        Field::new("vary_query_params", Type::list(Type::text())),
        Field::new("vary_headers", Type::list(Type::checked(text::header_name))),
        Field::new("response_headers", Type::Record(shown)),
    ]);
    PluginSchema::new("proxy-cache", 100, schema).per_consumer()
}

/// `type/subtype`, with parameters if they are to be there.
fn media_type(value: &str) -> Result<(), String> {
    let parsed = value.parse::<mime::Mime>();
    let expected = |_| "expected a media type such as application/json".to_owned();
    parsed.map(drop).map_err(expected)
}
