//! Who is let in by address.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Backend, TestGateway, key_auth};

#[tokio::test]
async fn addresses_are_let_in_or_not_and_the_deny_list_comes_first() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    for (path, config, status) in [
        ("/other", json!({"allow": ["10.0.0.0/8", "::1"]}), 403),
        ("/local", json!({"allow": ["::ffff:127.0.0.1"]}), 200),
        (
            "/denied",
            json!({"deny": ["127.0.0.0/8"], "allow": ["127.0.0.1"]}),
            403,
        ),
        ("/else", json!({"deny": ["10.1.2.3"]}), 200),
        (
            "/hidden",
            json!({"deny": ["127.0.0.1"], "status": 404, "message": "nothing here"}),
            404,
        ),
    ] {
        let service = gateway.publish(&path[1..], backend.address, path).await;
        gateway
            .plugin("ip-restriction", Some(&service), None, config)
            .await;
        let answer = gateway.get(path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        if status == 404 {
            let body: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(body["message"], "nothing here");
        }
    }
    assert_eq!(backend.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_consumer_may_have_addresses_of_its_own() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    for (name, config) in [
        ("inside", json!({"allow": ["127.0.0.1"]})),
        ("outside", json!({"allow": ["10.0.0.1"]})),
    ] {
        let consumer = gateway.consumer(name).await;
        gateway.key(&consumer, name).await;
        gateway
            .plugin("ip-restriction", None, Some(&consumer), config)
            .await;
    }
    assert_eq!(gateway.status("/open", "inside").await, StatusCode::OK);
    assert_eq!(
        gateway.status("/open", "outside").await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn restrictions_that_mean_nothing_are_refused() {
    let gateway = TestGateway::start().await;
    for (config, field) in [
        (json!({}), "@entity"),
        (json!({"allow": []}), "@entity"),
        (json!({"allow": ["10.0.0.0/33"]}), "allow"),
        (json!({"deny": ["example.org"]}), "deny"),
        (json!({"deny": ["::1"], "status": 99}), "status"),
    ] {
        let body = json!({"name": "ip-restriction", "config": config});
        let url = format!("{}plugins", gateway.admin_url);
        let answer = gateway.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        let error: serde_json::Value = answer.json().await.unwrap();
        assert!(!error["fields"]["config"][field].is_null(), "{error}");
    }
}

#[tokio::test]
async fn a_trusted_peer_says_whom_it_speaks_for() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_with(folder.path(), |settings| {
        settings.trusted_peers = gateway::TrustedPeers::parse("127.0.0.1, 10.0.0.0/8").unwrap();
        settings.real_ip = gateway::RealIp {
            header: "x-forwarded-for".parse().unwrap(),
            recursive: true,
            proxy_protocol: false,
        };
    });
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    let config = json!({"allow": ["192.0.2.1"]});
    gateway
        .plugin("ip-restriction", Some(&service), None, config)
        .await;
    for (said, status) in [
        ("192.0.2.1", 200),
        ("192.0.2.1, 10.0.0.7", 200),
        ("192.0.2.1:4711", 200),
        ("192.0.2.1, 192.0.2.9, 10.0.0.7", 403),
        ("192.0.2.1, unknown", 403),
        ("", 403),
    ] {
        let sent = gateway.get("/open").header("x-forwarded-for", said);
        assert_eq!(sent.send().await.unwrap().status(), status, "{said}");
    }
}
