//! Backends by name, with a name server of the test's own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, extract::State};
use serde_json::{Value, json};
use tokio::net::{TcpListener, UdpSocket};

use crate::support::TestGateway;

/// A name server that says what the test wants.
#[derive(Clone, Default)]
struct NameServer {
    addresses: Arc<Mutex<Vec<Ipv4Addr>>>,
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    /// Of the service.
    port: Arc<AtomicUsize>,
}

impl NameServer {
    async fn start(&self) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let server = self.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                server.asked.fetch_add(1, Relaxed);
                if !server.is_away.load(Relaxed) {
                    let answer = server.answer(&buffer[..length]);
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        address
    }

    /// A second is how long it counts. Only `backend.test` is known, only by addresses of version 4.
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        const NAME: &[u8] = b"\x07backend\x04test\0";
        let end = 12 + NAME.len();
        if question[12..].starts_with(b"\x05_http\x04_tcp") {
            return self.service(question);
        }
        let is_known = question.get(12..end) == Some(NAME);
        let is_four = question.get(end..end + 2) == Some(&[0, 1]);
        let length = question[12..].iter().position(|byte| *byte == 0).unwrap() + 12 + 5;
        let mut answer = question[..length].to_vec();
        let addresses = self.addresses.lock().unwrap().clone();
        let given = if is_known && is_four {
            &addresses[..]
        } else {
            &[]
        };
        answer[2..4].copy_from_slice(&[0x81, if is_known { 0x80 } else { 0x83 }]);
        answer[6..12].copy_from_slice(&[0, u8::try_from(given.len()).unwrap(), 0, 0, 0, 0]);
        for address in given {
            answer.extend(b"\xC0\x0C\0\x01\0\x01\0\0\0\x01\0\x04");
            answer.extend(address.octets());
        }
        answer
    }

    /// `_http._tcp.backend.test` is at `backend.test`, at the port that the test says.
    fn service(&self, question: &[u8]) -> Vec<u8> {
        let length = question[12..].iter().position(|byte| *byte == 0).unwrap() + 12 + 5;
        let mut answer = question[..length].to_vec();
        answer[2..4].copy_from_slice(&[0x81, 0x80]);
        answer[6..12].copy_from_slice(&[0, 2, 0, 0, 0, 0]);
        let port = u16::try_from(self.port.load(Relaxed)).unwrap();
        // The second one is for when the first is gone; nobody knows where it is.
        for (priority, name) in [
            (1, &b"\x07backend\x04test\0"[..]),
            (2, b"\x04else\x04test\0"),
        ] {
            answer.extend(b"\xC0\x0C\0\x21\0\x01\0\0\0\x01\0");
            answer.push(u8::try_from(name.len() + 6).unwrap());
            answer.extend([0, priority, 0, 5]);
            answer.extend(port.to_be_bytes());
            answer.extend(name);
        }
        answer
    }

    fn say(&self, last: &[u8]) {
        let addresses = last.iter().map(|last| Ipv4Addr::new(127, 0, 0, *last));
        *self.addresses.lock().unwrap() = addresses.collect();
    }
}

/// Backends on one port of several addresses, each of which says the last number of its own.
async fn backends(count: u8) -> u16 {
    let mut port = 0;
    for last in 1..=count {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), port))
            .await
            .unwrap();
        port = listener.local_addr().unwrap().port();
        let app = Router::new()
            .fallback(async |State(last): State<u8>| last.to_string())
            .with_state(last);
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    port
}

async fn gateway_with(names: &NameServer, directory: &std::path::Path, port: u16) -> TestGateway {
    let server = names.start().await;
    let gateway = TestGateway::start_with(directory, |settings| {
        settings.name_servers = vec![server];
    });
    for (name, host) in [("known", "backend.test"), ("unknown", "nobody.test")] {
        let service = json!({"name": name, "host": host, "port": port, "retries": 0});
        gateway.post("services", service).await;
        let route = json!({"paths": [format!("/{name}")]});
        gateway
            .post(&format!("services/{name}/routes"), route)
            .await;
    }
    gateway
}

