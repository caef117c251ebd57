//! A Kong without database: whole documents, node by node (events-and-adapters C13).

use std::time::Duration;

use reqwest::{Method, StatusCode};
use sdk::types::Event;
use serde_json::{Value, json};

use crate::{
    double::{Double, NOTHING_LOADED, Trouble},
    kong_world::{KongWorld, Store},
    world::{api, subscription},
};

#[tokio::test]
async fn everything_is_loaded_as_one_document_and_only_once() {
    let Some(world) = KongWorld::start(Store::Memory).await else {
        return;
    };
    world
        .subscribe("my-app", "keyed", "limited", "the-key")
        .await;
    let consumer = world.entity("consumers", "username", "my-app$keyed").await;
    assert_eq!(consumer["custom_id"], "sub-my-app-keyed");
    let key = world.entity("key-auths", "key", "the-key").await;
    assert_eq!(key["consumer"]["id"], consumer["id"]);
    let limit = world.entities("plugins").await;
    let limit = limit
        .iter()
        .find(|plugin| plugin["consumer"]["id"] == consumer["id"])
        .unwrap();
    assert_eq!(
        limit["service"]["id"],
        world.entity("services", "name", "keyed").await["id"]
    );
    world.changing_calls();
    assert_eq!(world.resync("").await["actions"], json!([]));
    assert_eq!(world.changing_calls(), [""; 0]);
    let (status, report) = world
        .operate(Method::POST, "resync?dryRun=true", json!({}))
        .await;
    assert_eq!((status, &report["POST"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn a_node_that_comes_back_empty_is_filled_again() {
    let double = Double::start(false).await;
    let world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    world
        .subscribe("my-app", "keyed", "limited", "the-key")
        .await;
    let before = double.state().text.clone();
    double.restart_empty();
    let begin = std::time::Instant::now();
    while double.state().hash == NOTHING_LOADED {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(begin.elapsed() < Duration::from_secs(15));
    }
    assert_eq!(double.state().text, before, "the same bytes");
}

#[tokio::test]
async fn several_changes_make_one_document() {
    let double = Double::start(false).await;
    let world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    double.take_calls();
    let events: Vec<Event> = (0..10)
        .map(|number| {
            let application = format!("app-{number}");
            let credential = world.key_credential(&format!("key-{number}"));
            let new = subscription(&application, "keyed", "unlimited", json!([credential]));
            world
                .portal
                .change(&application, "subscription.add", |all| all.push(new))
        })
        .collect();
    let report = world.portal.deliver(&events).await;
    assert_eq!(report.acked.len(), 10);
    assert_eq!(world.entities("consumers").await.len(), 10);
    let calls = double.take_calls();
    let loads = calls
        .iter()
        .filter(|(method, _)| method == Method::POST)
        .count();
    assert_eq!(loads, 1);
}

#[tokio::test]
async fn what_the_gateway_objects_to_is_left_out_with_its_api_or_subscription_only() {
    let Some(world) = KongWorld::start(Store::Memory).await else {
        return;
    };
    let limits = |config: Value| json!([{"name": "rate-limiting", "config": config}]);
    world
        .configure(|installation| {
            let mut refused = api("refused", "key-auth", "http://b.test");
            refused["config"]["plugins"] = limits(json!({"minute": 10, "hour": 5}));
            installation.apis.push(refused);
            installation
                .apis
                .push(api("good", "key-auth", "http://b.test"));
            let mut plan = json!({"id": "odd", "name": "odd"});
            plan["config"] = json!({"plugins": limits(json!({"minute": 10, "hour": 5}))});
            installation.plans.push(plan);
            installation.subscriptions.extend([
                subscription("a", "good", "odd", json!([])),
                subscription("b", "good", "limited", json!([])),
            ]);
        })
        .await;
    assert_eq!(world.problems().await, ["refused", "sub-a-good"]);
    world.entity("routes", "name", "good.0").await;
    world.entity("consumers", "username", "b$good").await;
    assert_eq!(world.entities("consumers").await.len(), 1);
}

#[tokio::test]
async fn an_api_that_gets_a_fault_keeps_what_the_gateway_has_of_it() {
    let Some(world) = KongWorld::start(Store::Memory).await else {
        return;
    };
    let before = world.entity("routes", "name", "keyed.0").await["id"].clone();
    world
        .configure(|installation| {
            installation.apis[1]["config"]["plugins"] = json!([{"name": "nonsense", "config": {}}]);
            installation
                .apis
                .push(api("added", "none", "http://b.test"));
        })
        .await;
    assert_eq!(world.problems().await, ["keyed"]);
    assert_eq!(
        world.entity("routes", "name", "keyed.0").await["id"],
        before
    );
    world.plugin("keyed", "key-auth").await;
    world.entity("services", "name", "added").await;
}

#[tokio::test]
async fn a_refused_document_leaves_the_old_one_and_a_busy_node_is_asked_again() {
    let double = Double::start(false).await;
    let world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    let trouble = |status, retry_after| Trouble {
        status,
        retry_after,
    };
    double.state().trouble = vec![trouble(503, None), trouble(429, Some(1))];
    world.subscribe("a", "keyed", "limited", "k").await;
    assert_eq!(world.entities("consumers").await.len(), 1);

    double.state().trouble = vec![trouble(413, None)];
    let before = double.state().hash.clone();
    let new = subscription("b", "keyed", "limited", json!([]));
    world.portal.installation().subscriptions.push(new);
    let (status, answer) = world.operate(Method::POST, "resync", json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
    assert_eq!(double.state().hash, before);
    let (_, ping) = world.operate(Method::GET, "ping", json!({})).await;
    assert_eq!(ping["healthy"], 0);
    world.readiness.until_ready().await;
    assert_eq!(world.entities("consumers").await.len(), 2);
}

#[tokio::test]
async fn every_node_gets_its_own_document() {
    let (first, second) = (Double::start(false).await, Double::start(false).await);
    let other = second.url.clone();
    let world = KongWorld::with_double(
        first.clone(),
        |_| {},
        |settings| {
            settings.gateway_admin_urls.push(other);
        },
    )
    .await;
    world.subscribe("a", "keyed", "limited", "k").await;
    assert_eq!(first.state().text, second.state().text);
    second.restart_empty();
    world.resync("").await;
    assert_eq!(second.state().store.of("consumers").len(), 1);
}

#[tokio::test]
async fn the_base_document_comes_first_and_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("base.json");
    let base = json!({
        "services": [{"name": "by-hand", "host": "h", "routes": [{"name": "hand", "paths": ["/hand"]}]},
                     {"name": "open", "host": "other"}],
        "plugins": [{"name": "prometheus", "config": {"per_consumer": true}}]
    });
    std::fs::write(&path, base.to_string()).unwrap();
    let double = Double::start(false).await;
    let world = KongWorld::with_double(
        double,
        |_| {},
        |settings| {
            settings.rules.base_config = Some(path.to_str().unwrap().to_owned());
        },
    )
    .await;
    world.entity("routes", "name", "hand").await;
    assert_eq!(
        world.entity("services", "name", "open").await["host"],
        "other"
    );
    world.entity("services", "name", "keyed").await;
    let problems = world.problems().await;
    assert!(problems.contains(&"open".to_owned()), "{problems:?}");
    world.changing_calls();
    assert_eq!(world.resync("").await["actions"], json!([]));
    assert_eq!(world.changing_calls(), [""; 0]);
}

#[tokio::test]
async fn both_variants_hold_the_same_entities_under_the_same_ids() {
    let change = crate::kong_table::every_row;
    let database = Double::start(true).await;
    let memory = Double::start(false).await;
    let one = KongWorld::with_double(database, change, |_| {}).await;
    let other = KongWorld::with_double(memory, change, |_| {}).await;
    // What each of them makes of its own keys is another thing.
    let different = ["http-log", "oauth2"];
    for collection in [
        "services",
        "routes",
        "plugins",
        "consumers",
        "key-auths",
        "acls",
        "jwts",
    ] {
        let read = async |world: &KongWorld| {
            let mut entities = world.entities(collection).await;
            entities.retain(|entity| !different.iter().any(|name| entity["name"] == *name));
            for entity in &mut entities {
                let fields = entity.as_object_mut().unwrap();
                for own in ["created_at", "updated_at", "secret"] {
                    fields.remove(own);
                }
                // Without database there is no `cluster`, and the auth servers have other ports.
                if fields["tags"].to_string().contains("default-auth") {
                    fields.remove("port");
                }
                if let Some(Value::Object(config)) = fields.get_mut("config") {
                    config.remove("policy");
                }
                fields.remove("rsa_public_key");
            }
            entities.sort_by_key(|entity| entity["id"].as_str().unwrap().to_owned());
            entities
        };
        let (one, other) = (read(&one).await, read(&other).await);
        assert!(!one.is_empty(), "{collection}");
        assert_eq!(one, other, "{collection}");
    }
}

#[tokio::test]
async fn a_file_is_written_for_gateways_that_read_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kong.json");
    let file = gateway_adapter::ConfigFile {
        path: path.clone(),
        for_deck: true,
    };
    let double = Double::start(false).await;
    let world = KongWorld::with_double(
        double,
        |_| {},
        |settings| {
            settings.rules.mode = gateway_adapter::Mode::File;
            settings.rules.file = Some(file);
        },
    )
    .await;
    world
        .subscribe("my-app", "keyed", "limited", "the-key")
        .await;
    let text = std::fs::read(&path).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["_info"]["select_tags"], json!(["wicketgate-main"]));
    assert_eq!(
        document["consumers"][0]["keyauth_credentials"][0]["key"],
        "the-key"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    world.resync("").await;
    assert_eq!(
        std::fs::metadata(&path).unwrap().modified().unwrap(),
        written
    );
}
