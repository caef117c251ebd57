use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, digest_key, key_auth};

#[tokio::test]
async fn a_key_opens_its_own_api_only() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    for api in ["orders", "stock"] {
        let service = gateway
            .publish(api, backend.address, &format!("/{api}"))
            .await;
        gateway
            .plugin("key-auth", Some(&service), None, key_auth())
            .await;
        gateway
            .plugin("acl", Some(&service), None, json!({ "allow": [api] }))
            .await;
    }
    let shop = gateway.consumer("shop$orders").await;
    gateway.key(&shop, "the-key").await;
    gateway.group(&shop, "orders").await;

    let response = gateway
        .get("/orders/1?x=1")
        .header("apikey", "the-key")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    for header in [
        "x-kong-upstream-latency",
        "x-kong-proxy-latency",
        "x-kong-request-id",
        "via",
    ] {
        assert!(response.headers().contains_key(header), "{header}");
    }
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["uri"], "/1?x=1");
    assert_eq!(
        seen["headers"]["x-consumer-custom-id"],
        "subscription-shop$orders"
    );
    assert_eq!(seen["headers"]["x-consumer-username"], "shop$orders");
    assert_eq!(seen["headers"]["x-consumer-groups"], "orders");
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen["headers"]["x-forwarded-prefix"], "/orders");

    assert_eq!(
        gateway.status("/stock", "the-key").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        gateway.status("/orders", "another").await,
        StatusCode::UNAUTHORIZED
    );
    let without = gateway.get("/orders").send().await.unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(without.headers()["www-authenticate"], "Key");
    let body: Value = without.json().await.unwrap();
    assert!(body["message"].is_string() && body["request_id"].is_string());
}

#[tokio::test]
async fn a_key_in_the_query_is_found_and_hidden() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let config = json!({ "hide_credentials": true, "digest_key": digest_key() });
    gateway
        .plugin("key-auth", Some(&service), None, config)
        .await;
    let shop = gateway.consumer("shop").await;
    gateway.key(&shop, "the key").await;

    let response = gateway
        .get("/orders?a=1&apikey=the%20key&b=%2F")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["uri"], "/?a=1&b=%2F");
    let twice = gateway
        .get("/orders?apikey=the%20key&apikey=x")
        .send()
        .await
        .unwrap();
    assert_eq!(twice.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn clear_keys_work_and_digests_need_their_key() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, json!({}))
        .await;
    let shop = gateway.consumer("shop").await;
    gateway.key(&shop, "digest-only").await;
    let clear = kong::KeyAuth {
        id: uuid::Uuid::new_v4(),
        consumer: Some(shop.id.into()),
        key: Some("clear".to_owned()),
        ..kong::KeyAuth::default()
    };
    gateway.admin.put(&clear).await.unwrap();
    assert_eq!(gateway.status("/orders", "clear").await, StatusCode::OK);
    assert_eq!(
        gateway.status("/orders", "digest-only").await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn ending_a_consumer_ends_its_key_on_every_worker() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    for round in 0..20 {
        let key = format!("key-{round}");
        let shop = gateway.consumer(&format!("shop-{round}")).await;
        gateway.key(&shop, &key).await;
        // Fresh connections land on any worker.
        for _ in 0..4 {
            assert_eq!(fresh(&gateway, &key).await, StatusCode::OK);
        }
        gateway
            .admin
            .delete::<kong::Consumer>(&shop.id.to_string())
            .await
            .unwrap();
        for _ in 0..4 {
            assert_eq!(fresh(&gateway, &key).await, StatusCode::UNAUTHORIZED);
        }
    }
}

async fn fresh(gateway: &TestGateway, key: &str) -> StatusCode {
    let request = gateway
        .get("/orders")
        .header("apikey", key)
        .header("connection", "close");
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn preflight_requests_pass_before_any_key_is_asked_for() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    gateway
        .plugin(
            "cors",
            Some(&service),
            None,
            json!({ "origins": ["https://a.example", "https://b.example"] }),
        )
        .await;
    let preflight = gateway
        .http
        .request(Method::OPTIONS, format!("http://{}/orders", gateway.proxy))
        .header("origin", "https://b.example")
        .header("access-control-request-method", "PUT")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(
        preflight.headers()["access-control-allow-origin"],
        "https://b.example"
    );
    let refused = gateway
        .get("/orders")
        .header("origin", "https://b.example")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.headers()["access-control-allow-origin"],
        "https://b.example"
    );
    assert_eq!(refused.headers()["vary"], "Origin");
}
