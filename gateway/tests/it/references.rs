//! References to environment variables in the place of secrets.

use axum::{
    Router,
    http::{HeaderMap, StatusCode as Status},
    routing::post,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{TestGateway, serve};

/// To a variable that everybody has.
const REFERENCE: &str = "{vault://env/path}";

#[tokio::test]
async fn a_reference_is_shown_and_its_meaning_is_used() {
    let gateway = TestGateway::start().await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    let app = Router::new().route(
        "/log",
        post(async move |headers: HeaderMap| {
            sender.send(headers).unwrap();
            Status::OK
        }),
    );
    let address = serve(app).await;
    let plugin = json!({"name": "http-log", "config": {
        "http_endpoint": format!("http://{address}/log"), "headers": {"X-Key": REFERENCE},
    }});
    let created = gateway.post("plugins", plugin).await;
    assert_eq!(created["config"]["headers"]["X-Key"], REFERENCE);
    gateway.get("/nowhere").send().await.unwrap();
    let headers = seen.recv().await.unwrap();
    let meaning = service::settings::var("PATH").unwrap();
    assert_eq!(headers["x-key"], meaning.as_str());
}

#[tokio::test]
async fn references_that_mean_nothing_are_refused_where_they_stand() {
    let gateway = TestGateway::start().await;
    let redis = |password: &str| {
        json!({"name": "rate-limiting", "config": {
            "minute": 5, "policy": "redis", "redis": {"host": "127.0.0.1", "password": password},
        }})
    };
    let certificate = json!({"cert": "{vault://env/nobody-set-this}", "key": REFERENCE});
    for (path, body, field) in [
        (
            "plugins",
            redis("{vault://env/nobody-set-this}"),
            "/config/redis/password",
        ),
        (
            "plugins",
            redis("{vault://env/wicketgate-master-key}"),
            "/config/redis/password",
        ),
        (
            "plugins",
            redis("{vault://aws/password}"),
            "/config/redis/password",
        ),
        (
            "plugins",
            json!({"name": "correlation-id", "config": {"header_name": REFERENCE}}),
            "/config/header_name",
        ),
        ("consumers", json!({"username": REFERENCE}), "/username"),
        ("certificates", certificate, "/key"),
    ] {
        let (status, answer) = gateway.call(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(
            answer["fields"]
                .pointer(field)
                .is_some_and(Value::is_string),
            "{answer}"
        );
    }
    let (_, schema) = gateway
        .call(Method::GET, "schemas/certificates", Value::Null)
        .await;
    let fields = schema["fields"].as_array().unwrap();
    let key = fields.iter().find_map(|field| field.get("key")).unwrap();
    assert_eq!(key["referenceable"], true, "{schema}");
}
