//! Mode memory: whole configurations.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

fn start(folder: &tempfile::TempDir) -> TestGateway {
    TestGateway::start_with(folder.path(), |settings| {
        settings.mode = gateway::Mode::Memory;
    })
}

fn document(backend: &Backend) -> Value {
    json!({
        "_format_version": "3.0",
        "services": [{
            "name": "orders",
            "url": format!("http://{}", backend.address),
            "routes": [{"name": "orders.0", "paths": ["/orders"]}],
            "plugins": [{"name": "key-auth", "tags": ["guard"]}],
        }],
        "consumers": [{"username": "shop", "keyauth_credentials": [{"key": "k"}]}],
    })
}

#[tokio::test]
async fn a_document_is_loaded_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(&folder);
    let backend = Backend::start().await;
    let (_, node) = gateway.call(Method::GET, "", Value::Null).await;
    assert_eq!(node["configuration"]["database"], "off");
    let (_, status) = gateway.call(Method::GET, "status", Value::Null).await;
    assert_eq!(status["configuration_hash"], "0".repeat(32));

    let good = document(&backend);
    let loaded = gateway.post("config?check_hash=1", good.clone()).await;
    assert_eq!(loaded["services"].as_object().unwrap().len(), 1);
    assert_eq!(gateway.status("/orders", "k").await, StatusCode::OK);
    assert_eq!(
        gateway.status("/orders", "x").await,
        StatusCode::UNAUTHORIZED
    );
    let (status, _) = gateway
        .call(Method::POST, "config?check_hash=1", good.clone())
        .await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
    let (_, status) = gateway.call(Method::GET, "status", Value::Null).await;
    assert_ne!(status["configuration_hash"], "0".repeat(32));

    let mut bad = good.clone();
    bad["services"][0]["plugins"][0]["config"] = json!({"colour": 1});
    let (status, error) = gateway
        .call(Method::POST, "config?flatten_errors=1", bad)
        .await;
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::BAD_REQUEST, &json!(14))
    );
    let faults = error["flattened_errors"].as_array().unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0]["entity_type"], "plugin");
    assert_eq!(faults[0]["entity_tags"], json!(["guard"]));
    assert_eq!(faults[0]["errors"][0]["field"], "config.colour");
    assert_eq!(gateway.status("/orders", "k").await, StatusCode::OK);

    let (_, written) = gateway.call(Method::GET, "config", Value::Null).await;
    let (status, _) = gateway.call(Method::POST, "config", written).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, page) = gateway.call(Method::GET, "services", Value::Null).await;
    assert_eq!(
        page["data"][0]["id"],
        loaded["services"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .as_str()
    );
}

#[tokio::test]
async fn single_entities_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(&folder);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let path = if method == Method::POST {
            "services"
        } else {
            "services/a"
        };
        let (status, error) = gateway.call(method, path, json!({"host": "h"})).await;
        assert_eq!(
            (status, &error["code"]),
            (StatusCode::METHOD_NOT_ALLOWED, &json!(12))
        );
    }
    let (status, _) = gateway
        .call(
            Method::POST,
            "schemas/services/validate",
            json!({"host": "h"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    for (kind, body) in [
        (
            "text/yaml",
            "_format_version: '3.0'\nservices:\n- name: a\n  host: h\n",
        ),
        (
            "application/x-www-form-urlencoded",
            "config=_format_version%3A+%273.0%27",
        ),
    ] {
        let answer = gateway
            .http
            .post(format!("{}config", gateway.admin_url))
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{kind}");
    }
}

#[tokio::test]
async fn a_file_is_served_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start().await;
    let file = folder.path().join("gateway.json");
    std::fs::write(&file, document(&backend).to_string()).unwrap();
    let gateway = TestGateway::start_with(folder.path(), |settings| {
        settings.mode = gateway::Mode::Memory;
        settings.config = Some(file.clone());
    });
    assert_eq!(gateway.status("/orders", "k").await, StatusCode::OK);
    // A faulty one changes nothing, a good one everything.
    let moved = document(&backend).to_string().replace("/orders", "/moved");
    std::fs::write(&file, moved).unwrap();
    let moved = async {
        while gateway.status("/moved", "k").await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), moved)
        .await
        .unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn the_first_of_two_equal_routes_gets_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(&folder);
    let backend = Backend::start().await;
    let mut services: Vec<Value> = ["one", "other"]
        .map(|name| {
            json!({
                "name": name, "url": format!("http://{}/{name}", backend.address),
                "routes": [{"name": name, "paths": ["/same"], "created_at": 7}],
            })
        })
        .into();
    for first in ["/one", "/other", "/one"] {
        let document = json!({"_format_version": "3.0", "services": services});
        gateway.post("config", document).await;
        let answer = gateway.get("/same").send().await.unwrap();
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["uri"], first);
        services.reverse();
    }
}
