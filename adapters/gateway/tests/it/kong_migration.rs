//! Taking over the gateway of a wicked installation (events-and-adapters C18).

use gateway_adapter::Adopt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    kong_world::{KongWorld, Store},
    portal::Installation,
    world::subscription,
};

fn with_kong_tokens(installation: &mut Installation) {
    installation.auth_servers[0]["tokens"]["mode"] = json!("kong-oauth2");
    installation.apis[2]["settings"] = json!({"enable_client_credentials": true});
}

/// What wicked has made: no tags, no route names, ids of its own.
async fn wicked(world: &KongWorld) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let make = async |collection: &'static str, body: Value| {
        let (status, entity) = world.admin(Method::POST, collection, body).await;
        assert_eq!(status, StatusCode::CREATED, "{entity}");
        (collection, entity)
    };
    let id = |entity: &(&str, Value)| json!({"id": entity.1["id"]});
    let service = make("services", json!({
        "name": "tokens", "protocol": "http", "host": "backend.test", "port": 8080, "path": "/v2"
    })).await;
    let route = make(
        "routes",
        json!({"paths": ["/tokens"], "service": id(&service)}),
    )
    .await;
    let oauth2 = make(
        "plugins",
        json!({
            "name": "oauth2", "service": id(&service),
            "config": {"enable_client_credentials": true, "provision_key": "made-long-ago"}
        }),
    )
    .await;
    let consumer = make(
        "consumers",
        json!({
            "username": "my-app$tokens", "custom_id": "sub-my-app-tokens"
        }),
    )
    .await;
    let client = make(
        "oauth2",
        json!({
            "consumer": id(&consumer), "name": "my-app", "client_id": "client1",
            "client_secret": "hush", "redirect_uris": ["https://dummy.org"]
        }),
    )
    .await;
    let acl = make(
        "acls",
        json!({"consumer": id(&consumer), "group": "tokens"}),
    )
    .await;
    // Leftovers of an API that is no longer configured.
    let old = make("services", json!({"name": "gone", "host": "h"})).await;
    let old_route = make("routes", json!({"paths": ["/gone"], "service": id(&old)})).await;
    let old_consumer = make("consumers", json!({"username": "my-app$gone"})).await;
    let hand = make("services", json!({"name": "by-hand", "host": "h"})).await;
    all.extend([
        service,
        route,
        oauth2,
        consumer,
        client,
        acl,
        old,
        old_route,
        old_consumer,
        hand,
    ]);
    all
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one migration, step by step")]
async fn a_wicked_installation_is_taken_over_without_anybody_noticing() {
    let Some(mut world) = KongWorld::start_with(
        Store::Database,
        |installation| {
            with_kong_tokens(installation);
            installation.apis.retain(|api| api["id"] != "tokens");
        },
        |_| {},
    )
    .await
    else {
        return;
    };
    let made = wicked(&world).await;
    let secret = json!({
        "id": "c", "kind": "client", "digest": "d", "clientId": "client1", "clientSecret": "hush"
    });
    {
        let mut installation = world.portal.installation();
        let mut tokens = crate::world::api("tokens", "oauth2", "http://backend.test:8080/v2");
        tokens["settings"] = json!({"enable_client_credentials": true});
        installation.apis.push(tokens);
        installation.subscriptions = vec![subscription(
            "my-app",
            "tokens",
            "unlimited",
            json!([secret]),
        )];
        installation.hash = "hash2".to_owned();
    }
    // As it is, nothing of it belongs to us.
    world.resync("").await;
    assert_eq!(world.problems().await, ["sub-my-app-tokens", "tokens"]);

    let (status, planned) = world
        .operate(
            Method::POST,
            "adopt?dryRun=true",
            json!({"policy": "names"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{planned}");
    assert_eq!(planned["adopted"].as_array().unwrap().len(), 6, "{planned}");
    let (_, report) = world
        .operate(Method::POST, "adopt", json!({"policy": "names"}))
        .await;
    assert_eq!(report["adopted"].as_array().unwrap().len(), 6);
    assert_eq!(world.problems().await, [""; 0]);
    for (collection, before) in &made[..6] {
        let path = format!("{collection}/{}", before["id"].as_str().unwrap());
        let now = world.get(&path).await;
        assert_eq!(now["created_at"], before["created_at"], "{collection}");
        assert!(
            now["tags"]
                .as_array()
                .unwrap()
                .contains(&json!("wicketgate-main"))
        );
    }
    assert_eq!(
        world.entity("routes", "name", "tokens.0").await["id"],
        made[1].1["id"]
    );
    let oauth2 = world.plugin("tokens", "oauth2").await;
    assert_eq!(oauth2["config"]["provision_key"], "made-long-ago");
    assert_eq!(world.resync("").await["actions"], json!([]));

    // Single changes know the other ids, too.
    let event = world.portal.change("my-app", "subscription.update", |all| {
        all[0]["plan"] = json!("limited");
    });
    world.deliver(event).await;
    let consumer = &made[3].1["id"];
    let plugins = world.entities("plugins").await;
    let limit = plugins
        .iter()
        .find(|plugin| plugin["consumer"]["id"] == *consumer)
        .unwrap();
    assert_eq!(limit["service"]["id"], made[0].1["id"]);
    assert_eq!(world.resync("").await["actions"], json!([]));

    let (_, found) = world.operate(Method::GET, "foreign", json!({})).await;
    let leftovers: Vec<&Value> = found["entities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entity| entity["leftover"] == true)
        .collect();
    assert_eq!(leftovers.len(), 3, "{leftovers:?}");
    let (status, _) = world
        .operate(Method::POST, "prune", json!({"confirm": "else"}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    let confirm = json!({"confirm": found["confirm"]});
    let (status, answer) = world.operate(Method::POST, "prune", confirm).await;
    assert_eq!(
        (status, answer["removed"].clone()),
        (StatusCode::OK, json!(3))
    );
    world.entity("services", "name", "by-hand").await;
    let services = world.entities("services").await;
    assert!(!services.iter().any(|service| service["name"] == "gone"));

    world
        .restart_adapter(|settings| settings.rules.rotate_provision_keys = true)
        .await;
    let rotated = world.plugin("tokens", "oauth2").await["config"]["provision_key"].clone();
    assert_ne!(rotated, "made-long-ago");
}

#[tokio::test]
async fn only_what_is_ours_already_is_taken_over_by_the_exact_policy() {
    let Some(world) = KongWorld::prepare(
        Store::Database,
        |_| {},
        |settings| {
            settings.rules.adopt = Adopt::Exact;
        },
    )
    .await
    else {
        return;
    };
    world.readiness.until_ready().await;
    let foreign = json!({"name": "added", "host": "elsewhere.test"});
    let (_, service) = world.admin(Method::POST, "services", foreign).await;
    let (_, consumer) = world
        .admin(
            Method::POST,
            "consumers",
            json!({"username": "a$keyed", "custom_id": "sub-a-keyed"}),
        )
        .await;
    world
        .configure(|installation| {
            installation
                .apis
                .push(crate::world::api("added", "none", "http://b.test"));
            installation
                .subscriptions
                .push(subscription("a", "keyed", "limited", json!([])));
        })
        .await;
    assert_eq!(world.problems().await, ["added"]);
    let path = format!("services/{}", service["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await["host"], "elsewhere.test");
    let path = format!("consumers/{}", consumer["id"].as_str().unwrap());
    assert!(world.get(&path).await["tags"].is_array());
}

#[tokio::test]
async fn the_operators_end_points_are_for_operators() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let url = |path: &str| world.adapter.join(path).unwrap();
    for (method, path) in [
        (Method::GET, "problems"),
        (Method::GET, "desired"),
        (Method::GET, "foreign"),
        (Method::POST, "prune"),
        (Method::POST, "adopt"),
    ] {
        let request = service::http::client().request(method, url(path));
        let request = request.json(&json!({"policy": "names", "confirm": ""}));
        assert_eq!(
            request.send().await.unwrap().status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let killed = service::http::client()
        .post(url("kill"))
        .send()
        .await
        .unwrap();
    assert_eq!(killed.status(), StatusCode::NOT_FOUND);
}
