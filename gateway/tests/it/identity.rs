use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

#[tokio::test]
async fn identity_headers_of_clients_never_reach_a_backend() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let response = gateway
        .get("/open")
        .header("X-Consumer-Username", "admin")
        .header("x_consumer_username", "admin")
        .header("X-Authenticated-UserId", "1")
        .header("X_Authenticated-Scope", "all")
        .header("X-Forwarded-For", "8.8.8.8")
        .header(
            "Cookie",
            "a=1; portal.cookie.sid=secret; portal-auth.cookie.sid=secret",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let seen: Value = response.json().await.unwrap();
    let headers = seen["headers"].as_object().unwrap();
    assert!(
        !headers
            .keys()
            .any(|name| name.contains("consumer") || name.contains("authenticated")),
        "{headers:?}"
    );
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["cookie"], "a=1");
}

#[tokio::test]
async fn the_anonymous_consumer_steps_in_for_a_missing_key() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway.consumer("nobody").await;
    gateway
        .plugin(
            "key-auth",
            Some(&service),
            None,
            json!({ "anonymous": "nobody" }),
        )
        .await;
    let seen: Value = gateway
        .get("/open")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["headers"]["x-anonymous-consumer"], "true");
    assert_eq!(seen["headers"]["x-consumer-username"], "nobody");
}

#[tokio::test]
async fn one_correlation_id_goes_from_the_client_to_the_backend_and_back() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let config =
        json!({ "header_name": "Correlation-Id", "generator": "uuid", "echo_downstream": true });
    gateway.plugin("correlation-id", None, None, config).await;
    let kept = gateway
        .get("/open")
        .header("Correlation-Id", "abc")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.headers()["correlation-id"], "abc");
    let seen: Value = kept.json().await.unwrap();
    assert_eq!(seen["headers"]["correlation-id"], "abc");
    let made = gateway.get("/open").send().await.unwrap();
    let id = made.headers()["correlation-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let seen: Value = made.json().await.unwrap();
    assert_eq!(seen["headers"]["correlation-id"], id.as_str());
}
