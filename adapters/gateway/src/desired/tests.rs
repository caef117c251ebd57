//! The conformance table (events-and-adapters C16) for what this version publishes.

use kong::Kind;
use serde_json::{Value, json};

use super::*;
use crate::{
    entity::{reference, tags, text},
    fixture::{api, key, keys, settings, snapshot, subscription},
    ids::Ids,
    target::Target,
};

fn with(mut value: Value, pointer: &str, change: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = change;
    value
}

fn set(mut value: Value, member: &str, change: Value) -> Value {
    value[member] = change;
    value
}

fn desired(apis: Value, subscriptions: Value) -> Desired {
    let (settings, keys) = (settings(), keys());
    let snapshot = snapshot(apis, subscriptions);
    of_snapshot(
        &Context::new(&settings, &snapshot, &keys, &Target::embedded()),
        &snapshot,
    )
}

/// The entities of one service or application, each on a line.
fn lines(desired: &Desired, tag: &str) -> Vec<String> {
    let mut lines: Vec<String> = desired
        .entities
        .iter()
        .filter(|(_, fields)| tags(fields).any(|found| found == tag))
        .map(|(key, fields)| {
            let name = ["name", "username", "group", "key", "key_digest"];
            let name = name
                .iter()
                .find_map(|field| text(fields, field))
                .unwrap_or_default();
            format!("{} {name}", key.kind)
        })
        .collect();
    lines.sort();
    lines
}

fn plugin(desired: &Desired, service: &str, name: &str) -> Value {
    let service = Ids::new("main").service(service);
    let (_, fields) = desired
        .entities
        .of_kind(Kind::Plugin)
        .find(|(_, fields)| {
            text(fields, "name") == Some(name)
                && reference(fields, "service") == Some(service)
                && reference(fields, "consumer").is_none()
        })
        .unwrap_or_else(|| panic!("no plugin {name}"));
    fields["config"].clone()
}

fn problems(desired: &Desired) -> Vec<String> {
    desired
        .problems
        .iter()
        .chain(desired.applications.values().flatten())
        .map(|problem| format!("{} {}", problem.kind, problem.id))
        .collect()
}

#[test]
fn each_kind_of_auth_brings_its_plugins() {
    let apis = json!([
        api("open", "none"),
        api("keyed", "key-auth"),
        api("tokens", "oauth2")
    ]);
    let desired = desired(apis, json!([]));
    assert_eq!(problems(&desired), [""; 0]);
    assert_eq!(
        lines(&desired, "wg-api-open"),
        ["routes open.0", "services open"]
    );
    assert_eq!(
        lines(&desired, "wg-api-keyed"),
        [
            "plugins acl",
            "plugins key-auth",
            "routes keyed.0",
            "services keyed"
        ]
    );
    assert_eq!(
        lines(&desired, "wg-api-tokens"),
        [
            "plugins acl",
            "plugins jwt",
            "plugins wicketgate-identity",
            "routes tokens.0",
            "services tokens"
        ]
    );
    assert_eq!(
        plugin(&desired, "keyed", "key-auth")["key_names"],
        json!(["X-ApiKey"])
    );
    assert_eq!(plugin(&desired, "keyed", "acl")["allow"], json!(["keyed"]));
    let jwt = plugin(&desired, "tokens", "jwt");
    assert_eq!(jwt["key_claim_name"], "gateway_key");
    assert_eq!(jwt["claims_to_verify"], json!(["exp"]));
    assert_eq!(jwt["uri_param_names"], json!([]));
    let identity = plugin(&desired, "tokens", "wicketgate-identity");
    let described = "https://api.example.org/auth/.well-known/oauth-protected-resource/tokens";
    assert_eq!(jwt["resource_metadata"], described);
    assert_eq!(identity["resource_metadata"], described);
    assert_eq!(identity["required_audience"], json!(["tokens"]));
    assert_eq!(
        identity["required_issuer"],
        json!(["https://api.example.org/auth"])
    );
}

