//! Upstreams, their targets and health checks (gateway 2.5, 5.5, 5.6).

use serde_json::{Map, Value, json};

use super::{Faults, Field, Record, Type, text, with_common};
use crate::Kind;

const ALGORITHMS: &[&str] = &[
    "round-robin",
    "consistent-hashing",
    "least-connections",
    "latency",
];
const HASHED: &[&str] = &[
    "none",
    "consumer",
    "ip",
    "header",
    "cookie",
    "path",
    "query_arg",
    "uri_capture",
];
const CHECKS: &[&str] = &["tcp", "http", "https", "grpc", "grpcs"];
/// Port of a target that names none.
const PORT: u16 = 8000;

pub fn upstream() -> Record {
    Record::new(with_common(
        Kind::Upstream,
        vec![
            Field::new("name", Type::checked(upstream_name))
                .required()
                .unique(),
            Field::new("algorithm", Type::one_of(ALGORITHMS)).default("round-robin"),
            Field::new("hash_on", Type::one_of(HASHED)).default("none"),
            Field::new("hash_fallback", Type::one_of(HASHED)).default("none"),
            Field::new("hash_on_header", Type::checked(text::header_name)),
            Field::new("hash_fallback_header", Type::checked(text::header_name)),
            Field::new("hash_on_cookie", Type::checked(text::header_name)),
            Field::new("hash_on_cookie_path", Type::checked(text::service_path)).default("/"),
            Field::new("hash_on_query_arg", Type::text()),
            Field::new("hash_fallback_query_arg", Type::text()),
            Field::new("hash_on_uri_capture", Type::text()),
            Field::new("hash_fallback_uri_capture", Type::text()),
            Field::new("slots", Type::integer(10, 65_536)).default(10_000),
            Field::new("healthchecks", Type::Record(healthchecks())),
            Field::new("host_header", Type::checked(host_header)),
            Field::new("client_certificate", Type::Reference(Kind::Certificate)),
            Field::new("use_srv_name", Type::Boolean).default(false),
        ],
    ))
    .with_check(check)
}

pub fn target() -> Record {
    Record::new(with_common(
        Kind::Target,
        vec![
            Field::new("upstream", Type::Reference(Kind::Upstream)).required(),
            Field::new("target", Type::checked(address)).required(),
            Field::new("weight", Type::integer(0, 65_535)).default(100),
        ],
    ))
}

fn healthchecks() -> Record {
    let count = |name| Field::new(name, Type::integer(0, 255)).default(0);
    let seconds = |name, default: i64| {
        let value = Type::Number {
            between: Some((0.0, 65_535.0)),
        };
        Field::new(name, value).default(default)
    };
    let statuses = |default: Vec<i64>| {
        Field::new("http_statuses", Type::list(Type::integer(100, 999))).default(default)
    };
    let record = |name, fields| Field::new(name, Type::Record(Record::new(fields)));
    let active = vec![
        Field::new("type", Type::one_of(CHECKS)).default("http"),
        seconds("timeout", 1),
        Field::new("concurrency", Type::integer(1, 2_147_483_647)).default(10),
        Field::new("http_path", Type::checked(text::service_path)).default("/"),
        Field::new("https_sni", Type::checked(text::host)),
        Field::new("https_verify_certificate", Type::Boolean).default(true),
        Field::new(
            "headers",
            Type::Map(
                Some(text::header_name),
                Box::new(Type::list(Type::checked(text::header_value))),
            ),
        ),
        record(
            "healthy",
            vec![
                seconds("interval", 0),
                statuses(vec![200, 302]),
                count("successes"),
            ],
        ),
        record(
            "unhealthy",
            vec![
                seconds("interval", 0),
                statuses(vec![429, 404, 500, 501, 502, 503, 504, 505]),
                count("tcp_failures"),
                count("timeouts"),
                count("http_failures"),
            ],
        ),
    ];
    let good = (200..=208).chain([226]).chain(300..=308).collect();
    let passive = vec![
        Field::new("type", Type::one_of(CHECKS)).default("http"),
        record("healthy", vec![statuses(good), count("successes")]),
        record(
            "unhealthy",
            vec![
                statuses(vec![429, 500, 503]),
                count("tcp_failures"),
                count("timeouts"),
                count("http_failures"),
            ],
        ),
    ];
    let percent = Type::Number {
        between: Some((0.0, 100.0)),
    };
    Record::new(vec![
        record("active", active),
        record("passive", passive),
        Field::new("threshold", percent).default(0),
    ])
}

fn upstream_name(name: &str) -> Result<(), String> {
    text::host(name)?;
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Err("expected a host name, not an address".to_owned());
    }
    Ok(())
}

/// A host with an optional port.
fn host_header(value: &str) -> Result<(), String> {
    match split(value) {
        (host, Some(port)) => {
            port.parse::<u16>()
                .map_err(|_| "the port is not a number up to 65535".to_owned())?;
            text::host(host)
        }
        (host, None) => text::host(host),
    }
}

fn address(value: &str) -> Result<(), String> {
    host_header(value)
}

/// Host, and port if there is one. An IPv6 address without brackets has none.
fn split(address: &str) -> (&str, Option<&str>) {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    }
}

