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

/// A service under the same id at both gateways, so that they count together.
async fn publish_at_both(gateways: &[TestGateway; 2], backend: SocketAddr, name: &str) {
    let id = uuid::Uuid::new_v4();
    for gateway in gateways {
        let service = json!({"id": id, "name": name, "url": format!("http://{backend}")});
        gateway.post("services", service).await;
        let route = json!({"paths": [format!("/{name}")]});
        gateway
            .post(&format!("services/{name}/routes"), route)
            .await;
    }
}

fn store(redis: &Redis) -> serde_json::Value {
    json!({"host": "127.0.0.1", "port": redis.address.port(), "password": "secret", "timeout": 1000})
}

#[tokio::test]
async fn counts_can_be_told_to_the_others_every_so_often() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let backend = Backend::start().await;
    let gateways = [TestGateway::start().await, TestGateway::start().await];
    publish_at_both(&gateways, backend.address, "late").await;
    for gateway in &gateways {
        let config = json!({
            "year": 10, "policy": "redis", "limit_by": "ip", "sync_rate": 0.02, "redis": store(&redis),
        });
        let plugin = json!({"name": "rate-limiting", "config": config});
        gateway.post("services/late/plugins", plugin).await;
    }
    let remaining = async |gateway: &TestGateway| {
        let answer = gateway.get("/late").send().await.unwrap();
        let left = answer.headers()["x-ratelimit-remaining-year"]
            .to_str()
            .unwrap();
        (answer.status(), left.parse::<u32>().unwrap())
    };
    // Each counts by itself without delay.
    for left in [9, 8, 7] {
        assert_eq!(remaining(&gateways[0]).await, (StatusCode::OK, left));
    }
    // The other one hears of it, and its own calls count there.
    let told = async {
        let mut calls = 0;
        loop {
            let (status, left) = remaining(&gateways[1]).await;
            calls += 1;
            if status == StatusCode::TOO_MANY_REQUESTS || left < 10 - calls {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap();
    let used_up = async {
        while remaining(&gateways[0]).await.0 == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), used_up)
        .await
        .unwrap();
    let closed = async {
        while remaining(&gateways[1]).await.0 == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed)
        .await
        .unwrap();
    // Without the store each goes on with what it knows.
    redis.stop();
    let (status, left) = remaining(&gateways[0]).await;
    assert_eq!((status, left), (StatusCode::TOO_MANY_REQUESTS, 0));
}

#[tokio::test]
async fn what_answers_cost_is_shared_over_the_store() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = axum::Router::new().fallback(async || {
        let cost = [("x-kong-limit", "videos=2")];
        (cost, "a video")
    });
    let backend = crate::support::serve(app).await;
    let gateways = [TestGateway::start().await, TestGateway::start().await];
    publish_at_both(&gateways, backend, "videos").await;
    for gateway in &gateways {
        let config = json!({
            "limits": {"videos": {"year": 4}}, "limit_by": "ip", "policy": "redis",
            "fault_tolerant": false, "redis": store(&redis),
        });
        let plugin = json!({"name": "response-ratelimiting", "config": config});
        gateway.post("services/videos/plugins", plugin).await;
    }
    let first = gateways[0].get("/videos").send().await.unwrap();
    assert_eq!(first.headers()["x-ratelimit-remaining-videos-year"], "2");
    let second = async {
        loop {
            // It is counted when the answer is on its way.
            let answer = gateways[1].get("/videos").send().await.unwrap();
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), second)
        .await
        .unwrap();
    let refused = gateways[0].get("/videos").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    redis.stop();
    let failed = gateways[0].get("/videos").send().await.unwrap();
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn an_interval_needs_a_store_and_a_length() {
    let gateway = TestGateway::start().await;
    for (policy, rate) in [
        ("redis", 0.01),
        ("redis", 0.0),
        ("redis", -2.0),
        ("local", 1.0),
    ] {
        let config = json!({
            "minute": 1, "policy": policy, "sync_rate": rate, "redis": {"host": "127.0.0.1"},
        });
        let plugin = json!({"name": "rate-limiting", "config": config});
        let (status, error) = gateway.call(reqwest::Method::POST, "plugins", plugin).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{policy} {rate}");
        assert!(!error["fields"]["config"]["sync_rate"].is_null(), "{error}");
    }
}
