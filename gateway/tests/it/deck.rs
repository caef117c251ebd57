//! The calls of decK (gateway 2.9), replayed from tables; and decK itself where `DECK` names it.

use std::collections::HashSet;

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::TestGateway;

const ONE: (&str, &str) = (include_str!("tls/one.pem"), include_str!("tls/one.key"));
const AUTHORITY: &str = include_str!("tls/ca.pem");

/// What it reads for a dump; all of them have to answer.
const LISTS: &[&str] = &[
    "services",
    "routes",
    "plugins",
    "certificates",
    "snis",
    "ca_certificates",
    "upstreams",
    "consumers",
    "key-auths",
    "hmac-auths",
    "jwts",
    "basic-auths",
    "acls",
    "vaults",
    "keys",
    "key-sets",
];

/// What it asks for and does without.
const TOLERATED: &[&str] = &[
    "consumer_groups",
    "filter-chains",
    "mtls-auths",
    "partials",
    "degraphql_routes",
    "licenses",
    "rbac/roles",
];

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A configuration with an entity of each kind, in the order in which decK writes them: path of the
/// call, and the object.
fn entities() -> Vec<(String, Value)> {
    let consumer = id(7);
    let of_consumer = |kind: &str, number| format!("consumers/{consumer}/{kind}/{}", id(number));
    let owner = json!({"id": consumer});
    let service = json!({"id": id(3)});
    let mut entities = vec![
        (
            format!("ca_certificates/{}", id(1)),
            json!({"cert": AUTHORITY}),
        ),
        (
            format!("certificates/{}", id(2)),
            json!({"cert": ONE.0, "key": ONE.1}),
        ),
        (
            format!("snis/{}", id(20)),
            json!({"name": "one.example", "certificate": {"id": id(2)}}),
        ),
        (
            format!("upstreams/{}", id(5)),
            json!({"name": "orders.backends", "tags": ["deck"]}),
        ),
        (
            format!("services/{}", id(3)),
            json!({
                "name": "orders", "host": "orders.backends", "port": 80, "protocol": "http",
                "retries": 3, "tags": ["deck"],
            }),
        ),
        (
            format!("routes/{}", id(4)),
            json!({
                "name": "orders", "service": service, "paths": ["/orders", "~/o/(?<id>\\d+)"],
                "headers": {"version": ["1", "2"]}, "strip_path": false, "tags": ["deck"],
            }),
        ),
        (
            format!("consumers/{consumer}"),
            json!({"username": "ada", "custom_id": "a", "tags": ["deck"]}),
        ),
        (
            of_consumer("key-auth", 8),
            json!({"consumer": owner, "key": "a-key"}),
        ),
        (
            of_consumer("hmac-auth", 9),
            json!({"consumer": owner, "username": "ada", "secret": "s"}),
        ),
        (
            of_consumer("jwt", 10),
            json!({"consumer": owner, "key": "k", "secret": "s", "algorithm": "HS256"}),
        ),
        (
            of_consumer("basic-auth", 11),
            json!({"consumer": owner, "username": "ada", "password": "p"}),
        ),
        (
            of_consumer("acls", 12),
            json!({"consumer": owner, "group": "shops"}),
        ),
    ];
    for (number, (name, config)) in (100..).zip(plugins()) {
        // Global ones are not written for a service.
        let service = (name != "wicketgate-usage").then(|| service.clone());
        let plugin = json!({"name": name, "service": service, "config": config});
        entities.push((format!("plugins/{}", id(number)), plugin));
    }
    entities
}

