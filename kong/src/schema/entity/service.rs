use serde_json::{Map, Value, json};

use super::{Field, Record, Type, text, with_common};
use crate::Kind;

const TIMEOUT: (i64, i64) = (1, 2_147_483_646);

pub fn schema() -> Record {
    let timeout = |name| Field::new(name, Type::integer(TIMEOUT.0, TIMEOUT.1)).default(60_000);
    Record::new(with_common(
        Kind::Service,
        vec![
            Field::new("name", Type::checked(text::name)).unique(),
            Field::new(
                "protocol",
                Type::one_of(&["http", "https", "grpc", "grpcs"]),
            )
            .required()
            .default("http"),
            Field::new("host", Type::checked(text::host)).required(),
            Field::new("port", Type::integer(0, 65_535))
                .required()
                .default(80),
            Field::new("path", Type::checked(text::service_path)),
            Field::new("retries", Type::integer(0, 32_767))
                .required()
                .default(5),
            timeout("connect_timeout"),
            timeout("write_timeout"),
            timeout("read_timeout"),
            Field::new("client_certificate", Type::Reference(Kind::Certificate)),
            Field::new("tls_verify", Type::Boolean),
            Field::new("tls_verify_depth", Type::integer(0, 64)),
            Field::new("ca_certificates", Type::list(Type::checked(text::uuid))),
            Field::new("enabled", Type::Boolean)
                .required()
                .default(true),
        ],
    ))
    .with_check(|service, faults| {
        let protocol = service.get("protocol").and_then(Value::as_str);
        let is_encrypted = matches!(protocol, Some("https" | "grpcs"));
        let is_grpc = matches!(protocol, Some("grpc" | "grpcs"));
        if is_grpc && !service.get("path").is_none_or(Value::is_null) && !faults.contains("path") {
            faults.field(
                "path",
                "a call of gRPC names its method, so no path goes before it",
            );
        }
        for field in [
            "client_certificate",
            "tls_verify",
            "tls_verify_depth",
            "ca_certificates",
        ] {
            if !is_encrypted
                && !service.get(field).is_none_or(Value::is_null)
                && !faults.contains(field)
            {
                faults.field(field, "only possible with protocol https or grpcs");
            }
        }
    })
}

/// `url` sets protocol, host, port and path. A text that is not a URL stays, and is then refused
/// as an unknown field would be.
pub fn expand_url(input: &mut Map<String, Value>) {
    let Some(url) = input.get("url").and_then(Value::as_str) else {
        if input.get("url").is_some_and(Value::is_null) {
            input.remove("url");
        }
        return;
    };
    let Ok(url) = url::Url::parse(url) else {
        return;
    };
    let default_port = match url.scheme() {
        "grpc" => Some(80),
        "grpcs" => Some(443),
        _ => None,
    };
    let port = url.port_or_known_default().or(default_port);
    let (Some(host), Some(port)) = (url.host_str(), port) else {
        return;
    };
    let path = match url.path() {
        "" | "/" => Value::Null,
        path => json!(path),
    };
    let fields = [
        ("protocol", json!(url.scheme())),
        ("host", json!(host)),
        ("port", json!(port)),
        ("path", path),
    ];
    input.remove("url");
    for (name, value) in fields {
        input.insert(name.to_owned(), value);
    }
}