#[test]
fn what_is_not_an_api_is_published_too() {
    let desired = desired(json!([]), json!([]));
    assert_eq!(
        lines(&desired, "wg-api-default-auth"),
        ["routes default-auth.0", "services default-auth"]
    );
    assert_eq!(
        lines(&desired, "wg-api-ping-portal"),
        [
            "plugins correlation-id",
            "plugins rate-limiting",
            "routes ping-portal.0",
            "services ping-portal"
        ]
    );
    assert_eq!(
        lines(&desired, "wg-api-swagger-ui-portal"),
        [
            "plugins correlation-id",
            "routes swagger-ui-portal.0",
            "services swagger-ui-portal"
        ]
    );
    let global: Vec<_> = desired
        .entities
        .of_kind(Kind::Plugin)
        .filter(|(_, fields)| reference(fields, "service").is_none())
        .map(|(_, fields)| text(fields, "name").unwrap().to_owned())
        .collect();
    assert_eq!(global.len(), 3);
    for name in ["correlation-id", "prometheus", "wicketgate-usage"] {
        assert!(global.iter().any(|found| found == name), "{name}");
    }
}

#[test]
fn settings_of_an_api_reach_service_and_route() {
    let configured = with(
        api("pets", "none"),
        "/config/api",
        json!({
            "upstream_url": "https://pets.example.org:8443/v2/", "retries": "2",
            "connect_timeout": 0, "read_timeout": "1500",
            "routes": [{"paths": ["/pets//v1"], "strip_path": false, "preserve_host": true,
                "hosts": ["*.example.org"], "methods": ["get"], "protocols": ["HTTPS"]}]
        }),
    );
    let desired = desired(json!([configured]), json!([]));
    let find = |kind| {
        let mut all = desired.entities.of_kind(kind);
        let (_, fields) = all
            .find(|(_, fields)| text(fields, "name").is_some_and(|name| name.starts_with("pets")))
            .unwrap();
        Value::Object(fields.clone())
    };
    let service = find(Kind::Service);
    for (field, expected) in [
        ("protocol", json!("https")),
        ("host", json!("pets.example.org")),
        ("port", json!(8443)),
        ("path", json!("/v2/")),
        ("retries", json!(2)),
        ("connect_timeout", json!(60_000)),
        ("read_timeout", json!(1500)),
    ] {
        assert_eq!(service[field], expected, "{field}");
    }
    let route = find(Kind::Route);
    for (field, expected) in [
        ("name", json!("pets.0")),
        ("paths", json!(["/pets/v1"])),
        ("hosts", json!(["*.example.org"])),
        ("methods", json!(["GET"])),
        ("protocols", json!(["https"])),
        ("strip_path", json!(false)),
        ("preserve_host", json!(true)),
        ("path_handling", json!("v0")),
    ] {
        assert_eq!(route[field], expected, "{field}");
    }
}

#[test]
fn credentials_are_hidden_where_either_file_says_so() {
    let in_list = set(api("a", "key-auth"), "hide_credentials", json!(true));
    let mut in_config = api("b", "oauth2");
    in_config["config"]["api"]["hide_credentials"] = json!(true);
    let desired = desired(json!([in_list, in_config, api("c", "key-auth")]), json!([]));
    assert_eq!(plugin(&desired, "a", "key-auth")["hide_credentials"], true);
    assert_eq!(
        plugin(&desired, "b", "wicketgate-identity")["remove_token"],
        true
    );
    assert_eq!(plugin(&desired, "c", "key-auth")["hide_credentials"], false);
}

#[test]
fn the_life_cycle_decides_what_is_published() {
    let in_state = |state: &str| set(api(state, "key-auth"), "lifecycle", json!({"state": state}));
    let subscriptions: Vec<Value> = ["created", "deprecated", "retired"]
        .into_iter()
        .zip(['1', '2', '3'])
        .map(|(api, digit)| subscription(api, "basic", json!([key(digit)])))
        .collect();
    let apis = json!([
        in_state("created"),
        in_state("deprecated"),
        in_state("retired")
    ]);
    let desired = desired(apis, json!(subscriptions));
    assert_eq!(problems(&desired), [""; 0]);
    assert_eq!(lines(&desired, "wg-api-created"), [""; 0]);
    assert_eq!(lines(&desired, "wg-api-deprecated").len(), 4);
    assert_eq!(
        plugin(&desired, "retired", "request-termination")["status_code"],
        410
    );
    let consumers: Vec<_> = desired
        .entities
        .of_kind(Kind::Consumer)
        .map(|(_, fields)| text(fields, "username").unwrap())
        .collect();
    assert_eq!(consumers, ["my-app$deprecated"]);
}

