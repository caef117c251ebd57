//! A Kong with a database: entity by entity (events-and-adapters C12).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    double::{Double, Trouble},
    kong_world::{KongWorld, Store},
    portal::Installation,
    world::{api, subscription},
};

#[tokio::test]
async fn the_first_run_makes_the_documented_entities_and_the_second_none() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    world
        .subscribe("my-app", "keyed", "limited", "the-key")
        .await;
    let services: Vec<String> = names(&world.entities("services").await, "name");
    assert_eq!(
        services,
        [
            "default-auth",
            "keyed",
            "open",
            "ping-portal",
            "swagger-ui-portal",
            "tokens"
        ]
    );
    let service = world.entity("services", "name", "keyed").await;
    assert_eq!(
        [
            &service["protocol"],
            &service["host"],
            &service["port"],
            &service["path"]
        ],
        [
            &json!("http"),
            &json!("backend.test"),
            &json!(8080),
            &json!("/v2")
        ]
    );
    let route = world.entity("routes", "name", "keyed.0").await;
    assert_eq!(route["paths"], json!(["/keyed"]));
    assert_eq!(route["service"]["id"], service["id"]);
    assert_eq!(route["strip_path"], true);
    let key_auth = world.plugin("keyed", "key-auth").await;
    assert_eq!(key_auth["config"]["key_names"], json!(["X-ApiKey"]));
    assert_eq!(
        world.plugin("keyed", "acl").await["config"]["allow"],
        json!(["keyed"])
    );

    let consumer = world.entity("consumers", "username", "my-app$keyed").await;
    assert_eq!(consumer["custom_id"], "sub-my-app-keyed");
    let of_consumer = |entity: &Value| entity["consumer"]["id"] == consumer["id"];
    let keys = world.entities("key-auths").await;
    assert!(
        keys.iter()
            .any(|key| of_consumer(key) && key["key"] == "the-key")
    );
    let groups = world.entities("acls").await;
    assert!(
        groups
            .iter()
            .any(|acl| of_consumer(acl) && acl["group"] == "keyed")
    );
    let plugins = world.entities("plugins").await;
    let limit = plugins.iter().find(|plugin| of_consumer(plugin)).unwrap();
    assert_eq!(limit["config"]["hour"], 3);
    assert_eq!(limit["service"]["id"], service["id"]);
    for entity in [&service, &route, &key_auth, &consumer, limit] {
        let tags = entity["tags"].as_array().unwrap();
        assert!(tags.contains(&json!("wicketgate")) && tags.contains(&json!("wicketgate-main")));
    }
    world.changing_calls();
    assert_eq!(world.resync("").await["actions"], json!([]));
    assert_eq!(world.changing_calls(), [""; 0]);
}

