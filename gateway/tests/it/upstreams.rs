//! Names that stand for several backends.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{TestGateway, serve};

/// A backend that answers with its name.
async fn backend(name: &'static str) -> SocketAddr {
    serve(Router::new().fallback(async move || name)).await
}

async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Upstream `up` behind `/up`, with these targets and weights.
async fn publish(gateway: &TestGateway, mut upstream: Value, targets: &[(SocketAddr, u32)]) {
    upstream["name"] = json!("up");
    gateway.post("upstreams", upstream).await;
    for (address, weight) in targets {
        let target = json!({"target": address.to_string(), "weight": weight});
        gateway.post("upstreams/up/targets", target).await;
    }
    gateway
        .post("services", json!({"name": "s", "host": "up"}))
        .await;
    gateway
        .post("services/s/routes", json!({"paths": ["/up"]}))
        .await;
}

async fn ask(gateway: &TestGateway) -> String {
    gateway
        .get("/up")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let gateway = TestGateway::start().await;
    let targets = [
        (backend("a").await, 20),
        (backend("b").await, 10),
        (backend("c").await, 0),
    ];
    publish(&gateway, json!({}), &targets).await;
    let mut counts: HashMap<String, u32> = HashMap::new();
    for _ in 0..30 {
        *counts.entry(ask(&gateway).await).or_default() += 1;
    }
    assert_eq!(
        counts,
        HashMap::from([("a".to_owned(), 20), ("b".to_owned(), 10)])
    );
}

#[tokio::test]
async fn a_target_that_refuses_costs_no_request_and_is_taken_out() {
    let gateway = TestGateway::start().await;
    let checks = json!({"healthchecks": {"passive": {"unhealthy": {"tcp_failures": 1}}}});
    let dead = closed().await;
    publish(&gateway, checks, &[(dead, 100), (backend("b").await, 100)]).await;
    for _ in 0..6 {
        assert_eq!(ask(&gateway).await, "b");
    }
    let health = async || {
        let (_, health) = gateway
            .call(Method::GET, "upstreams/up/health", Value::Null)
            .await;
        let data = health["data"].as_array().unwrap().clone();
        let of = |address: SocketAddr| {
            let found = data
                .iter()
                .find(|target| target["target"] == address.to_string());
            found.unwrap()["health"].as_str().unwrap().to_owned()
        };
        (of(dead), data.len())
    };
    assert_eq!(health().await, ("UNHEALTHY".to_owned(), 2));
    let config = json!({"upstream_health_metrics": true});
    gateway.plugin("prometheus", None, None, config).await;
    let metrics = gateway.http.get(format!("{}metrics", gateway.status_url));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let line =
        format!("target=\"{dead}\",address=\"{dead}\",state=\"unhealthy\",subsystem=\"http\"}} 1");
    assert!(metrics.contains(&line), "{metrics}");
    let path = format!("upstreams/up/targets/{dead}/healthy");
    let (status, _) = gateway.call(Method::PUT, &path, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(health().await.0, "HEALTHY");
}

#[tokio::test]
async fn checks_take_targets_out_and_bring_them_back() {
    let gateway = TestGateway::start().await;
    let is_well = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let moody = {
        let is_well = is_well.clone();
        let app = Router::new().fallback(async move || {
            if is_well.load(std::sync::atomic::Ordering::Relaxed) {
                (StatusCode::OK, "a")
            } else {
                (StatusCode::INTERNAL_SERVER_ERROR, "a is ill")
            }
        });
        serve(app).await
    };
    let checks = json!({"healthchecks": {"active": {
        "http_path": "/alive",
        "healthy": {"interval": 0.1, "successes": 1},
        "unhealthy": {"interval": 0.1, "http_failures": 1},
    }}});
    publish(&gateway, checks, &[(moody, 100)]).await;
    let until = async |status: StatusCode| {
        let reached = async {
            while gateway.get("/up").send().await.unwrap().status() != status {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reached)
            .await
            .unwrap();
    };
    until(StatusCode::OK).await;
    is_well.store(false, std::sync::atomic::Ordering::Relaxed);
    until(StatusCode::SERVICE_UNAVAILABLE).await;
    is_well.store(true, std::sync::atomic::Ordering::Relaxed);
    until(StatusCode::OK).await;
}

#[tokio::test]
async fn a_cookie_keeps_a_client_where_it_is() {
    let gateway = TestGateway::start().await;
    let upstream = json!({"hash_on": "cookie", "hash_on_cookie": "place"});
    publish(
        &gateway,
        upstream,
        &[(backend("a").await, 100), (backend("b").await, 100)],
    )
    .await;
    let first = gateway.get("/up").send().await.unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let place = first.text().await.unwrap();
    for _ in 0..10 {
        let answer = gateway
            .get("/up")
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap();
        assert!(!answer.headers().contains_key("set-cookie"));
        assert_eq!(answer.text().await.unwrap(), place);
    }
}

#[tokio::test]
async fn targets_are_named_by_address_below_their_upstream() {
    let gateway = TestGateway::start().await;
    gateway.post("upstreams", json!({"name": "up"})).await;
    let first = gateway
        .post("upstreams/up/targets", json!({"target": "a.example"}))
        .await;
    assert_eq!(
        (&first["target"], &first["weight"]),
        (&json!("a.example:8000"), &json!(100))
    );
    gateway
        .post("upstreams/up/targets", json!({"target": "b.example:81"}))
        .await;
    let (status, _) = gateway
        .call(
            Method::POST,
            "upstreams/up/targets",
            json!({"target": "a.example:8000"}),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, changed) = gateway
        .call(
            Method::PATCH,
            "upstreams/up/targets/a.example:8000",
            json!({"weight": 7}),
        )
        .await;
    assert_eq!((status, &changed["weight"]), (StatusCode::OK, &json!(7)));
    let (_, list) = gateway
        .call(Method::GET, "upstreams/up/targets?size=1", Value::Null)
        .await;
    assert_eq!(
        list["data"][0]["target"], "b.example:81",
        "the newest first"
    );
    let next = list["next"]
        .as_str()
        .unwrap()
        .trim_start_matches('/')
        .to_owned();
    let (_, list) = gateway.call(Method::GET, &next, Value::Null).await;
    assert_eq!(list["data"][0]["target"], "a.example:8000");
    let (_, all) = gateway
        .call(Method::GET, "upstreams/up/targets/all", Value::Null)
        .await;
    assert_eq!(all["data"][0]["target"], "a.example:8000");
    assert_eq!(
        gateway.call(Method::GET, "targets", Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
    let (status, _) = gateway
        .call(
            Method::DELETE,
            "upstreams/up/targets/a.example:8000",
            Value::Null,
        )
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = gateway
        .call(Method::DELETE, "upstreams/up", Value::Null)
        .await;
    assert_eq!(
        status,
        StatusCode::NO_CONTENT,
        "targets go with their upstream"
    );
}