/// `host:port`, as targets are stored.
pub fn complete_address(address: &str) -> String {
    match split(address) {
        (_, Some(_)) => address.to_owned(),
        (host, None) if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{PORT}"),
        (host, None) => format!("{host}:{PORT}"),
    }
}

/// A target is stored with its port.
pub fn expand_target(input: &mut Map<String, Value>) {
    if let Some(Value::String(target)) = input.get_mut("target")
        && address(target).is_ok()
    {
        *target = complete_address(target);
    }
}

/// What is hashed and how targets are chosen depend on each other; the field that says more wins.
pub fn expand_algorithm(input: &mut Map<String, Value>) {
    let text = |field: &str| input.get(field).and_then(Value::as_str);
    match (text("algorithm"), text("hash_on")) {
        (Some("least-connections" | "latency"), _) => {
            input.insert("hash_on".to_owned(), json!("none"));
        }
        (_, Some("none")) => {
            input.insert("algorithm".to_owned(), json!("round-robin"));
        }
        (_, Some(_)) => {
            input.insert("algorithm".to_owned(), json!("consistent-hashing"));
        }
        _ => {}
    }
}

fn check(upstream: &Map<String, Value>, faults: &mut Faults) {
    let text = |field: &str| upstream.get(field).and_then(Value::as_str);
    let hash_on = text("hash_on").unwrap_or("none");
    let fallback = text("hash_fallback").unwrap_or("none");
    for (chosen, prefix) in [(hash_on, "hash_on"), (fallback, "hash_fallback")] {
        let needed = match chosen {
            "header" | "query_arg" | "uri_capture" => format!("{prefix}_{chosen}"),
            "cookie" => "hash_on_cookie".to_owned(),
            _ => continue,
        };
        if text(&needed).is_none() && !faults.contains(&needed) {
            faults.field(&needed, format!("required when {prefix} is {chosen}"));
        }
    }
    if fallback == "none" {
        return;
    }
    if hash_on == "none" {
        faults.field("hash_fallback", "must be none while hash_on is none");
    } else if hash_on == "cookie" {
        faults.field("hash_fallback", "must be none while hash_on is cookie");
    } else if hash_on == fallback {
        if matches!(hash_on, "consumer" | "ip" | "path") {
            faults.field("hash_fallback", "must not be the same as hash_on");
        }
        for chosen in ["header", "query_arg", "uri_capture"] {
            let second = format!("hash_fallback_{chosen}");
            let both = (text(&format!("hash_on_{chosen}")), text(&second));
            if let (Some(first), Some(other)) = both
                && hash_on == chosen
                && first.eq_ignore_ascii_case(other)
            {
                faults.field(&second, format!("must differ from hash_on_{chosen}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_stored_with_their_port() {
        for (given, stored) in [
            ("a.example", "a.example:8000"),
            ("a.example:81", "a.example:81"),
            ("10.0.0.1", "10.0.0.1:8000"),
            ("::1", "[::1]:8000"),
            ("[::1]", "[::1]:8000"),
            ("[::1]:82", "[::1]:82"),
        ] {
            assert_eq!(complete_address(given), stored);
        }
    }

    #[test]
    fn algorithm_and_hash_follow_each_other() {
        for (given, algorithm, hash_on) in [
            (json!({"hash_on": "ip"}), "consistent-hashing", "ip"),
            (
                json!({"hash_on": "none", "algorithm": "consistent-hashing"}),
                "round-robin",
                "none",
            ),
            (
                json!({"hash_on": "none", "algorithm": "least-connections"}),
                "least-connections",
                "none",
            ),
            (json!({}), "round-robin", "none"),
        ] {
            let mut input = given.as_object().unwrap().clone();
            input.insert("name".to_owned(), json!("up.example"));
            let upstream = super::super::examine(Kind::Upstream, input).unwrap();
            assert_eq!(upstream["algorithm"], algorithm, "{given}");
            assert_eq!(upstream["hash_on"], hash_on, "{given}");
        }
    }

    #[test]
    fn what_is_hashed_has_to_be_named() {
        for (given, field) in [
            (json!({"hash_on": "header"}), "hash_on_header"),
            (
                json!({"hash_on": "ip", "hash_fallback": "ip"}),
                "hash_fallback",
            ),
            (json!({"hash_fallback": "ip"}), "hash_fallback"),
            (
                json!({"hash_on": "cookie", "hash_on_cookie": "c", "hash_fallback": "ip"}),
                "hash_fallback",
            ),
            (
                json!({"hash_on": "header", "hash_on_header": "a", "hash_fallback": "header",
                    "hash_fallback_header": "A"}),
                "hash_fallback_header",
            ),
            (json!({"name": "10.0.0.1"}), "name"),
            (json!({"slots": 9}), "slots"),
        ] {
            let mut input = json!({"name": "up"}).as_object().unwrap().clone();
            input.extend(given.as_object().unwrap().clone());
            let faults = super::super::examine(Kind::Upstream, input).unwrap_err();
            assert!(faults.contains(field), "{given}: {faults:?}");
        }
    }
}