fn names(entities: &[Value], field: &str) -> Vec<String> {
    let mut names: Vec<String> = entities
        .iter()
        .map(|entity| entity[field].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn verified_tokens_become_identity_headers_by_a_function() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let credential = json!({"id": "c", "kind": "client", "digest": "d", "clientId": "client1"});
    let new = subscription("my-app", "tokens", "unlimited", json!([credential]));
    let event = world
        .portal
        .change("my-app", "subscription.add", |all| all.push(new));
    world.deliver(event).await;
    let jwt = world.plugin("tokens", "jwt").await["config"].clone();
    assert_eq!(jwt["key_claim_name"], "gateway_key");
    assert_eq!(jwt["claims_to_verify"], json!(["exp"]));
    assert_eq!(jwt["uri_param_names"], json!([]));
    let function = world.plugin("tokens", "post-function").await;
    let code = function["config"]["access"][0].as_str().unwrap();
    assert!(code.contains(r#"= {"https://gateway.test/auth"}, "tokens", false"#));
    let secret = world.entity("jwts", "key", "client1.k1").await;
    assert_eq!(secret["algorithm"], "ES256");
    assert_eq!(world.resync("").await["actions"], json!([]));
}

#[tokio::test]
async fn a_mode_that_kong_cannot_do_is_a_problem_of_its_api_alone() {
    let opaque = |mode: &str| {
        let mode = mode.to_owned();
        move |installation: &mut Installation| {
            installation.auth_servers[0]["tokens"]["mode"] = json!(mode);
        }
    };
    let Some(world) = KongWorld::start_with(Store::Database, opaque("opaque"), |_| {}).await else {
        return;
    };
    assert_eq!(world.problems().await, ["tokens"]);
    assert_eq!(names(&world.entities("services").await, "name").len(), 5);
}

#[tokio::test]
async fn a_kong_that_keeps_the_tokens_gets_its_plugin_and_its_clients() {
    let change = |installation: &mut Installation| {
        installation.auth_servers[0]["tokens"]["mode"] = json!("kong-oauth2");
        installation.apis[2]["settings"] = json!({
            "enable_authorization_code": true, "token_expiration": "1800",
            "refresh_token_ttl": "0", "scopes": {"read": {}, "write": {}}
        });
        installation.groups = vec![json!({"id": "partners", "name": "Partners"})];
        installation.applications =
            vec![json!({"id": "my-app", "redirectUris": ["https://app.test/back"]})];
    };
    let Some(world) = KongWorld::start_with(Store::Database, change, |_| {}).await else {
        return;
    };
    let client = json!({
        "id": "c", "kind": "client", "digest": "d", "clientId": "client1", "clientSecret": "hush"
    });
    let new = subscription("my-app", "tokens", "limited", json!([client]));
    let event = world
        .portal
        .change("my-app", "subscription.add", |all| all.push(new));
    world.deliver(event).await;
    let config = world.plugin("tokens", "oauth2").await["config"].clone();
    assert_eq!(
        config["scopes"],
        json!(["read", "write", "wicked:partners"])
    );
    assert_eq!(config["token_expiration"], 1800);
    assert_eq!(config["refresh_token_ttl"], 0);
    assert_eq!(config["accept_http_if_already_terminated"], true);
    assert_eq!(config["global_credentials"], false);
    let provision = config["provision_key"].as_str().unwrap().to_owned();
    assert_eq!(provision.len(), 32);
    let before = world.entity("oauth2", "client_id", "client1").await;
    assert_eq!(before["name"], "my-app");
    assert_eq!(before["client_secret"], "hush");
    assert_eq!(before["redirect_uris"], json!(["https://app.test/back"]));

    // A change in place: issued tokens hang on the credential's id.
    world.portal.installation().applications =
        vec![json!({"id": "my-app", "redirectUris": ["https://app.test/other"]})];
    let event = world.portal.change("my-app", "application.update", |_| {});
    world.deliver(event).await;
    let event = world.portal.change("my-app", "subscription.update", |all| {
        all[0]["plan"] = json!("generous");
    });
    world.changing_calls();
    world.deliver(event).await;
    let calls = world.changing_calls();
    assert!(world.double.is_none() || calls.len() == 1, "{calls:?}");
    let after = world.entity("oauth2", "client_id", "client1").await;
    assert_eq!(after["redirect_uris"], json!(["https://app.test/other"]));
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(
        world.plugin("tokens", "oauth2").await["config"]["provision_key"],
        provision
    );
    assert_eq!(world.resync("").await["actions"], json!([]));
}

#[tokio::test]
async fn scopes_that_another_service_defines_reach_the_gateway_without_any_event() {
    let change = |installation: &mut Installation| {
        installation.auth_servers[0]["tokens"]["mode"] = json!("kong-oauth2");
        installation.apis[2]["settings"] =
            json!({"enable_client_credentials": true, "scopes": {"read": {}}});
        installation.apis[2]["scopeLookupUrl"] = json!("http://scopes.test/");
    };
    let often = |settings: &mut gateway_adapter::Settings| {
        settings.look_up_scopes_every = std::time::Duration::from_millis(20);
    };
    let Some(world) = KongWorld::start_with(Store::Database, change, often).await else {
        return;
    };
    let scopes = async || world.plugin("tokens", "oauth2").await["config"]["scopes"].clone();
    assert_eq!(scopes().await, json!(["read"]));
    world.portal.installation().apis[2]["settings"]["scopes"] = json!({"read": {}, "write": {}});
    while scopes().await != json!(["read", "write"]) {
        tokio::task::yield_now().await;
    }
    let looked_up = async || {
        let asked = world.portal.installation().lookups;
        let again = |installation: &Installation| installation.lookups > asked + 2;
        world.portal.until(again).await;
    };
    // What was asked before the change was in force is done; nothing more is, as nothing changes.
    looked_up().await;
    world.resync("").await;
    let before = world.portal.installation().snapshots.len();
    looked_up().await;
    assert_eq!(world.portal.installation().snapshots.len(), before);
}

#[tokio::test]
async fn a_key_that_is_kept_as_digest_only_is_a_problem_that_says_what_to_do() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let digest = json!({"id": "old", "kind": "key", "digest": world.portal.digest("x")});
    let both = json!([digest, world.key_credential("new")]);
    let new = subscription("my-app", "keyed", "unlimited", both);
    let event = world
        .portal
        .change("my-app", "subscription.add", |all| all.push(new));
    world.deliver(event).await;
    assert_eq!(names(&world.entities("key-auths").await, "key"), ["new"]);
    assert_eq!(world.problems().await, ["sub-my-app-keyed"]);
}

#[tokio::test]
async fn what_others_have_made_survives_everything() {
    let Some(mut world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let service = world.entity("services", "name", "keyed").await["id"].clone();
    let foreign = [
        ("services", json!({"name": "by-hand", "host": "h"})),
        ("consumers", json!({"username": "somebody"})),
        (
            "plugins",
            json!({"name": "file-log", "config": {"path": "/dev/null"}}),
        ),
        (
            "plugins",
            json!({"name": "ip-restriction", "service": {"id": service}, "config": {"deny": ["10.0.0.1"]}}),
        ),
    ];
    let mut made = Vec::new();
    for (collection, body) in foreign {
        let (status, entity) = world.admin(Method::POST, collection, body).await;
        assert_eq!(status, StatusCode::CREATED, "{entity}");
        made.push((collection, entity));
    }
    assert_eq!(world.resync("").await["actions"], json!([]));
    world.restart_adapter(|_| {}).await;
    world
        .configure(|installation| installation.apis.retain(|api| api["id"] != "open"))
        .await;
    for (collection, before) in &made {
        let path = format!("{collection}/{}", before["id"].as_str().unwrap());
        assert_eq!(world.get(&path).await, *before);
    }
    // Even with all APIs gone; what hangs on a service of ours goes with it.
    world
        .configure(|installation| installation.apis.clear())
        .await;
    for (collection, before) in &made[..3] {
        let path = format!("{collection}/{}", before["id"].as_str().unwrap());
        assert_eq!(world.get(&path).await, *before);
    }
    let (_, found) = world.operate(Method::GET, "foreign", json!({})).await;
    let found = found["entities"].as_array().unwrap().clone();
    assert!(
        found
            .iter()
            .any(|entity| entity["name"] == "by-hand" && entity["leftover"] == false)
    );
}

#[tokio::test]
async fn two_installations_share_a_gateway_without_touching_each_other() {
    let double = Double::start(true).await;
    let one = KongWorld::with_double(
        double.clone(),
        |_| {},
        |settings| {
            "one".clone_into(&mut settings.instance);
        },
    )
    .await;
    let other = KongWorld::with_double(
        double,
        |installation| {
            installation.apis = vec![api("theirs", "key-auth", "http://b.test")];
            installation.auth_servers.clear();
            installation.globals["network"] = json!({});
        },
        |settings| "two".clone_into(&mut settings.instance),
    )
    .await;
    assert_eq!(names(&other.entities("services").await, "name").len(), 7);
    other
        .configure(|installation| installation.apis.clear())
        .await;
    assert_eq!(names(&one.entities("services").await, "name").len(), 6);
    assert_eq!(one.resync("").await["actions"], json!([]));
    // Both want the global plugins, of which there can be one each.
    assert!(!other.problems().await.is_empty());
    other.changing_calls();
    assert_eq!(other.resync("").await["actions"], json!([]));
    assert_eq!(other.changing_calls(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_problem_until_it_is_free() {
    let Some(world) = KongWorld::prepare(Store::Database, |_| {}, |_| {}).await else {
        return;
    };
    world.readiness.until_ready().await;
    let (_, foreign) = world
        .admin(
            Method::POST,
            "services",
            json!({"name": "added", "host": "h"}),
        )
        .await;
    let add = |installation: &mut Installation| {
        installation
            .apis
            .push(api("added", "key-auth", "http://b.test"));
    };
    world.configure(add).await;
    assert_eq!(world.problems().await, ["added"]);
    let routes = names(&world.entities("routes").await, "name");
    assert!(
        !routes.contains(&"added.0".to_owned()),
        "nothing leads to a foreign service"
    );
    world.changing_calls();
    assert_eq!(world.resync("").await["actions"], json!([]));
    assert_eq!(world.changing_calls(), [""; 0]);
    let path = format!("services/{}", foreign["id"].as_str().unwrap());
    world.admin(Method::DELETE, &path, json!({})).await;
    world.resync("").await;
    assert_eq!(world.problems().await, [""; 0]);
    world.entity("routes", "name", "added.0").await;
}

#[tokio::test]
async fn one_bad_api_and_one_bad_subscription_hold_up_nothing() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    world
        .configure(|installation| {
            let mut unknown = api("unknown", "key-auth", "http://b.test");
            unknown["config"]["plugins"] = json!([{"name": "nonsense", "config": {}}]);
            let mut refused = api("refused", "key-auth", "http://b.test");
            refused["config"]["plugins"] =
                json!([{"name": "rate-limiting", "config": {"minute": 10, "hour": 5}}]);
            let mut wrong = api("wrong", "key-auth", "http://b.test");
            wrong["config"]["plugins"] =
                json!([{"name": "cors", "config": {"methods": "GET,FROB"}}]);
            let open = json!({"id": "unsaid", "name": "", "config": {"api": {
                "upstream_url": "http://b.test", "routes": [{"paths": ["/unsaid"]}]}}});
            let good = api("good", "key-auth", "http://b.test");
            installation
                .apis
                .extend([unknown, refused, wrong, open, good]);
            installation.subscriptions.extend([
                subscription("a", "good", "no-such-plan", json!([])),
                subscription("b", "good", "limited", json!([])),
            ]);
        })
        .await;
    assert_eq!(
        world.problems().await,
        ["refused", "sub-a-good", "unknown", "unsaid", "wrong"]
    );
    world.entity("routes", "name", "good.0").await;
    world.entity("consumers", "username", "b$good").await;
    let routes = names(&world.entities("routes").await, "name");
    for api in ["refused", "unknown", "unsaid", "wrong"] {
        assert!(!routes.contains(&format!("{api}.0")), "{api}");
    }
}

#[tokio::test]
async fn what_the_gateway_would_refuse_is_not_begun() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let moved = |installation: &mut Installation, position: usize| {
        let config = &mut installation.apis[position]["config"];
        config["api"]["upstream_url"] = json!("http://other.test");
    };
    world.changing_calls();
    world
        .configure(|installation| {
            moved(installation, 0);
            moved(installation, 1);
            installation.apis[1]["config"]["api"]["routes"] = json!([{"paths": ["/elsewhere"]}]);
            // Only the gateway knows that this is too little for an hour.
            installation.apis[1]["config"]["plugins"] =
                json!([{"name": "rate-limiting", "config": {"minute": 10, "hour": 5}}]);
            installation.plans[1]["config"]["plugins"][0]["config"] =
                json!({"minute": 10, "hour": 5, "policy": "local"});
            let twice = ["a", "b"].map(|app| subscription(app, "open", "generous", json!([])));
            let keyed = subscription("c", "keyed", "generous", json!([]));
            installation.apis[0]["auth"] = json!("key-auth");
            installation.subscriptions.extend(twice);
            installation.subscriptions.push(keyed);
        })
        .await;
    assert_eq!(
        world.problems().await,
        ["keyed", "sub-a-open", "sub-b-open", "sub-c-keyed"]
    );
    let host = async |name: &str| world.entity("services", "name", name).await["host"].clone();
    assert_eq!(host("open").await, "other.test");
    assert_eq!(host("keyed").await, "backend.test");
    let route = world.entity("routes", "name", "keyed.0").await;
    assert_eq!(route["paths"], json!(["/keyed"]));
    assert!(world.entities("consumers").await.is_empty());
    let Some(double) = &world.double else { return };
    let calls = double.take_calls();
    // One question for what three consumers would get.
    let asked = |path: &str| path == "/schemas/plugins/validate";
    let number = calls.iter().filter(|(_, path)| asked(path)).count();
    assert!((1..=6).contains(&number), "{calls:?}");
    world.resync("").await;
    assert_eq!(world.changing_calls(), [""; 0], "nothing is tried again");
}

#[tokio::test]
async fn drift_is_reverted_and_the_brake_stops_what_removes_too_much() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    for number in 0..12 {
        let application = format!("app-{number}");
        let key = format!("key-{number}");
        world
            .subscribe(&application, "keyed", "unlimited", &key)
            .await;
    }
    let plugin = world.plugin("keyed", "acl").await;
    let path = format!("plugins/{}", plugin["id"].as_str().unwrap());
    let (status, _) = world
        .admin(
            Method::PATCH,
            &path,
            json!({"config": {"allow": ["everybody"]}}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let planned = world.resync("?dryRun=true").await;
    assert_eq!(planned["actions"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.plugin("keyed", "acl").await["config"]["allow"],
        json!(["everybody"])
    );
    assert_eq!(world.resync("").await["PUT"], 1);
    assert_eq!(
        world.plugin("keyed", "acl").await["config"]["allow"],
        json!(["keyed"])
    );

    world.portal.installation().subscriptions.clear();
    world.resync("").await;
    assert_eq!(world.entities("consumers").await.len(), 12);
    assert_eq!(world.problems().await, ["brake"]);
    world.resync("?force=true").await;
    assert_eq!(world.entities("consumers").await.len(), 0);
    assert_eq!(world.problems().await, [""; 0]);
}

#[tokio::test]
async fn secrets_are_shown_to_nobody() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let new = subscription(
        "a",
        "keyed",
        "limited",
        json!([world.key_credential("the-secret")]),
    );
    world.portal.installation().subscriptions.push(new);
    let planned = world.resync("?dryRun=true").await.to_string();
    assert!(planned.contains("a$keyed") && !planned.contains("the-secret"));
    let (status, desired) = world.operate(Method::GET, "desired", json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let desired = desired.to_string();
    assert!(desired.contains("a$keyed") && !desired.contains("the-secret"));
    let token = world
        .keys
        .derive(&service::keys::Purpose::UsageIntake)
        .unwrap()
        .base64url();
    assert!(desired.contains("http-log") && !desired.contains(&token));
}

#[tokio::test]
async fn a_gateway_that_is_busy_is_asked_again() {
    let double = Double::start(true).await;
    let world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    double.state().trouble = vec![
        Trouble {
            status: 503,
            retry_after: None,
        },
        Trouble {
            status: 429,
            retry_after: Some(1),
        },
        Trouble {
            status: 500,
            retry_after: None,
        },
    ];
    let started = std::time::Instant::now();
    world.subscribe("a", "keyed", "limited", "k").await;
    assert!(
        started.elapsed() >= std::time::Duration::from_secs(1),
        "as long as it asked for"
    );
    assert_eq!(world.entities("key-auths").await.len(), 1);
}

#[tokio::test]
async fn an_application_with_many_subscriptions_goes_at_once() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let apis: Vec<Value> = (0..50)
        .map(|number| api(&format!("api-{number}"), "key-auth", "http://b.test"))
        .collect();
    let subscriptions: Vec<Value> = (0..50)
        .map(|number| {
            let credential = world.key_credential(&format!("key-{number}"));
            subscription(
                "big",
                &format!("api-{number}"),
                "unlimited",
                json!([credential]),
            )
        })
        .collect();
    world
        .configure(|installation| {
            installation.apis.extend(apis);
            installation.subscriptions.extend(subscriptions);
        })
        .await;
    assert_eq!(world.entities("consumers").await.len(), 50);
    let event = world.portal.change("big", "application.delete", Vec::clear);
    world.deliver(event).await;
    assert_eq!(world.entities("consumers").await.len(), 0);
    assert_eq!(world.entities("key-auths").await.len(), 0);
}

#[tokio::test]
async fn thousands_of_consumers_are_read_page_by_page() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let subscriptions: Vec<Value> = (0..2500)
        .map(|number| {
            let credential = world.key_credential(&format!("key-{number}"));
            subscription(
                &format!("app-{number}"),
                "keyed",
                "unlimited",
                json!([credential]),
            )
        })
        .collect();
    world.portal.installation().subscriptions = subscriptions;
    // On a busy machine it takes longer than anybody is kept waiting; the work goes on.
    while world.operate(Method::POST, "resync", json!({})).await.0 != StatusCode::OK {}
    assert_eq!(world.entities("consumers").await.len(), 2500);
    if let Some(double) = &world.double {
        double.take_calls();
        assert_eq!(world.resync("").await["actions"], json!([]));
        let calls = double.take_calls();
        assert!(calls.iter().all(|(method, _)| method == Method::GET));
        assert!(calls.len() < 100, "{}", calls.len());
        assert!(double.state().largest_page <= 1000);
    }
}

#[tokio::test]
async fn an_old_kong_is_spoken_to_in_its_own_words() {
    let double = Double::start_version(true, "2.8.4").await;
    let change = |installation: &mut Installation| {
        installation.globals["sessionStore"] = json!({"type": "redis", "host": "r", "port": 7000});
        installation.apis[0]["config"]["plugins"] =
            json!([{"name": "rate-limiting", "config": {"minute": 5}}]);
    };
    let world = KongWorld::with_double(double, change, |_| {}).await;
    assert_eq!(world.problems().await, [""; 0]);
    let limit = world.plugin("open", "rate-limiting").await["config"].clone();
    assert_eq!(
        (&limit["redis_host"], &limit["redis_port"]),
        (&json!("r"), &json!(7000))
    );
    let plugins = world.entities("plugins").await;
    let log = plugins
        .iter()
        .find(|plugin| plugin["name"] == "http-log")
        .unwrap();
    assert_eq!(log["config"]["queue_size"], 200);
    assert_eq!(world.resync("").await["actions"], json!([]));
}

#[tokio::test]
async fn routes_come_after_all_that_protects_them() {
    let double = Double::start(true).await;
    let world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    world
        .configure(|installation| {
            installation.apis.retain(|api| api["id"] == "open");
            let more = (0..20).map(|number| {
                let auth = if number % 2 == 0 {
                    "key-auth"
                } else {
                    "oauth2"
                };
                api(&format!("api-{number}"), auth, "http://b.test")
            });
            installation.apis.extend(more);
        })
        .await;
    let calls = double.take_calls();
    let position = |part: &str, last: bool| {
        let mut found = calls
            .iter()
            .enumerate()
            .filter(|(_, (method, path))| format!("{method} {path}").starts_with(part));
        let found = if last {
            found.next_back()
        } else {
            found.next()
        };
        found.unwrap().0
    };
    // The second configuration only: its first call removes the routes of APIs that end.
    let begin = position("DELETE /routes", false);
    let after = |part: &str, last: bool| {
        let calls = &calls[begin..];
        let mut found = calls
            .iter()
            .enumerate()
            .filter(|(_, (method, path))| format!("{method} {path}").starts_with(part));
        let found = if last {
            found.next_back()
        } else {
            found.next()
        };
        found.unwrap().0
    };
    assert!(after("PUT /plugins", true) < after("PUT /routes", false));
    assert!(after("DELETE /routes", true) < after("DELETE /services", false));
}
