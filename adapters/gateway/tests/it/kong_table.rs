//! The conformance table (events-and-adapters C16): each feature of the static configuration, and
//! what becomes of it on a Kong.

use serde_json::{Value, json};

use crate::{
    kong_world::{KongWorld, Store},
    portal::Installation,
    world::{api, subscription},
};

/// What is looked at: a collection, how the entity is found, and where in it.
struct Row {
    feature: &'static str,
    entity: Entity,
    pointer: &'static str,
    expected: Value,
}

enum Entity {
    Service(&'static str),
    Route(&'static str),
    /// Service and plugin.
    Plugin(&'static str, &'static str),
    /// Consumer, service, plugin.
    Limit(&'static str, &'static str, &'static str),
    Global(&'static str),
    Consumer(&'static str),
}

/// An installation that uses every row.
pub fn every_row(installation: &mut Installation) {
    let plugin = |name: &str, config: Value| json!({"name": name, "config": config});
    installation.globals["sessionStore"] =
        json!({"type": "redis", "host": "redis.test", "port": 6380, "password": "hush"});
    let mut full = api("full", "key-auth", "wss://full.test/base/");
    full["config"]["api"] = json!({
        "upstream_url": "wss://full.test/base/", "retries": "7", "connect_timeout": 1000,
        "read_timeout": 0, "write_timeout": 3000, "hide_credentials": true, "tls_verify": true,
        "ca_certificates": ["0ca6f8a1-6c43-4d4c-9b0e-3a2c7f1d5e10"],
        "routes": [{
            "paths": ["/a//b/./c", "/x/(y|z)"], "hosts": ["*.full.test"], "methods": ["get"],
            "protocols": ["HTTPS", "ftp"], "strip_path": false, "preserve_host": true,
            "headers": {"x-version": ["2"]}, "https_redirect_status_code": 308
        }]
    });
    full["config"]["plugins"] = json!([
        plugin("rate-limiting", json!({"minute": "60"})),
        plugin("response-ratelimiting", json!({"limits": {"video": {"minute": 5}}})),
        plugin("request-transformer", json!({"add": {"headers": ["a:b", "%%Forwarded"]}})),
        plugin("response-transformer", json!({"add": {"headers": ["x:y"]}})),
        plugin("correlation-id", json!({"header_name": "Correlation-Id", "generator": "uuid"})),
        plugin("cors", json!({"origins": "*", "methods": "GET, POST"})),
        plugin("ip-restriction", json!({"whitelist": "10.0.0.0/8, 127.0.0.1"})),
        plugin("bot-detection", json!({"blacklist": "curl"})),
        plugin("request-size-limiting", json!({"allowed_payload_size": 8})),
        plugin("file-log", json!({"path": "/dev/null"})),
        plugin("http-log", json!({"http_endpoint": "http://l.test", "queue_size": 10, "retry_count": 3})),
        plugin("aws-lambda", json!({"aws_key": "k", "aws_secret": "s", "function_name": "f"})),
        plugin("request-termination", json!({"status_code": 503, "trigger": "x"})),
        {"name": "syslog", "enabled": false, "config": {}}
    ]);
    full["lifecycle"] = json!({
        "state": "deprecated", "deprecatedOn": "2026-01-02", "sunsetOn": "2027-03-04"
    });
    let mut created = api("created", "key-auth", "http://b.test");
    created["lifecycle"] = json!({"state": "created"});
    let mut retired = api("retired", "key-auth", "http://b.test");
    retired["lifecycle"] = json!({"state": "retired"});
    let mut basic = api("basic", "none", "http://b.test");
    basic["config"]["plugins"] = json!([plugin("basic-auth", json!({}))]);
    let bundled = ["first", "second"].map(|id| {
        let mut api = api(id, "key-auth", "http://b.test");
        api["bundle"] = json!("both");
        api
    });
    let again = {
        let mut api = api("again", "none", "http://b.test");
        api["config"]["api"]["routes"] = json!([{"paths": ["/open"]}]);
        api
    };
    installation
        .apis
        .extend([full, created, retired, basic, again]);
    installation.apis.extend(bundled);
    let key = |id: &str| json!([{"id": id, "kind": "key", "digest": "0".repeat(63) + &id[1..], "key": id}]);
    installation.subscriptions = vec![
        subscription("app", "full", "limited", key("k1")),
        subscription("app", "first", "limited", key("k2")),
        subscription("app", "retired", "limited", key("k3")),
        subscription("app", "keyed", "unlimited", key("k4")),
        subscription(
            "app",
            "tokens",
            "unlimited",
            json!([{"id": "c", "kind": "client", "digest": "d", "clientId": "client1"}]),
        ),
    ];
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    use Entity::{Consumer, Global, Limit, Plugin, Route, Service};
    let row = |feature, entity, pointer, expected| Row {
        feature,
        entity,
        pointer,
        expected,
    };
    let full = || Service("full");
    let plugin = |name| Plugin("full", name);
    let route = || Route("full.0");
    vec![
        row("upstream_url: wss", full(), "/protocol", json!("https")),
        row("upstream_url: host", full(), "/host", json!("full.test")),
        row("upstream_url: port", full(), "/port", json!(443)),
        row("upstream_url: path", full(), "/path", json!("/base/")),
        row("retries", full(), "/retries", json!(7)),
        row("connect_timeout", full(), "/connect_timeout", json!(1000)),
        row("timeout 0", full(), "/read_timeout", json!(60000)),
        row("write_timeout", full(), "/write_timeout", json!(3000)),
        row("tls_verify", full(), "/tls_verify", json!(true)),
        row(
            "ca_certificates",
            full(),
            "/ca_certificates/0",
            json!("0ca6f8a1-6c43-4d4c-9b0e-3a2c7f1d5e10"),
        ),
        row("paths", route(), "/paths", json!(["/a/b/c", "~/x/(y|z)"])),
        row("hosts", route(), "/hosts", json!(["*.full.test"])),
        row("methods", route(), "/methods", json!(["GET"])),
        row("protocols", route(), "/protocols", json!(["https"])),
        row("strip_path", route(), "/strip_path", json!(false)),
        row("preserve_host", route(), "/preserve_host", json!(true)),
        row("headers", route(), "/headers", json!({"x-version": ["2"]})),
        row(
            "redirect code",
            route(),
            "/https_redirect_status_code",
            json!(308),
        ),
        row("path_handling", route(), "/path_handling", json!("v0")),
        row(
            "auth: key-auth",
            plugin("key-auth"),
            "/config/key_names",
            json!(["X-ApiKey"]),
        ),
        row(
            "key in query",
            plugin("key-auth"),
            "/config/key_in_query",
            json!(true),
        ),
        row(
            "hide_credentials",
            plugin("key-auth"),
            "/config/hide_credentials",
            json!(true),
        ),
        row("acl", plugin("acl"), "/config/allow", json!(["full"])),
        row(
            "auth: oauth2",
            Plugin("tokens", "jwt"),
            "/config/key_claim_name",
            json!("gateway_key"),
        ),
        row(
            "auth: none",
            Plugin("basic", "basic-auth"),
            "/enabled",
            json!(true),
        ),
        row(
            "deprecated",
            plugin("response-transformer"),
            "/config/add/headers",
            json!([
                "x:y",
                "Deprecation:@1767312000",
                "Sunset:Thu, 04 Mar 2027 00:00:00 GMT"
            ]),
        ),
        row(
            "retired",
            Plugin("retired", "request-termination"),
            "/config/status_code",
            json!(410),
        ),
        row(
            "bundle: group",
            Plugin("second", "acl"),
            "/config/allow",
            json!(["both"]),
        ),
        row(
            "bundle: limit",
            Limit("app$first", "second", "rate-limiting"),
            "/config/hour",
            json!(3),
        ),
        row(
            "plan",
            Limit("app$full", "full", "rate-limiting"),
            "/config/hour",
            json!(3),
        ),
        row(
            "explicit policy",
            Limit("app$full", "full", "rate-limiting"),
            "/config/policy",
            json!("local"),
        ),
        row(
            "redis policy",
            plugin("rate-limiting"),
            "/config/policy",
            json!("redis"),
        ),
        row(
            "redis host",
            plugin("rate-limiting"),
            "/config/redis/host",
            json!("redis.test"),
        ),
        row(
            "redis port",
            plugin("rate-limiting"),
            "/config/redis/port",
            json!(6380),
        ),
        row(
            "numbers as text",
            plugin("rate-limiting"),
            "/config/minute",
            json!(60),
        ),
        row(
            "response limits",
            plugin("response-ratelimiting"),
            "/config/limits/video/minute",
            json!(5),
        ),
        row(
            "%%Forwarded",
            plugin("request-transformer"),
            "/config/add/headers",
            json!([
                "a:b",
                "Forwarded:host=gateway.test;port=443;proto=https;prefix=/a//b/./c"
            ]),
        ),
        row(
            "correlation-id",
            plugin("correlation-id"),
            "/config/generator",
            json!("uuid"),
        ),
        row(
            "cors: origins",
            plugin("cors"),
            "/config/origins",
            json!(["*"]),
        ),
        row(
            "cors: methods",
            plugin("cors"),
            "/config/methods",
            json!(["GET", "POST"]),
        ),
        row(
            "whitelist",
            plugin("ip-restriction"),
            "/config/allow",
            json!(["10.0.0.0/8", "127.0.0.1"]),
        ),
        row(
            "blacklist",
            plugin("bot-detection"),
            "/config/deny",
            json!(["curl"]),
        ),
        row(
            "size limit",
            plugin("request-size-limiting"),
            "/config/allowed_payload_size",
            json!(8),
        ),
        row(
            "file-log",
            plugin("file-log"),
            "/config/path",
            json!("/dev/null"),
        ),
        row(
            "http-log: queue",
            plugin("http-log"),
            "/config/queue/max_batch_size",
            json!(10),
        ),
        row(
            "aws-lambda",
            plugin("aws-lambda"),
            "/config/function_name",
            json!("f"),
        ),
        row(
            "termination",
            plugin("request-termination"),
            "/config/status_code",
            json!(503),
        ),
        row("enabled: false", plugin("syslog"), "/enabled", json!(false)),
        row(
            "auth server",
            Service("default-auth"),
            "/name",
            json!("default-auth"),
        ),
        row(
            "auth server route",
            Route("default-auth.0"),
            "/strip_path",
            json!(false),
        ),
        row(
            "ping-portal",
            Plugin("ping-portal", "rate-limiting"),
            "/config/minute",
            json!(10),
        ),
        row(
            "swagger-ui",
            Route("swagger-ui-portal.0"),
            "/preserve_host",
            json!(true),
        ),
        row(
            "metrics",
            Global("prometheus"),
            "/config/status_code_metrics",
            json!(true),
        ),
        row(
            "usage",
            Global("http-log"),
            "/config/queue/max_batch_size",
            json!(200),
        ),
        row(
            "consumer",
            Consumer("app$full"),
            "/custom_id",
            json!("sub-app-full"),
        ),
    ]
}

#[tokio::test]
async fn every_row_of_the_conformance_table_holds() {
    let Some(world) = KongWorld::start_with(Store::Database, every_row, |_| {}).await else {
        return;
    };
    for row in rows() {
        let entity = find(&world, &row.entity).await;
        let found = entity.pointer(row.pointer).unwrap_or(&Value::Null);
        assert_eq!(*found, row.expected, "{}", row.feature);
    }
    // The later one of two APIs with the same route is not published; created ones neither, and
    // retired ones have no callers.
    assert_eq!(world.problems().await, ["again"]);
    let services = world.entities("services").await;
    assert!(
        !services
            .iter()
            .any(|service| service["name"] == "created" || service["name"] == "again")
    );
    let consumers = world.entities("consumers").await;
    assert!(
        !consumers
            .iter()
            .any(|consumer| consumer["username"] == "app$retired")
    );
    assert_eq!(world.resync("").await["actions"], json!([]));
}

#[tokio::test]
async fn plugins_of_the_ignore_list_are_left_alone_once_they_are_there() {
    let change = |installation: &mut Installation| {
        every_row(installation);
        installation.globals["kongAdapter"] =
            json!({"useKongAdapter": true, "ignoreList": ["cors", "file-log"]});
    };
    let Some(world) = KongWorld::start_with(Store::Database, change, |_| {}).await else {
        return;
    };
    let cors = world.plugin("full", "cors").await;
    let path = format!("plugins/{}", cors["id"].as_str().unwrap());
    let by_hand = json!({"config": {"origins": ["https://only.test"]}});
    world.admin(reqwest::Method::PATCH, &path, by_hand).await;
    world
        .configure(|installation| {
            let full = installation
                .apis
                .iter_mut()
                .find(|api| api["id"] == "full")
                .unwrap();
            let plugins = full["config"]["plugins"].as_array_mut().unwrap();
            plugins.retain(|plugin| plugin["name"] != "file-log");
        })
        .await;
    assert_eq!(
        world.plugin("full", "cors").await["config"]["origins"],
        json!(["https://only.test"])
    );
    world.plugin("full", "file-log").await;
}

async fn find(world: &KongWorld, entity: &Entity) -> Value {
    match entity {
        Entity::Service(name) => world.entity("services", "name", name).await,
        Entity::Route(name) => world.entity("routes", "name", name).await,
        Entity::Consumer(name) => world.entity("consumers", "username", name).await,
        Entity::Plugin(service, name) => world.plugin(service, name).await,
        Entity::Global(name) => {
            let plugins = world.entities("plugins").await;
            let global = |plugin: &&Value| {
                plugin["name"] == *name
                    && ["service", "route", "consumer"]
                        .iter()
                        .all(|field| plugin[*field].is_null())
            };
            plugins.iter().find(global).unwrap().clone()
        }
        Entity::Limit(consumer, service, name) => {
            let consumer = world.entity("consumers", "username", consumer).await;
            let service = world.entity("services", "name", service).await;
            let plugins = world.entities("plugins").await;
            let found = plugins.iter().find(|plugin| {
                plugin["name"] == *name
                    && plugin["consumer"]["id"] == consumer["id"]
                    && plugin["service"]["id"] == service["id"]
            });
            found.unwrap().clone()
        }
    }
}
