use serde_json::{Map, Value};

use super::{Faults, Field, Record, Type, text, with_common};
use crate::Kind;

pub fn schema() -> Record {
    Record::new(with_common(
        Kind::Route,
        vec![
            Field::new("name", Type::checked(text::name)).unique(),
            Field::new("service", Type::Reference(Kind::Service)),
            Field::new("protocols", Type::set(Type::one_of(PROTOCOLS)))
                .required()
                .default(vec!["http", "https"])
                .len_min(1),
            Field::new("methods", Type::set(Type::checked(text::method))),
            Field::new("hosts", Type::list(Type::checked(text::route_host))),
            Field::new("paths", Type::list(Type::checked(text::route_path))),
            Field::new(
                "headers",
                Type::Map(
                    Some(header_name),
                    Box::new(Type::list(Type::checked(header_value))),
                ),
            ),
            Field::new("snis", Type::set(Type::checked(sni))),
            Field::new(
                "sources",
                Type::OnlyNull("only for stream routes, which do not exist here"),
            ),
            Field::new(
                "destinations",
                Type::OnlyNull("only for stream routes, which do not exist here"),
            ),
            Field::new(
                "https_redirect_status_code",
                Type::Integer {
                    between: None,
                    one_of: &[426, 301, 302, 307, 308],
                },
            )
            .required()
            .default(426),
            Field::new("regex_priority", Type::any_integer()).default(0),
            Field::new("strip_path", Type::Boolean)
                .required()
                .default(true),
            Field::new("path_handling", Type::one_of(&["v0", "v1"])).default("v0"),
            Field::new("preserve_host", Type::Boolean)
                .required()
                .default(false),
            Field::new("request_buffering", Type::Boolean)
                .required()
                .default(true),
            Field::new("response_buffering", Type::Boolean)
                .required()
                .default(true),
        ],
    ))
    .with_check(check)
}

const PROTOCOLS: &[&str] = &["http", "https", "grpc", "grpcs"];

/// A route of gRPC keeps its path, unless something else is written.
pub fn keep_path(input: &mut Map<String, Value>) {
    let protocols = input.get("protocols").and_then(Value::as_array);
    let is_grpc =
        protocols.is_some_and(|list| list.iter().any(|one| one == "grpc" || one == "grpcs"));
    if is_grpc && !input.contains_key("strip_path") {
        input.insert("strip_path".to_owned(), Value::Bool(false));
    }
}

fn check(route: &Map<String, Value>, faults: &mut Faults) {
    let is_set = |field: &str| match route.get(field) {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    let protocols = route.get("protocols").and_then(Value::as_array);
    let has = |wanted: &str| protocols.is_some_and(|list| list.iter().any(|one| one == wanted));
    let is_encrypted = has("https") || has("grpcs");
    let is_grpc = has("grpc") || has("grpcs");
    if is_grpc && (has("http") || has("https")) {
        faults.field(
            "protocols",
            "http and https do not go together with grpc and grpcs",
        );
    }
    if is_set("snis") && !is_encrypted && !faults.contains("protocols") {
        faults.field("snis", "only possible with protocol https or grpcs");
    }
    if is_grpc && is_set("methods") && !faults.contains("methods") {
        faults.field("methods", "a call of gRPC is always a POST");
    }
    if is_grpc && route.get("strip_path") == Some(&Value::Bool(true)) {
        faults.field("strip_path", "a call of gRPC is named by its whole path");
    }
    let selecting: &[&str] = match (is_grpc, is_encrypted) {
        (false, true) => &["methods", "hosts", "headers", "paths", "snis"],
        (false, false) => &["methods", "hosts", "headers", "paths"],
        (true, true) => &["hosts", "headers", "paths", "snis"],
        (true, false) => &["hosts", "headers", "paths"],
    };
    let is_wrong = selecting.iter().any(|field| faults.contains(field));
    if !is_wrong && !selecting.iter().any(|field| is_set(field)) {
        faults.entity(format!(
            "must set one of these fields: {}",
            selecting.join(", ")
        ));
    }
}

/// A name without wildcard, address or port.
fn sni(name: &str) -> Result<(), String> {
    if name.contains('*') {
        return Err("a wildcard is not possible here".to_owned());
    }
    super::certificate::sni_name(name)
}

fn header_name(name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case("host") {
        return Err("the host is matched by the field hosts".to_owned());
    }
    text::header_name(name)
}

fn header_value(value: &str) -> Result<(), String> {
    match value.strip_prefix("~*") {
        Some(pattern) => text::regex(pattern),
        None => Ok(()),
    }
}
