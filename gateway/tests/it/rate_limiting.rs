use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Backend, TestGateway, key_auth};

#[tokio::test]
async fn the_request_above_the_limit_is_refused_with_its_headers() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    // The service's own limit does not count beside the plan's.
    gateway
        .plugin("rate-limiting", Some(&service), None, json!({ "year": 1 }))
        .await;
    let shop = gateway.consumer("shop").await;
    gateway.key(&shop, "k").await;
    gateway
        .plugin(
            "rate-limiting",
            Some(&service),
            Some(&shop),
            json!({ "year": 3, "month": 3 }),
        )
        .await;

    for remaining in ["2", "1", "0"] {
        let response = gateway
            .get("/orders")
            .header("apikey", "k")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["x-ratelimit-limit-year"], "3");
        assert_eq!(response.headers()["x-ratelimit-remaining-year"], remaining);
        assert_eq!(response.headers()["ratelimit-remaining"], remaining);
    }
    let refused = gateway
        .get("/orders")
        .header("apikey", "k")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["x-ratelimit-remaining-month"], "0");
    assert_eq!(refused.headers()["ratelimit-limit"], "3");
    assert_eq!(
        refused.headers()["retry-after"],
        refused.headers()["ratelimit-reset"]
    );
}

#[tokio::test]
async fn parallel_clients_on_all_workers_share_one_limit() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("rate-limiting", Some(&service), None, json!({ "year": 25 }))
        .await;
    let calls = (0..100).map(|_| {
        let request = gateway.get("/orders").header("connection", "close");
        tokio::spawn(async move { request.send().await.unwrap().status() })
    });
    let mut passed = 0;
    for call in calls.collect::<Vec<_>>() {
        passed += usize::from(call.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(passed, 25);
}
