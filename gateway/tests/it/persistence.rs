use std::fs;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Backend, TestGateway, key_auth};

#[tokio::test]
async fn a_restarted_gateway_serves_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start().await;
    let gateway = TestGateway::start_in(directory.path());
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    gateway
        .plugin("acl", Some(&service), None, json!({ "allow": ["orders"] }))
        .await;
    let shop = gateway.consumer("shop").await;
    gateway.key(&shop, "k").await;
    gateway.group(&shop, "orders").await;
    let gone = gateway.consumer("gone").await;
    gateway.key(&gone, "gone").await;
    gateway
        .admin
        .delete::<kong::Consumer>("gone")
        .await
        .unwrap();
    let node = gateway.admin.node().await.unwrap();
    gateway.stop().await;

    let gateway = TestGateway::start_in(directory.path());
    gateway.readiness.until_ready().await;
    assert_eq!(gateway.status("/orders", "k").await, StatusCode::OK);
    assert_eq!(
        gateway.status("/orders", "gone").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(gateway.admin.node().await.unwrap().node_id, node.node_id);
    let file = directory.path().join("gateway.state");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    gateway.stop().await;
}

#[tokio::test]
async fn a_write_that_was_cut_off_is_forgotten_and_a_damaged_file_put_aside() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start().await;
    let gateway = TestGateway::start_in(directory.path());
    gateway.publish("orders", backend.address, "/orders").await;
    gateway.stop().await;

    let file = directory.path().join("gateway.state");
    let mut content = fs::read(&file).unwrap();
    content.extend_from_slice(b"0123456789abcdef {\"write\":[{\"put\":{\"ki");
    fs::write(&file, &content).unwrap();
    let gateway = TestGateway::start_in(directory.path());
    gateway.readiness.until_ready().await;
    assert_eq!(
        gateway.get("/orders").send().await.unwrap().status(),
        StatusCode::OK
    );
    gateway.publish("stock", backend.address, "/stock").await;
    gateway.stop().await;

    let mut content = fs::read(&file).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&file, &content).unwrap();
    let gateway = TestGateway::start_in(directory.path());
    assert!(
        gateway
            .admin
            .list::<kong::Service>(&[])
            .await
            .unwrap()
            .is_empty()
    );
    let ready = gateway
        .http
        .get(format!("{}readyz", gateway.status_url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let aside = fs::read_dir(directory.path()).unwrap().filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("damaged")
    });
    assert_eq!(aside.count(), 1);
    gateway.publish("orders", backend.address, "/orders").await;
    gateway.readiness.until_ready().await;
    gateway.stop().await;
}

/// As a newer release could have left it behind.
#[tokio::test]
async fn a_plugin_that_is_not_known_refuses_its_requests() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start().await;
    let gateway = TestGateway::start_in(directory.path());
    let service = gateway.publish("orders", backend.address, "/orders").await;
    gateway.stop().await;

    let file = directory.path().join("gateway.state");
    let plugin = json!({
        "id": uuid::Uuid::new_v4(), "name": "mtls-auth", "service": { "id": service.id },
        "config": {}, "enabled": true,
    });
    let line = json!({ "write": [{ "put": { "kind": "plugins", "entity": plugin } }] }).to_string();
    let digest = ring::digest::digest(&ring::digest::SHA256, line.as_bytes());
    let mut content = fs::read(&file).unwrap();
    content
        .extend_from_slice(format!("{} {line}\n", hex::encode(&digest.as_ref()[..8])).as_bytes());
    fs::write(&file, content).unwrap();

    let gateway = TestGateway::start_in(directory.path());
    let refused = gateway.get("/orders").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(backend.seen.lock().unwrap().is_empty());
}
