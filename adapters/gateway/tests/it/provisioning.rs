//! From an event to an answer of the gateway.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    backend::Key,
    world::{World, subscription},
};

#[tokio::test]
async fn apis_are_published_with_the_access_their_auth_asks_for() {
    let world = World::start().await;
    let open = world
        .call("/open/pets", &[("x-consumer-id", "forged")])
        .await;
    assert_eq!(open.status(), StatusCode::OK);
    let seen: Value = open.json().await.unwrap();
    assert_eq!(seen["path"], "/pets");
    assert_eq!(seen["headers"]["x-consumer-id"], Value::Null);
    assert!(seen["headers"]["correlation-id"].is_string());
    assert_eq!(world.status("/keyed", &[]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.status("/tokens", &[]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.status("/auth/oauth2/jwks", &[]).await, StatusCode::OK);
    assert_eq!(world.status("/ping-portal", &[]).await, StatusCode::OK);
}

#[tokio::test]
async fn a_key_works_when_its_event_is_acknowledged_and_ends_with_the_subscription() {
    let world = World::start().await;
    let key = [("x-apikey", "secret-key-1")];
    assert_eq!(world.status("/keyed", &key).await, StatusCode::UNAUTHORIZED);
    world.subscribe("my-app", "limited", "secret-key-1").await;
    let answer = world.call("/keyed", &key).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let seen: Value = answer.json().await.unwrap();
    assert_eq!(seen["headers"]["x-consumer-custom-id"], "sub-my-app-keyed");
    assert_eq!(seen["headers"]["x-consumer-username"], "my-app$keyed");
    assert_eq!(world.status("/keyed", &key).await, StatusCode::OK);
    assert_eq!(world.status("/keyed", &key).await, StatusCode::OK);
    let limited = world.call("/keyed", &key).await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    world.unsubscribe("my-app").await;
    assert_eq!(world.status("/keyed", &key).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.entities("consumers").await, [Value::Null; 0]);
}

#[tokio::test]
async fn keys_of_other_subscriptions_survive_a_change_and_foreign_keys_are_refused() {
    let world = World::start().await;
    world.subscribe("first", "unlimited", "key-of-first").await;
    world
        .subscribe("second", "unlimited", "key-of-second")
        .await;
    world.unsubscribe("second").await;
    assert_eq!(
        world
            .status("/keyed", &[("x-apikey", "key-of-first")])
            .await,
        StatusCode::OK
    );
    let second = world
        .status("/keyed", &[("x-apikey", "key-of-second")])
        .await;
    assert_eq!(second, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_costs_one_question_and_no_full_comparison() {
    let world = World::start().await;
    let before = world.portal.installation().snapshots.len();
    world.subscribe("my-app", "limited", "secret-key-1").await;
    let asked = world.portal.installation().snapshots[before..].to_vec();
    assert_eq!(asked, [Some("my-app".to_owned())]);
}

#[tokio::test]
async fn tokens_are_verified_by_issuer_audience_and_signature() {
    let world = World::start().await;
    world.subscribe_client("my-app", "client1").await;
    let call = async |token: String| {
        world
            .call("/tokens", &[("authorization", &format!("Bearer {token}"))])
            .await
    };
    let good = call(world.key.token("client1", "tokens", json!({}))).await;
    assert_eq!(good.status(), StatusCode::OK);
    let seen: Value = good.json().await.unwrap();
    assert_eq!(seen["headers"]["x-authenticated-userid"], "sub=ada");
    assert_eq!(seen["headers"]["x-authenticated-scope"], "read write");
    let bad = [
        world.key.token("client1", "other", json!({})),
        world
            .key
            .token("client1", "tokens", json!({"iss": "http://else.test/auth"})),
        world.key.token("client1", "tokens", json!({"exp": 1})),
        world.key.token("nobody", "tokens", json!({})),
        Key::new("k1").token("client1", "tokens", json!({})),
    ];
    for token in bad {
        assert_eq!(call(token).await.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_rotated_signing_key_is_at_the_gateway_before_its_first_use() {
    let world = World::start().await;
    world.subscribe_client("my-app", "client1").await;
    let next = Key::new("k2");
    world.auth.publish(&[&world.key, &next]);
    // New configuration makes the adapter ask at once, instead of within five minutes.
    world.portal.installation().hash = "hash2".to_owned();
    world
        .deliver(world.portal.change("", "config.updated", |_| {}))
        .await;
    loop {
        let secrets = world.entities("jwts").await;
        if secrets.len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    for key in [&world.key, &next] {
        let token = format!("Bearer {}", key.token("client1", "tokens", json!({})));
        assert_eq!(
            world.status("/tokens", &[("authorization", &token)]).await,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn new_configuration_is_applied_and_what_it_no_longer_has_goes() {
    let world = World::start().await;
    {
        let mut installation = world.portal.installation();
        installation.hash = "hash2".to_owned();
        let added = crate::world::api("added", "none", &world.backend.url);
        installation.apis.push(added);
        installation.apis.retain(|api| api["id"] != "open");
    }
    world
        .deliver(world.portal.change("", "config.updated", |_| {}))
        .await;
    assert_eq!(world.status("/added", &[]).await, StatusCode::OK);
    assert_eq!(world.status("/open", &[]).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_broken_api_is_a_problem_and_nothing_else() {
    let world = World::start().await;
    {
        let mut installation = world.portal.installation();
        installation.hash = "hash2".to_owned();
        // A plugin that does not exist: the API keeps its last state.
        installation.apis[0]["config"]["plugins"] = json!([{"name": "nonsense", "config": {}}]);
        let added = crate::world::api("added", "none", &world.backend.url);
        installation.apis.push(added);
    }
    world
        .deliver(world.portal.change("", "config.updated", |_| {}))
        .await;
    assert_eq!(world.status("/added", &[]).await, StatusCode::OK);
    assert_eq!(world.status("/open", &[]).await, StatusCode::OK);
    world
        .portal
        .until(|installation| {
            let problems = installation.status.as_ref().map(|status| &status.problems);
            problems.is_some_and(|problems| problems.iter().any(|problem| problem.id == "open"))
        })
        .await;
}

#[tokio::test]
async fn entities_of_others_are_never_touched_and_our_own_are_put_right() {
    let world = World::start().await;
    let foreign = json!({"host": "elsewhere.test", "name": "by-hand", "tags": ["mine"]});
    assert_eq!(
        world.admin(Method::POST, "services", foreign).await,
        StatusCode::CREATED
    );
    let changed = json!({"host": "attacker.test"});
    assert_eq!(
        world.admin(Method::PATCH, "services/keyed", changed).await,
        StatusCode::OK
    );
    let report = world.resync("").await;
    assert_eq!(report["actions"].as_array().unwrap().len(), 1);
    assert_eq!(
        report["failedComparisons"][0]["kongObject"]["host"],
        "attacker.test"
    );
    let services = world.entities("services").await;
    assert!(services.iter().any(|service| service["name"] == "by-hand"));
    assert!(
        services
            .iter()
            .all(|service| service["host"] != "attacker.test")
    );
    assert_eq!(world.resync("").await["actions"], json!([]));
}

#[tokio::test]
async fn a_credential_ends_at_its_time_without_any_event() {
    let world = World::start().await;
    let end = service::clock::now() + chrono::Duration::milliseconds(1500);
    let credential = json!({
        "id": "c", "kind": "key", "digest": world.portal.digest("short-lived"),
        "expiresAt": sdk::types::Timestamp(end)
    });
    let subscription = subscription("my-app", "keyed", "unlimited", json!([credential]));
    world
        .deliver(
            world
                .portal
                .change("my-app", "subscription.add", |all| all.push(subscription)),
        )
        .await;
    let key = [("x-apikey", "short-lived")];
    assert_eq!(world.status("/keyed", &key).await, StatusCode::OK);
    while world.status("/keyed", &key).await == StatusCode::OK {
        tokio::task::yield_now().await;
    }
    assert!(service::clock::now() >= end);
    assert_eq!(world.entities("consumers").await.len(), 1);
}

#[tokio::test]
async fn an_event_finds_what_is_missing_even_if_the_gateway_lost_it_unnoticed() {
    let world = World::start().await;
    for collection in ["routes", "services"] {
        for entity in world.entities(collection).await {
            let path = format!("{collection}/{}", entity["id"].as_str().unwrap());
            world.admin(Method::DELETE, &path, json!({})).await;
        }
    }
    world.subscribe("my-app", "limited", "secret-key-1").await;
    let status = world
        .status("/keyed", &[("x-apikey", "secret-key-1")])
        .await;
    assert_eq!(status, StatusCode::OK);
}
