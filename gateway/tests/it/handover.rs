//! A new process in the place of the old one.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use gateway::{Mode, Predecessor, Settings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use crate::support::{Backend, TestGateway};

fn replaceable(settings: &mut Settings) {
    settings.hands_over = true;
}

/// A gateway on the sockets of the one that uses the folder.
async fn take_over(folder: &Path, change: impl FnOnce(&mut Settings)) -> TestGateway {
    let asked = folder.to_owned();
    let asked = tokio::task::spawn_blocking(move || Predecessor::ask(&asked));
    let (bound, predecessor) = asked.await.unwrap().unwrap();
    TestGateway::start_on(bound, folder, |settings| {
        replaceable(settings);
        settings.predecessor = Some(predecessor);
        change(settings);
    })
}

/// Clients that ask all the time, over kept connections and over new ones.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(address: SocketAddr, path: &'static str) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let clients = (0..8).map(|number| {
            let (stop, answered) = (stop.clone(), answered.clone());
            tokio::spawn(async move {
                let mut kept: Option<TcpStream> = None;
                while !stop.load(Relaxed) {
                    let mut stream = match kept.take() {
                        Some(stream) => stream,
                        None => TcpStream::connect(address).await.unwrap(),
                    };
                    let is_last = ask(&mut stream, path).await;
                    answered.fetch_add(1, Relaxed);
                    kept = (number % 2 == 0 && !is_last).then_some(stream);
                }
            })
        });
        let clients = clients.collect();
        Self {
            stop,
            answered,
            clients,
        }
    }

    /// Waits for so many further answers.
    async fn goes_on(&self, further: usize) {
        let until = self.answered.load(Relaxed) + further;
        let wait = async {
            while self.answered.load(Relaxed) < until {
                assert!(self.clients.iter().all(|client| !client.is_finished()));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .unwrap();
    }

    /// No client was ever left without an answer.
    async fn end(self) {
        self.stop.store(true, Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

/// Whether the answer says that it is the last one on this connection.
async fn ask(stream: &mut TcpStream, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let length = stream.read_buf(&mut answer).await.unwrap();
        assert!(length > 0, "a request got no answer");
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let announced = head.split("content-length: ").nth(1).unwrap();
        let announced: usize = announced.lines().next().unwrap().parse().unwrap();
        if body.len() >= announced {
            return head.contains("connection: close");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_when_another_process_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let old = TestGateway::start_with(folder.path(), replaceable);
    let backend = Backend::start().await;
    old.publish("open", backend.address, "/open").await;
    let load = Load::start(old.proxy, "/open");
    load.goes_on(200).await;

    let new = take_over(folder.path(), |_| {}).await;
    assert_eq!(new.proxy, old.proxy);
    old.ended().await;
    load.goes_on(200).await;
    // It has what the old one had, and writes to the same file.
    new.publish("later", backend.address, "/later").await;

    let newest = take_over(folder.path(), |_| {}).await;
    new.ended().await;
    load.goes_on(200).await;
    load.end().await;
    assert_eq!(newest.get("/later").send().await.unwrap().status(), 200);
    newest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_gives_up_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_with(folder.path(), replaceable);
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let asked = folder.path().to_owned();
    let successor = tokio::task::spawn_blocking(move || Predecessor::ask(&asked));
    let successor = successor.await.unwrap().unwrap();
    // While it might serve, nobody else writes.
    let consumer = json!({"username": "ada"});
    let (status, _) = gateway
        .call(Method::POST, "consumers", consumer.clone())
        .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(gateway.get("/open").send().await.unwrap().status(), 200);
    drop(successor);
    let again = async {
        let create = || gateway.call(Method::POST, "consumers", consumer.clone());
        while create().await.0 != StatusCode::CREATED {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again)
        .await
        .unwrap();
    assert_eq!(gateway.get("/open").send().await.unwrap().status(), 200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_goes_with_the_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let old = TestGateway::start_with(folder.path(), |settings| {
        replaceable(settings);
        settings.mode = Mode::Memory;
    });
    let backend = Backend::start().await;
    let document = json!({"_format_version": "3.0", "services": [{
        "name": "open", "url": format!("http://{}", backend.address), "routes": [{"paths": ["/open"]}],
    }]});
    let (status, loaded) = old.call(Method::POST, "config", document).await;
    assert_eq!(status, StatusCode::CREATED, "{loaded}");
    let hash = async |gateway: &TestGateway| {
        let (_, status) = gateway.call(Method::GET, "status", Value::Null).await;
        status["configuration_hash"].clone()
    };
    let before = hash(&old).await;
    let new = take_over(folder.path(), |settings| settings.mode = Mode::Memory).await;
    old.ended().await;
    assert_eq!(new.get("/open").send().await.unwrap().status(), 200);
    assert_eq!(hash(&new).await, before);
    new.stop().await;
}

#[tokio::test]
async fn without_a_predecessor_there_is_nothing_to_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let error = Predecessor::ask(folder.path()).err().unwrap().to_string();
    assert!(error.contains("--take-over"), "{error}");
}