/// Every plugin with what it needs.
fn plugins() -> Vec<(&'static str, Value)> {
    let needs = |name: &str| match name {
        "ip-restriction" => json!({"allow": ["10.0.0.0/8"]}),
        "acl" => json!({"allow": ["shops"]}),
        "rate-limiting" => json!({"minute": 5}),
        "response-ratelimiting" => json!({"limits": {"videos": {"hour": 10}}}),
        "redirect" => json!({"location": "https://example.org/"}),
        "http-log" => json!({"http_endpoint": "http://127.0.0.1:9/log"}),
        "file-log" => json!({"path": "/tmp/gateway.log"}),
        "opentelemetry" => json!({"traces_endpoint": "http://127.0.0.1:9/v1/traces"}),
        "proxy-cache" => json!({"strategy": "memory"}),
        "mtls-auth" => json!({"ca_certificates": [id(1)]}),
        "openid-connect" => {
            json!({"issuer": "http://127.0.0.1:9", "audience_required": ["orders"]})
        }
        "wicketgate-usage" => json!({"endpoint": "http://127.0.0.1:9/usage", "token": "t"}),
        "compose" => json!({
            "backends": {"pets": {"url": "http://127.0.0.1:9/v1"}},
            "operations": [{"path": "/x", "steps": [{"name": "pet", "backend": "pets", "path": "/"}]}],
        }),
        "data-service" => json!({
            "database": "sample", "operations": [{"path": "/x", "sql": "select 1 as one"}],
        }),
        _ => json!({}),
    };
    let all = kong::plugins::all().iter();
    all.map(|plugin| {
        let needed = needs(plugin.name);
        // Defaults of records in lists and maps are written out.
        let config = match (plugin.name, needed) {
            ("compose" | "data-service", Value::Object(config)) => {
                Value::Object(plugin.config().complete(config).unwrap())
            }
            (_, needed) => needed,
        };
        (plugin.name, config)
    })
    .collect()
}

