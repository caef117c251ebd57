//! A new version of the gateway in the place of the one that runs.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::Router;
use reqwest::StatusCode;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::support::{Installation, Visitor, eventually, free_address};

struct Ports {
    proxy: SocketAddr,
    admin: SocketAddr,
    status: SocketAddr,
}

fn start(folder: &Path, ports: &Ports, options: &[&str]) -> Child {
    let mut log = std::fs::OpenOptions::new();
    let log = log.create(true).append(true);
    let log = log.open(folder.join("log")).unwrap();
    Command::new(Installation::binary())
        .arg("gateway")
        .args(options)
        .env("WICKETGATE_DATA", folder)
        .env("GATEWAY_LISTEN", ports.proxy.to_string())
        .env("GATEWAY_ADMIN_LISTEN", ports.admin.to_string())
        .env("GATEWAY_STATUS_LISTEN", ports.status.to_string())
        .stdout(Stdio::from(log.try_clone().unwrap()))
        .stderr(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_gateway_is_replaced_under_load_without_a_lost_call() {
    service::http::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports {
        proxy: free_address(),
        admin: free_address(),
        status: free_address(),
    };
    let mut old = start(folder.path(), &ports, &[]);
    let client = Visitor::client();
    let backend = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", backend.local_addr().unwrap());
    let app = Router::new().fallback(async || "answer");
    tokio::spawn(async move { axum::serve(backend, app).await });
    let put = async |path: &str, body: serde_json::Value| {
        let url = format!("http://{}/{path}", ports.admin);
        let answer = client.put(url).json(&body).send().await.ok()?;
        (answer.status() == StatusCode::OK).then_some(())
    };
    eventually("the gateway starts", async || {
        put("services/open", json!({"url": url})).await
    })
    .await;
    let route = json!({"paths": ["/open"], "service": {"name": "open"}});
    put("routes/open", route).await.unwrap();

    let (stop, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let clients = (0..4).map(|_| {
        let (stop, count, proxy) = (stop.clone(), count.clone(), ports.proxy);
        let client = Visitor::client();
        tokio::spawn(async move {
            while !stop.load(Relaxed) {
                let answer = client.get(format!("http://{proxy}/open")).send().await;
                assert_eq!(answer.unwrap().status(), StatusCode::OK);
                count.fetch_add(1, Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let goes_on = async |what: &str| {
        let before = count.load(Relaxed);
        eventually(what, async || {
            (count.load(Relaxed) > before + 200).then_some(())
        })
        .await;
    };
    goes_on("calls are answered").await;

    let mut new = start(folder.path(), &ports, &["--take-over"]);
    let ended = tokio::time::timeout(Duration::from_secs(90), old.wait()).await;
    assert!(ended.unwrap().unwrap().success());
    goes_on("the new one answers").await;
    put("consumers/ada", json!({})).await.unwrap();
    stop.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(new.try_wait().unwrap().is_none());
    // Who wrote what is on record, without values.
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let written = log
        .lines()
        .find(|line| line.contains("services") && line.contains("audit"));
    let written = written.unwrap();
    assert!(
        written.contains("127.0.0.1") && written.contains("url"),
        "{written}"
    );
    assert!(!written.contains(&url), "{written}");
    // Nobody is left whose sockets could be taken over, but for this one.
    new.kill().await.unwrap();
    let mut late = start(folder.path(), &ports, &["--take-over"]);
    assert!(!late.wait().await.unwrap().success());
}