#[test]
fn a_key_subscription_is_a_consumer_with_digest_group_and_limits() {
    let subscriptions = json!([subscription("keyed", "basic", json!([key('a'), key('b')]))]);
    let desired = desired(json!([api("keyed", "key-auth")]), subscriptions);
    assert_eq!(
        lines(&desired, "wg-app-my-app"),
        [
            "acls keyed".to_owned(),
            "consumers my-app$keyed".to_owned(),
            format!("keyauth_credentials {}", "a".repeat(64)),
            format!("keyauth_credentials {}", "b".repeat(64)),
            "plugins rate-limiting".to_owned(),
        ]
    );
    let (_, consumer) = desired.entities.of_kind(Kind::Consumer).next().unwrap();
    assert_eq!(text(consumer, "custom_id"), Some("sub-keyed"));
    let mut behind: Vec<_> = desired.credentials.values().collect();
    behind.sort();
    assert_eq!(behind, ["cred-a", "cred-b"]);
}

#[test]
fn a_client_gets_one_verification_key_per_published_signing_key() {
    let client = |id: &str| json!({"id": id, "kind": "client", "digest": "", "clientId": "c1"});
    let credentials = json!([client("one"), client("two")]);
    let subscriptions = json!([subscription("tokens", "free", credentials)]);
    let desired = desired(json!([api("tokens", "oauth2")]), subscriptions);
    assert_eq!(
        lines(&desired, "wg-app-my-app"),
        [
            "acls tokens",
            "consumers my-app$tokens",
            "jwt_secrets c1.k1",
            "jwt_secrets c1.k2"
        ]
    );
    let secrets: Entities = desired
        .entities
        .iter()
        .filter(|(key, _)| key.kind == Kind::JwtSecret)
        .map(|(key, fields)| (*key, fields.clone()))
        .collect();
    assert_eq!(
        crate::keys::recovered(&secrets),
        keys(),
        "they can be read back"
    );
}

#[test]
fn a_bundle_shares_its_group_and_is_limited_on_each_of_its_apis() {
    let member = |id| set(api(id, "key-auth"), "bundle", json!("zoo"));
    let subscriptions = json!([subscription("cats", "basic", json!([key('a')]))]);
    let desired = desired(
        json!([member("cats"), member("dogs"), api("x", "key-auth")]),
        subscriptions,
    );
    assert_eq!(plugin(&desired, "cats", "acl")["allow"], json!(["zoo"]));
    assert_eq!(plugin(&desired, "dogs", "acl")["allow"], json!(["zoo"]));
    let lines = lines(&desired, "wg-app-my-app");
    assert_eq!(
        lines
            .iter()
            .filter(|line| *line == "plugins rate-limiting")
            .count(),
        2
    );
    assert!(lines.contains(&"acls zoo".to_owned()));
}

#[test]
fn a_fault_stays_where_it_is() {
    let unknown_plugin = |id| {
        let mut api = api(id, "none");
        api["config"]["plugins"] = json!([{"name": "no-such-plugin", "config": {}}]);
        api
    };
    let apis = json!([
        api("good", "key-auth"),
        unknown_plugin("bad-plugin"),
        api("no-auth", ""),
        with(
            api("bad-url", "none"),
            "/config/api/upstream_url",
            json!("nonsense")
        ),
        with(
            api("same-route", "none"),
            "/config/api/routes/0/paths/0",
            json!("/good")
        ),
        set(
            api("odd-mode", "oauth2"),
            "settings",
            json!({"token_mode": "paseto"})
        ),
        set(
            api("no-server", "oauth2"),
            "authMethods",
            json!(["other:local"])
        ),
        with(
            api("own-acl", "key-auth"),
            "/config",
            json!({
                "api": {"upstream_url": "http://b", "routes": [{"paths": ["/own"]}]},
                "plugins": [{"name": "acl", "config": {"allow": ["x"]}}]
            })
        ),
    ]);
    let subscriptions = json!([
        subscription("good", "basic", json!([key('a')])),
        subscription("gone", "basic", json!([key('b')])),
        set(
            subscription("good", "no-such-plan", json!([key('c')])),
            "application",
            json!("other")
        ),
        set(
            subscription("good", "broken", json!([key('d')])),
            "application",
            json!("third")
        ),
    ]);
    let desired = desired(apis, subscriptions);
    assert_eq!(
        problems(&desired),
        [
            "api bad-plugin",
            "api no-auth",
            "api bad-url",
            "api same-route",
            "api odd-mode",
            "api no-server",
            "api own-acl",
            "subscription sub-gone",
            "subscription sub-good",
            "subscription sub-good",
        ]
    );
    assert_eq!(lines(&desired, "wg-api-good").len(), 4);
    assert_eq!(lines(&desired, "wg-app-my-app").len(), 4);
    assert!(desired.kept_apis.contains("wg-api-bad-plugin"));
    let ids = Ids::new("main");
    let kept = |username| {
        let kept = desired.kept_consumers.get(&ids.consumer(username));
        kept.map(|kept| kept.keep)
    };
    assert_eq!(kept("my-app$gone"), None, "there is nothing left to call");
    assert_eq!(kept("other$good"), Some(Keep::ButInvalidCredentials));
    assert_eq!(kept("third$good"), Some(Keep::ButInvalidCredentials));
    assert_eq!(kept("my-app$good"), None);
}