async fn put(gateway: &TestGateway, path: &str, entity: &Value) -> Value {
    let mut entity = entity.clone();
    entity["id"] = path.rsplit('/').next().into();
    let (status, answer) = gateway.call(Method::PUT, path, entity).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

/// Everything that a list holds, by pages.
async fn read(gateway: &TestGateway, list: &str, tags: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("{list}?size=1000{tags}"));
    loop {
        let (status, page) = gateway.call(Method::GET, &path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["offset"].as_str() {
            Some(offset) => path = format!("{list}?size=1000{tags}&offset={offset}"),
            None => return all,
        }
    }
}

/// Whether what was written is what is read; what the gateway fills in does not count.
fn assert_holds(path: &str, written: &Value, read: &Value) {
    for (field, value) in written.as_object().unwrap() {
        // It reads as a hash.
        if field == "password" || value.is_null() {
            continue;
        }
        match value {
            Value::Object(_) => assert_holds(path, value, &read[field]),
            _ => assert_eq!(&read[field], value, "{path}: {field}"),
        }
    }
}

#[tokio::test]
async fn a_configuration_is_written_read_and_taken_away() {
    let gateway = TestGateway::start().await;
    // Ping: the version and the mode decide whether it goes on.
    let (status, node) = gateway.call(Method::GET, "", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert!(node["version"].as_str().unwrap().starts_with("3."));
    assert_ne!(node["configuration"]["database"], "off");
    for list in LISTS {
        assert!(read(&gateway, list, "").await.is_empty(), "{list}");
    }
    for list in TOLERATED {
        let (status, _) = gateway.call(Method::GET, list, Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{list}");
    }
    // Somebody else's, which select-tags must leave alone.
    gateway
        .post("services", json!({"name": "else", "url": "http://e"}))
        .await;

    let entities = entities();
    let mut before = Vec::new();
    for (path, entity) in &entities {
        let answer = put(&gateway, path, entity).await;
        assert_holds(path, entity, &answer);
        before.push(answer);
    }
    let upstream = format!("upstreams/{}/targets", id(5));
    for (number, target) in [(30, "127.0.0.1:9"), (31, "[::1]:9")] {
        let target = json!({"id": id(number), "target": target, "weight": 10});
        gateway.post(&upstream, target).await;
    }
    // A change of a target: away with it, and again.
    let target = format!("{upstream}/{}", id(30));
    let (status, _) = gateway.call(Method::DELETE, &target, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let again = json!({"id": id(30), "target": "127.0.0.1:9", "weight": 20});
    gateway.post(&upstream, again).await;
    assert_eq!(read(&gateway, &upstream, "").await.len(), 2);

    // The second time nothing changes.
    for ((path, entity), before) in entities.iter().zip(&before) {
        let mut again = put(&gateway, path, entity).await;
        for field in ["updated_at", "password", "snis"] {
            if let Some(known) = before.get(field) {
                again[field] = known.clone();
            }
        }
        assert_eq!(&again, before, "{path}");
    }
    // Ten at a time.
    let dumps = LISTS.iter().map(|list| read(&gateway, list, ""));
    let dumps = futures_util::future::join_all(dumps).await;
    let found: HashSet<String> = dumps
        .iter()
        .flatten()
        .map(|entity| entity["id"].as_str().unwrap().to_owned())
        .collect();
    for (path, _) in &entities {
        assert!(found.contains(path.rsplit('/').next().unwrap()), "{path}");
    }
    for (list, count) in [
        ("services", 1),
        ("routes", 1),
        ("consumers", 1),
        ("plugins", 0),
    ] {
        let tagged = read(&gateway, list, "&tags=deck").await;
        assert_eq!(tagged.len(), count, "{list}");
    }
    // What is left out goes back to its default.
    let service = format!("services/{}", id(3));
    let fewer = json!({"name": "orders", "host": "orders.backends", "tags": ["deck"]});
    let changed = put(&gateway, &service, &fewer).await;
    assert_eq!(changed["retries"], 5);
    assert_eq!(changed["created_at"], before[4]["created_at"]);
    let lookups = [
        ("consumers/ada".to_owned(), id(7)),
        ("services/orders".to_owned(), id(3)),
    ];
    for (path, expected) in lookups {
        let (_, found) = gateway.call(Method::GET, &path, Value::Null).await;
        assert_eq!(found["id"], expected, "{path}");
    }

    // Reset: targets and credentials below their parents, plugins first.
    let (status, _) = gateway.call(Method::DELETE, &target, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (path, _) in entities.iter().rev() {
        let (status, answer) = gateway.call(Method::DELETE, path, Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{path}: {answer}");
    }
    let left = read(&gateway, "services", "").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["name"], "else");
}

/// What a schema says is there without anybody writing it.
fn defaults(schema: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    for field in schema["fields"].as_array().into_iter().flatten() {
        let (name, about) = field.as_object().unwrap().iter().next().unwrap();
        if let Some(default) = about.get("default") {
            found.insert(name.clone(), default.clone());
        } else if about["type"] == "record" {
            let nested = defaults(about);
            if !nested.is_empty() {
                found.insert(name.clone(), nested.into());
            }
        }
    }
    found
}

/// A default that the schema does not know would be a difference that never ends.
#[tokio::test]
async fn schemas_tell_all_that_is_filled_in() {
    let gateway = TestGateway::start().await;
    for (path, entity) in entities() {
        let stored = put(&gateway, &path, &entity).await;
        let parts: Vec<&str> = path.split('/').collect();
        let kind = match parts.as_slice() {
            ["plugins", _] => format!("plugins/{}", entity["name"].as_str().unwrap()),
            [collection, _] => (*collection).to_owned(),
            [_, _, "key-auth", _] => "keyauth_credentials".to_owned(),
            [_, _, "hmac-auth", _] => "hmacauth_credentials".to_owned(),
            [_, _, "basic-auth", _] => "basicauth_credentials".to_owned(),
            [_, _, "jwt", _] => "jwt_secrets".to_owned(),
            [_, _, other, _] => (*other).to_owned(),
            other => panic!("{other:?}"),
        };
        let (status, schema) = gateway
            .call(Method::GET, &format!("schemas/{kind}"), Value::Null)
            .await;
        assert_eq!(status, StatusCode::OK, "{kind}: {schema}");
        let (validate, what) = match parts[0] {
            "plugins" => ("schemas/plugins/validate".to_owned(), "a plugin"),
            _ => (format!("schemas/{kind}/validate"), "an entity"),
        };
        let (status, answer) = gateway.call(Method::POST, &validate, entity.clone()).await;
        assert_eq!(status, StatusCode::OK, "{what} {kind}: {answer}");
        let mut filled = defaults(&schema);
        if parts[0] == "plugins" {
            let (_, common) = gateway
                .call(Method::GET, "schemas/plugins", Value::Null)
                .await;
            for (field, default) in defaults(&common) {
                filled.entry(field).or_insert(default);
            }
        }
        let made_up = [
            "id",
            "created_at",
            "updated_at",
            "cert_digest",
            "password",
            "snis",
        ];
        let own = merge(&mut filled, &entity);
        for (field, value) in stored.as_object().unwrap() {
            if value.is_null() || made_up.contains(&field.as_str()) || own.contains(field) {
                continue;
            }
            let expected = filled.get(field).cloned().unwrap_or_default();
            assert_same(&format!("{kind}.{field}"), &expected, value);
        }
    }
}

/// Puts what is written over the defaults; the fields that were written as a whole.
fn merge(filled: &mut Map<String, Value>, written: &Value) -> HashSet<String> {
    let mut own = HashSet::new();
    for (field, value) in written.as_object().unwrap() {
        if let (Some(Value::Object(filled)), Value::Object(_)) = (filled.get_mut(field), value) {
            merge(filled, value);
        } else {
            filled.insert(field.clone(), value.clone());
            own.insert(field.clone());
        }
    }
    own
}

/// Fields that are null count as absent.
fn assert_same(what: &str, expected: &Value, found: &Value) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (field, found) in found {
                let expected = expected.get(field).cloned().unwrap_or_default();
                assert_same(&format!("{what}.{field}"), &expected, found);
            }
        }
        (_, Value::Object(found)) if expected.is_null() => {
            for (field, found) in found {
                assert_same(&format!("{what}.{field}"), &Value::Null, found);
            }
        }
        // Values of a map are records with optional fields.
        _ => assert_eq!(expected, found, "{what}: the schema does not say so"),
    }
}

/// decK itself, two times over one file, then away with everything.
#[tokio::test(flavor = "multi_thread")]
async fn deck_finds_nothing_to_do_the_second_time() {
    let Some(deck) = service::settings::var("DECK") else {
        eprintln!("skipped: DECK names no binary");
        return;
    };
    let gateway = TestGateway::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kong.yaml");
    let plugins: Vec<Value> = plugins()
        .into_iter()
        .filter(|(name, _)| *name != "wicketgate-usage")
        .map(|(name, config)| json!({"name": name, "config": config}))
        .collect();
    let document = json!({
        "_format_version": "3.0",
        "certificates": [{"id": id(2), "cert": ONE.0, "key": ONE.1, "snis": [{"name": "one.example"}]}],
        "upstreams": [{"name": "orders.backends", "targets": [{"target": "127.0.0.1:9", "weight": 10}]}],
        "services": [{
            "name": "orders", "host": "orders.backends", "port": 80, "protocol": "http",
            "routes": [{"name": "orders", "paths": ["/orders"]}], "plugins": plugins,
        }],
        "consumers": [{
            "username": "ada", "keyauth_credentials": [{"key": "a-key"}], "acls": [{"group": "shops"}],
        }],
    });
    std::fs::write(&file, document.to_string()).unwrap();
    let run = |arguments: &[&str]| {
        let status = std::process::Command::new(&deck)
            .arg("gateway")
            .args(arguments)
            .args(["--kong-addr", gateway.admin_url.trim_end_matches('/')])
            .status();
        assert!(status.unwrap().success(), "{arguments:?}");
    };
    let file = file.to_str().unwrap();
    for _ in 0..2 {
        run(&["sync", file]);
        run(&["diff", file, "--non-zero-exit-code"]);
    }
    run(&["reset", "--force"]);
    assert!(read(&gateway, "services", "").await.is_empty());
}

#[tokio::test]
async fn every_plugin_refuses_options_that_it_does_not_have() {
    let gateway = TestGateway::start().await;
    put(
        &gateway,
        &format!("ca_certificates/{}", id(1)),
        &json!({"cert": AUTHORITY}),
    )
    .await;
    for (name, mut config) in plugins() {
        config["no_such_option"] = json!(1);
        let plugin = json!({"name": name, "config": config});
        let (status, error) = gateway.call(Method::POST, "plugins", plugin).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        let faults = error["fields"]["config"].as_object().unwrap();
        assert_eq!(
            faults.keys().collect::<Vec<_>>(),
            ["no_such_option"],
            "{name}"
        );
    }
    assert!(read(&gateway, "plugins", "").await.is_empty());
}
