use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

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

/// A Redis of the test's own; it ends with the test.
struct Redis {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Nothing where there is no Redis to start.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let address = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let mut names = ["redis-server", "valkey-server"].into_iter();
        let started = names.find_map(|name| {
            Command::new(name)
                .args(["--port", &address.port().to_string()])
                .args(["--bind", "127.0.0.1", "--save", ""])
                .args(["--requirepass", "secret", "--dir"])
                .arg(folder.path())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        });
        let Some(process) = started else {
            let is_full = service::settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!is_full, "there is neither redis-server nor valkey-server");
            eprintln!("skipped: no redis-server");
            return None;
        };
        while TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
        Some(Self {
            process,
            address,
            _folder: folder,
        })
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn two_gateways_share_a_limit_and_live_on_without_the_store() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let backend = Backend::start().await;
    let gateways = [TestGateway::start().await, TestGateway::start().await];
    // Counts belong to the service, so it is the same one at both.
    for (name, is_tolerant) in [("open", true), ("strict", false)] {
        let id = uuid::Uuid::new_v4();
        for gateway in &gateways {
            let url = format!("http://{}", backend.address);
            let service = json!({"id": id, "name": name, "url": url});
            gateway.post("services", service).await;
            let route = json!({"paths": [format!("/{name}")]});
            gateway
                .post(&format!("services/{name}/routes"), route)
                .await;
            // As older configurations write it.
            let config = json!({
                "year": 20, "policy": "redis", "limit_by": "ip", "fault_tolerant": is_tolerant,
                "redis_host": "127.0.0.1", "redis_port": redis.address.port(),
                "redis_password": "secret", "redis_database": 1, "redis_timeout": 1000,
            });
            let plugin = json!({"name": "rate-limiting", "config": config});
            let plugin = gateway
                .post(&format!("services/{name}/plugins"), plugin)
                .await;
            assert_eq!(plugin["config"]["redis"]["database"], 1);
        }
    }
    let calls = (0..64).map(|number| {
        let request = gateways[number % 2].get("/open");
        tokio::spawn(async move { request.send().await.unwrap().status() })
    });
    let mut passed = 0;
    for call in calls.collect::<Vec<_>>() {
        passed += usize::from(call.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(passed, 20);
    let refused = gateways[0].get("/open").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["x-ratelimit-remaining-year"], "0");

    redis.stop();
    for _ in 0..5 {
        let status = async |path| gateways[0].get(path).send().await.unwrap().status();
        assert_eq!(status("/open").await, StatusCode::OK);
        assert_eq!(status("/strict").await, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let before = Instant::now();
    gateways[0].get("/open").send().await.unwrap();
    let took = before.elapsed();
    assert!(
        took < Duration::from_millis(500),
        "a dead store costs no time"
    );
}