async fn ask(gateway: &TestGateway) -> String {
    let answer = gateway.get("/known").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

#[tokio::test]
async fn names_count_for_as_long_as_they_say() {
    let names = NameServer::default();
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway_with(&names, directory.path(), backends(2).await).await;
    names.say(&[1]);
    assert_eq!(ask(&gateway).await, "1");
    let asked = names.asked.load(Relaxed);
    assert_eq!(ask(&gateway).await, "1");
    assert_eq!(names.asked.load(Relaxed), asked);
    // Connections that are open do not hold on to the old address.
    names.say(&[2]);
    let moved = async {
        while ask(&gateway).await != "2" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), moved)
        .await
        .unwrap();
    // Nobody can say anything: what was known is still good.
    names.is_away.store(true, Relaxed);
    let asked = names.asked.load(Relaxed);
    while names.asked.load(Relaxed) == asked {
        assert_eq!(ask(&gateway).await, "2");
    }
    assert_eq!(ask(&gateway).await, "2");
}

#[tokio::test]
async fn all_addresses_of_a_name_have_their_turn() {
    let names = NameServer::default();
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway_with(&names, directory.path(), backends(2).await).await;
    // The third one refuses connections; nobody notices.
    names.say(&[1, 2, 3]);
    let mut seen = [0; 2];
    for _ in 0..24 {
        match &*ask(&gateway).await {
            "1" => seen[0] += 1,
            _ => seen[1] += 1,
        }
    }
    assert!(seen.iter().all(|count| *count >= 4), "{seen:?}");
    let answer = gateway.get("/unknown").send().await.unwrap();
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn each_address_of_a_target_has_its_weight() {
    let names = NameServer::default();
    let directory = tempfile::tempdir().unwrap();
    let port = backends(4).await;
    let gateway = gateway_with(&names, directory.path(), port).await;
    names.say(&[1, 2, 3]);
    gateway.post("upstreams", json!({"name": "u"})).await;
    let change = json!({"host": "u"});
    gateway
        .call(reqwest::Method::PATCH, "services/known", change)
        .await;
    for target in ["backend.test", "127.0.0.4"] {
        let target = json!({"target": format!("{target}:{port}")});
        gateway.post("upstreams/u/targets", target).await;
    }
    // Until it is known what the name stands for.
    while ask(&gateway).await == "4" {}
    let mut seen = [0; 4];
    for _ in 0..120 {
        seen[ask(&gateway).await.parse::<usize>().unwrap() - 1] += 1;
    }
    assert!(
        seen.iter().all(|count| (25..=35).contains(count)),
        "{seen:?}"
    );
    // A client stays where it was, whichever address that is.
    let change = json!({"hash_on": "header", "hash_on_header": "x-who"});
    gateway
        .call(reqwest::Method::PATCH, "upstreams/u", change)
        .await;
    let mut places = std::collections::BTreeSet::new();
    // So many that none is left out by chance.
    for who in 0..120 {
        let ask = async || {
            let call = gateway.get("/known").header("x-who", who.to_string());
            call.send().await.unwrap().text().await.unwrap()
        };
        let first = ask().await;
        assert_eq!(ask().await, first, "{who}");
        places.insert(first);
    }
    assert_eq!(places.len(), 4, "{places:?}");
}

#[tokio::test]
async fn a_service_says_its_port() {
    let names = NameServer::default();
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway_with(&names, directory.path(), 80).await;
    names.say(&[1, 2]);
    names.port.store(backends(2).await.into(), Relaxed);
    let change = json!({"host": "_http._tcp.backend.test"});
    gateway
        .call(reqwest::Method::PATCH, "services/known", change)
        .await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..12 {
        seen.insert(ask(&gateway).await);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[tokio::test]
async fn targets_without_an_address_are_told() {
    let names = NameServer::default();
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway_with(&names, directory.path(), 80).await;
    names.say(&[1, 2]);
    gateway.post("upstreams", json!({"name": "u"})).await;
    for target in ["backend.test:80", "nobody.test:80"] {
        gateway
            .post("upstreams/u/targets", json!({"target": target}))
            .await;
    }
    let (_, health) = gateway
        .call(reqwest::Method::GET, "upstreams/u/health", Value::Null)
        .await;
    for target in health["data"].as_array().unwrap() {
        let addresses = target["data"]["addresses"].as_array().unwrap();
        if target["target"] == "backend.test:80" {
            assert_eq!(
                (addresses.len(), &target["health"]),
                (2, &json!("HEALTHCHECKS_OFF"))
            );
        } else {
            assert_eq!(
                (addresses.len(), &target["health"]),
                (0, &json!("DNS_ERROR"))
            );
        }
    }
}
