//! Records of requests, for a server and for a file.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Backend, TestGateway, serve};

/// A log server that refuses the first delivery; what it takes comes out of the channel.
async fn log_server() -> (std::net::SocketAddr, mpsc::UnboundedReceiver<Value>) {
    let (sender, records) = mpsc::unbounded_channel();
    let refused = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let app = Router::new().route(
        "/log",
        post(async move |axum::Json(record): axum::Json<Value>| {
            if !refused.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            sender.send(record).unwrap();
            StatusCode::OK
        }),
    );
    (serve(app).await, records)
}

async fn next(records: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    let record = tokio::time::timeout(Duration::from_secs(10), records.recv()).await;
    record.unwrap().unwrap()
}

#[tokio::test]
async fn a_record_says_what_happened_and_hides_secrets() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let (address, mut records) = log_server().await;
    gateway
        .plugin(
            "http-log",
            None,
            None,
            json!({"http_endpoint": format!("http://{address}/log")}),
        )
        .await;
    gateway
        .plugin("key-auth", Some(&service), None, json!({}))
        .await;
    let ada = gateway.consumer("ada").await;
    gateway
        .post("consumers/ada/key-auth", json!({"key": "very-secret"}))
        .await;
    let url = "/orders/a?apikey=very-secret&b=1&b=2";
    let sent = gateway.get(url).header("cookie", "s=very-secret");
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let record = next(&mut records).await;
    assert!(!record.to_string().contains("very-secret"), "{record}");
    assert_eq!(record["request"]["method"], "GET");
    assert_eq!(
        record["request"]["uri"],
        "/orders/a?apikey=REDACTED&b=1&b=2"
    );
    assert_eq!(record["request"]["querystring"]["b"], json!(["1", "2"]));
    assert_eq!(record["response"]["status"], 200);
    assert_eq!(record["service"]["name"], "orders");
    assert_eq!(record["route"]["name"], "orders.0");
    assert_eq!(record["consumer"]["id"], json!(ada.id));
    assert_eq!(record["authenticated_entity"]["consumer_id"], json!(ada.id));
    assert_eq!(record["client_ip"], "127.0.0.1");
    assert_eq!(record["source"], "upstream");
    assert_eq!(record["tries"][0]["port"], backend.address.port());
    assert!(record["latencies"]["proxy"].as_i64().unwrap() >= 0);
    // Also of what the gateway answers itself.
    assert_eq!(gateway.get("/nowhere").send().await.unwrap().status(), 404);
    let record = next(&mut records).await;
    assert_eq!(record["response"]["status"], 404);
    assert_eq!(record["source"], "kong");
    assert!(record["route"].is_null());
    assert_eq!(record["latencies"]["proxy"], -1);
}

#[tokio::test]
async fn records_go_in_batches() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let (address, mut records) = log_server().await;
    let config = json!({
        "http_endpoint": format!("http://{address}/log"),
        "queue": {"max_batch_size": 3, "max_coalescing_delay": 60},
    });
    gateway
        .plugin("http-log", Some(&service), None, config)
        .await;
    for _ in 0..3 {
        gateway.get("/orders").send().await.unwrap();
    }
    assert_eq!(next(&mut records).await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_file_gets_a_line_per_request() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.log");
    gateway
        .plugin("file-log", Some(&service), None, json!({"path": path}))
        .await;
    for _ in 0..2 {
        gateway.get("/orders").send().await.unwrap();
    }
    let read = async {
        loop {
            let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
            if text.lines().count() == 2 {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap();
    for line in text.lines() {
        let record: Value = line.parse().unwrap();
        assert_eq!(record["service"]["name"], "orders");
    }
}

#[tokio::test]
async fn records_do_not_go_where_they_must_not() {
    let gateway = TestGateway::start().await;
    for (config, field) in [
        (json!({}), "http_endpoint"),
        (json!({"http_endpoint": "ftp://a"}), "http_endpoint"),
        (
            json!({"http_endpoint": "http://169.254.169.254/x"}),
            "http_endpoint",
        ),
        (
            json!({"http_endpoint": "http://[fe80::1]/x"}),
            "http_endpoint",
        ),
        (
            json!({"http_endpoint": "http://u:p@a/", "headers": {"Authorization": "x"}}),
            "headers",
        ),
        (
            json!({"http_endpoint": "http://a/", "headers": {"Host": "x"}}),
            "headers",
        ),
    ] {
        let plugin = json!({"name": "http-log", "config": config});
        let (status, error) = gateway.call(reqwest::Method::POST, "plugins", plugin).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{config}");
        assert!(
            !error["fields"]["config"][field].is_null(),
            "{config}: {error}"
        );
    }
}

#[tokio::test]
async fn files_outside_the_allowed_folders_are_refused() {
    let gateway = TestGateway::start().await;
    for path in ["/etc/cron.d/x", "x.log", "/var/log/../../etc/x"] {
        let plugin = json!({"name": "file-log", "config": {"path": path}});
        let (status, error) = gateway.call(reqwest::Method::POST, "plugins", plugin).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(error["fields"].to_string().contains("path"), "{error}");
    }
}

#[tokio::test]
async fn a_record_says_how_the_connection_is_encrypted() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("orders", backend.address, "/orders").await;
    let (address, mut records) = log_server().await;
    let config = json!({"http_endpoint": format!("http://{address}/log")});
    gateway.plugin("http-log", None, None, config).await;
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let url = format!("https://{}/orders", gateway.tls);
    client.get(url).send().await.unwrap();
    let tls = next(&mut records).await["request"]["tls"].clone();
    assert_eq!(tls["version"], "TLSv1.3");
    assert!(
        tls["cipher"].as_str().unwrap().starts_with("TLS13_"),
        "{tls}"
    );
}
