//! APIs that are closed for a while.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, key_auth};

#[tokio::test]
async fn a_closed_api_says_why_and_stays_closed_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_in(folder.path());
    let backend = Backend::start().await;
    let orders = gateway.publish("orders", backend.address, "/orders").await;
    gateway.publish("stock", backend.address, "/stock").await;
    gateway
        .plugin("key-auth", Some(&orders), None, key_auth())
        .await;
    let notice = json!({"message": "Back at noon", "retry_after": 600});
    let path = "wicketgate/maintenance/orders";
    let (status, shown) = gateway.call(Method::PUT, path, notice.clone()).await;
    assert_eq!((status, &shown), (StatusCode::OK, &notice));
    // Nobody is asked who he is.
    let answer = gateway.get("/orders").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "600");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["message"], "Back at noon");
    assert_eq!(gateway.get("/stock").send().await.unwrap().status(), 200);
    gateway.stop().await;

    let gateway = TestGateway::start_in(folder.path());
    assert_eq!(gateway.get("/orders").send().await.unwrap().status(), 503);
    let (_, listed) = gateway
        .call(Method::GET, "wicketgate/maintenance", Value::Null)
        .await;
    assert_eq!(listed["data"][0]["service"]["id"], json!(orders.id));
    let (status, _) = gateway.call(Method::DELETE, path, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(gateway.get("/orders").send().await.unwrap().status(), 401);
    let (status, _) = gateway.call(Method::GET, path, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    gateway.stop().await;
}

#[tokio::test]
async fn notices_that_say_nothing_are_refused() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("orders", backend.address, "/orders").await;
    for (service, notice, status) in [
        ("nothing", json!({}), 404),
        ("orders", json!({"message": " "}), 400),
        ("orders", json!({"message": "x".repeat(2001)}), 400),
        ("orders", json!({"until": "noon"}), 400),
        ("orders", json!({"retry_after": -1}), 400),
    ] {
        let path = format!("wicketgate/maintenance/{service}");
        let (found, _) = gateway.call(Method::PUT, &path, notice.clone()).await;
        assert_eq!(found, status, "{service} {notice}");
    }
    assert_eq!(gateway.get("/orders").send().await.unwrap().status(), 200);
}
