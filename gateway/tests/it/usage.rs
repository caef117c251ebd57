use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use kong::usage::Batch;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{Backend, TestGateway, key_auth, serve};

#[tokio::test]
async fn every_call_is_reported_once_also_after_the_receiver_was_away() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let batches: Arc<Mutex<Vec<Batch>>> = Arc::default();
    let (away, arrived) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
    let refused = Arc::new(Notify::new());
    let app = {
        let (batches, away, arrived, refused) = (
            batches.clone(),
            away.clone(),
            arrived.clone(),
            refused.clone(),
        );
        Router::new().route(
            "/usage",
            post(async move |headers: HeaderMap, Json(batch): Json<Batch>| {
                assert_eq!(headers["authorization"], "Bearer secret");
                if away.load(SeqCst) {
                    refused.notify_one();
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
                batches.lock().unwrap().push(batch);
                arrived.notify_one();
                StatusCode::ACCEPTED
            }),
        )
    };
    let endpoint = format!("http://{}/usage", serve(app).await);
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    let config = json!({ "endpoint": endpoint, "token": "secret", "flush_interval": 0.05 });
    gateway.plugin("wicketgate-usage", None, None, config).await;
    let shop = gateway.consumer("shop").await;
    let key = gateway.key(&shop, "k").await;

    gateway
        .get("/orders/1?secret=x")
        .header("apikey", "k")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    refused.notified().await;
    away.store(false, SeqCst);
    gateway
        .get("/orders/2")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let records = loop {
        arrived.notified().await;
        let records: Vec<_> = batches
            .lock()
            .unwrap()
            .iter()
            .flat_map(|batch| batch.records.clone())
            .collect();
        if records.len() >= 2 {
            break records;
        }
    };
    assert_eq!(records.len(), 2);
    let first = &records[0];
    assert_eq!(
        (first.service.as_deref(), first.route.as_deref()),
        (Some("orders"), Some("orders.0"))
    );
    assert_eq!(
        (first.consumer.as_deref(), first.credential),
        (Some("subscription-shop"), Some(key.id))
    );
    assert_eq!(
        (first.method.as_str(), first.path.as_str(), first.status),
        ("GET", "/orders/1", 200)
    );
    assert!(first.response_bytes > 0 && first.upstream_ms.is_some());
    assert_eq!(
        (records[1].status, records[1].consumer.as_deref()),
        (401, None)
    );
}
