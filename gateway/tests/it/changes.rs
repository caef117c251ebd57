//! Changes of the configuration while requests come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

/// As the adapter publishes an API: locked before anybody can find it.
async fn publish(gateway: &TestGateway, backend: &Backend, name: &str) {
    let service = json!({"name": name, "url": format!("http://{}", backend.address)});
    gateway.post("services", service).await;
    let plugin = json!({"name": "key-auth", "instance_name": format!("{name}-key")});
    gateway
        .post(&format!("services/{name}/plugins"), plugin)
        .await;
    let route = json!({"name": name, "paths": [format!("/{name}")]});
    gateway
        .post(&format!("services/{name}/routes"), route)
        .await;
}

async fn call(gateway: &TestGateway, method: Method, path: String, body: Value) {
    let (status, answer) = gateway.call(method, &path, body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_key_gets_through_while_apis_come_change_and_go() {
    const APIS: usize = 100;
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("steady", backend.address, "/steady").await;
    let stop: Arc<AtomicBool> = Arc::default();
    let (refused, steady): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
    let clients = (0..4).map(|client| {
        let (http, proxy) = (gateway.http.clone(), gateway.proxy);
        let (stop, refused, steady) = (stop.clone(), refused.clone(), steady.clone());
        tokio::spawn(async move {
            let mut number = client;
            while !stop.load(Relaxed) {
                number = (number + 7) % APIS;
                let url = format!("http://{proxy}/api-{number:03}/x");
                let status = http.get(url).send().await.unwrap().status();
                match status {
                    StatusCode::UNAUTHORIZED => refused.fetch_add(1, Relaxed),
                    StatusCode::NOT_FOUND => 0,
                    other => panic!("a client without a key was answered {other}"),
                };
                let url = format!("http://{proxy}/steady/x");
                assert_eq!(http.get(url).send().await.unwrap().status(), StatusCode::OK);
                steady.fetch_add(1, Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for number in 0..APIS {
        publish(&gateway, &backend, &format!("api-{number:03}")).await;
    }
    for number in 0..APIS {
        let name = format!("api-{number:03}");
        let plugin = format!("plugins/{name}-key");
        let change = json!({"config": {"key_names": ["x-key"]}});
        call(&gateway, Method::PATCH, plugin, change).await;
        let change = json!({"paths": [format!("/{name}"), format!("/{name}/more")]});
        call(&gateway, Method::PATCH, format!("routes/{name}"), change).await;
        let change = json!({"retries": 2});
        call(&gateway, Method::PATCH, format!("services/{name}"), change).await;
    }
    // Every API was asked for while it was there.
    let wait = async {
        while refused.load(Relaxed) < APIS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap();
    for number in 0..APIS {
        let name = format!("api-{number:03}");
        // The way in goes first.
        for path in [
            format!("routes/{name}"),
            format!("plugins/{name}-key"),
            format!("services/{name}"),
        ] {
            call(&gateway, Method::DELETE, path, Value::Null).await;
        }
    }
    stop.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(steady.load(Relaxed) > 0);
    let seen = backend.seen.lock().unwrap();
    assert!(seen.iter().all(|seen| seen["uri"] == "/x"));
    assert_eq!(
        seen.len(),
        steady.load(Relaxed),
        "only the steady API was reached"
    );
}
