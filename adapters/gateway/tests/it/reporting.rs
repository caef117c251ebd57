//! What the adapter tells: usage, status, health.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use service::keys::Purpose;
use uuid::Uuid;

use crate::{portal::Installation, world::World};

/// Calls by operation.
fn by_operation(installation: &Installation) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for cell in installation.usage.iter().flat_map(|batch| &batch.cells) {
        let operation = cell.operation.clone().unwrap_or_default();
        *calls.entry(operation).or_default() += cell.calls;
    }
    calls
}

fn define(installation: &mut Installation) {
    let pets = json!({"openapi": "3.0.0", "paths": {
        "/pets": {"get": {}, "post": {}}, "/pets/{id}": {"get": {}}, "/pets/mine": {"get": {}}
    }});
    installation.definitions.insert("keyed".to_owned(), pets);
}

#[tokio::test]
async fn calls_through_the_gateway_are_counted_by_operation() {
    let world = World::start().await;
    define(&mut world.portal.installation());
    world.subscribe("my-app", "unlimited", "secret-key-1").await;
    let key = [("x-apikey", "secret-key-1")];
    for path in [
        "/keyed/pets",
        "/keyed/pets?name=secret",
        "/keyed/pets/7",
        "/keyed//pets/./8/",
        "/keyed/pets/mine",
        "/keyed/nowhere",
    ] {
        assert_eq!(world.status(path, &key).await, StatusCode::OK, "{path}");
    }
    world
        .portal
        .until(|installation| by_operation(installation).values().sum::<u64>() == 6)
        .await;
    let expected = [
        ("", 1),
        ("GET /pets", 2),
        ("GET /pets/mine", 1),
        ("GET /pets/{id}", 2),
    ];
    let expected = expected.map(|(operation, calls)| (operation.to_owned(), calls));
    assert_eq!(by_operation(&world.portal.installation()), expected.into());

    // Another configuration may bring another definition.
    {
        let mut installation = world.portal.installation();
        installation.hash = "hash2".to_owned();
        let other = json!({"swagger": "2.0", "paths": {"/nowhere": {"get": {}}}});
        installation.definitions.insert("keyed".to_owned(), other);
    }
    world
        .deliver(world.portal.change("", "config.updated", |_| {}))
        .await;
    world.call("/keyed/nowhere", &key).await;
    world
        .portal
        .until(|installation| by_operation(installation).contains_key("GET /nowhere"))
        .await;
}

#[tokio::test]
async fn log_records_of_a_kong_are_counted_by_operation_too() {
    let world = World::start().await;
    define(&mut world.portal.installation());
    let record = |method: &str, uri: &str, service: &str| {
        json!({
            "started_at": 60_000, "request": {"size": 1, "method": method, "uri": uri},
            "response": {"status": 200, "size": 1}, "latencies": {"request": 3},
            "consumer": {"custom_id": "s"}, "service": {"name": service}
        })
    };
    // What nobody has published or described is counted all the same.
    let records = json!([
        record("GET", "/keyed/pets?key=hush", "keyed"),
        record("POST", "/keyed/pets", "keyed"),
        record("GET", "/keyed/pets/%37", "keyed"),
        record("GET", "/keyed/pets", "foreign"),
        record("GET", "/open/pets", "open"),
        {"started_at": 60_000, "request": {"method": null, "uri": null},
            "response": {"status": 200}, "latencies": {"request": 3}, "consumer": {"custom_id": "s"}}
    ]);
    let token = world
        .keys
        .derive(&Purpose::UsageIntake)
        .unwrap()
        .base64url();
    let url = world.adapter.join("usage").unwrap();
    let request = service::http::client().post(url).bearer_auth(token);
    let answer = request.json(&records).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    world
        .portal
        .until(|installation| !installation.usage.is_empty())
        .await;
    let expected = [
        ("", 3),
        ("GET /pets", 1),
        ("GET /pets/{id}", 1),
        ("POST /pets", 1),
    ];
    let expected = expected.map(|(operation, calls)| (operation.to_owned(), calls));
    assert_eq!(by_operation(&world.portal.installation()), expected.into());
}