#[test]
fn opaque_tokens_are_asked_about_and_need_no_keys() {
    let opaque = set(
        api("tokens", "oauth2"),
        "settings",
        json!({"token_mode": "opaque"}),
    );
    let client = json!({"id": "c", "kind": "client", "digest": "d", "clientId": "client1"});
    let subscriptions = json!([subscription("tokens", "free", json!([client]))]);
    let desired = desired(json!([opaque]), subscriptions);
    assert_eq!(problems(&desired), [""; 0]);
    assert_eq!(
        lines(&desired, "wg-api-tokens"),
        [
            "plugins acl",
            "plugins wicketgate-identity",
            "routes tokens.0",
            "services tokens"
        ]
    );
    let identity = plugin(&desired, "tokens", "wicketgate-identity");
    assert_eq!(identity["source"], "introspection");
    assert_eq!(
        identity["introspection_url"],
        "http://auth:3010/auth/oauth2/introspect"
    );
    assert_eq!(identity["introspection_token"], "hush hush");
    assert_eq!(identity["required_audience"], json!(["tokens"]));
    assert_eq!(desired.entities.of_kind(Kind::JwtSecret).count(), 0);
    assert_eq!(desired.entities.of_kind(Kind::Consumer).count(), 1);
}

#[test]
fn an_api_that_takes_tokens_of_others_asks_about_all_of_them() {
    let with_issuers = set(
        api("tokens", "oauth2"),
        "settings",
        json!({"trusted_issuers": [{"name": "corp", "issuer": "https://sso.example.org"}]}),
    );
    let asked = desired(json!([with_issuers]), json!([]));
    assert_eq!(problems(&asked), [""; 0]);
    assert_eq!(
        lines(&asked, "wg-api-tokens")[..2],
        ["plugins acl", "plugins wicketgate-identity"]
    );
    let identity = plugin(&asked, "tokens", "wicketgate-identity");
    assert_eq!(identity["source"], "introspection");
}

#[test]
fn the_same_snapshot_always_gives_the_same_entities() {
    let build = || {
        desired(
            json!([api("keyed", "key-auth"), api("tokens", "oauth2")]),
            json!([subscription("keyed", "basic", json!([key('a')]))]),
        )
    };
    assert_eq!(build().entities, build().entities);
}

#[test]
fn one_application_is_the_same_alone_as_within_everything() {
    let apis = json!([api("keyed", "key-auth")]);
    let subscriptions = json!([
        subscription("keyed", "basic", json!([key('a')])),
        set(
            subscription("keyed", "basic", json!([key('b')])),
            "application",
            json!("other")
        ),
    ]);
    let (settings, keys) = (settings(), keys());
    let snapshot = snapshot(apis, subscriptions);
    let target = Target::embedded();
    let context = Context::new(&settings, &snapshot, &keys, &target);
    let mut all = of_snapshot(&context, &snapshot).entities;
    all.retain(|_, fields| tags(fields).any(|tag| tag == "wg-app-my-app"));
    assert_eq!(of_application(&context, &snapshot, "my-app").entities, all);
}