#[tokio::test]
async fn calls_are_counted_for_their_subscription_and_credential() {
    let world = World::start().await;
    world.subscribe("my-app", "limited", "secret-key-1").await;
    for _ in 0..4 {
        world.call("/keyed", &[("x-apikey", "secret-key-1")]).await;
    }
    let counted = |class: &str, installation: &crate::portal::Installation| {
        let cells = installation.usage.iter().flat_map(|batch| &batch.cells);
        let cells = cells.filter(|cell| cell.status.as_str() == class);
        cells.map(|cell| cell.calls).sum::<u64>()
    };
    world
        .portal
        .until(|installation| {
            counted("2xx", installation) == 3 && counted("4xx", installation) == 1
        })
        .await;
    let installation = world.portal.installation();
    let cell = &installation.usage[0].cells[0];
    assert_eq!(cell.subscription, "sub-my-app-keyed");
    assert_eq!(cell.credential.as_deref(), Some("cred-secret-key-1"));
    assert_eq!(cell.minute % 60, 0);
}

#[tokio::test]
async fn a_batch_is_kept_by_the_gateway_until_portal_api_has_it_and_counts_once() {
    let world = World::start().await;
    let batch = json!({"batchId": Uuid::from_u128(1), "node": "n", "records": [{
        "id": "r", "at": 60_000, "service": "keyed", "route": "keyed.0", "consumer": "s",
        "credential": null, "method": "GET", "path": "/", "status": 200, "request_bytes": 1,
        "response_bytes": 1, "duration_ms": 1, "upstream_ms": 1, "client": "127.0.0.1"
    }]});
    let token = world
        .keys
        .derive(&Purpose::UsageIntake)
        .unwrap()
        .base64url();
    let send = async |token: &str, body: &Value| {
        let url = world.adapter.join("usage").unwrap();
        let request = service::http::client()
            .post(url)
            .bearer_auth(token)
            .json(body);
        request.send().await.unwrap().status()
    };
    assert_eq!(send("wrong", &batch).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        send(&token, &json!({"records": 1})).await,
        StatusCode::BAD_REQUEST
    );
    world.portal.installation().away = true;
    assert_eq!(send(&token, &batch).await, StatusCode::SERVICE_UNAVAILABLE);
    world.portal.installation().away = false;
    assert_eq!(send(&token, &batch).await, StatusCode::ACCEPTED);
    assert_eq!(send(&token, &batch).await, StatusCode::ACCEPTED);
    assert_eq!(world.portal.installation().usage.len(), 1);
}

#[tokio::test]
async fn what_is_in_force_is_reported_by_revision() {
    let world = World::start().await;
    world.subscribe("my-app", "limited", "secret-key-1").await;
    world
        .portal
        .until(|installation| {
            let status = installation.status.as_ref();
            let node = status.and_then(|status| status.nodes.first());
            node.is_some_and(|node| {
                node.revision.as_deref() == Some("hash1.1") && node.in_sync && node.name == "node-1"
            })
        })
        .await;
}

#[tokio::test]
async fn health_shows_the_gateway() {
    let world = World::start().await;
    let get = async |path: &str| {
        service::http::client()
            .get(world.adapter.join(path).unwrap())
            .send()
            .await
            .unwrap()
    };
    let ping: Value = get("ping").await.json().await.unwrap();
    assert_eq!(ping["name"], "kong-adapter");
    assert_eq!(ping["healthy"], 1);
    assert!(ping["kongVersion"].as_str().unwrap().starts_with("3."));
    for path in ["healthz", "readyz", "metrics"] {
        assert_eq!(get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(get("problems").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(get("nowhere").await.status(), StatusCode::NOT_FOUND);
}
