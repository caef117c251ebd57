//! `kill -9` of senders and of their listener while events are delivered: none is lost, and one that
//! comes twice was not acknowledged the first time, and has the same id.

use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    runtime::Runtime,
};

use crate::support::{change, copy_sample, eventually, postgres};

/// The short size of the run; the full one is below.
const SHORT: Run = Run {
    rounds: 4,
    events: 120,
};
/// `cargo test -p wicketgate --test e2e -- --ignored deliveries`.
const FULL: Run = Run {
    rounds: 50,
    events: 10_000,
};
/// Events that one kill may make come again: those of the open request, and of the one before it
/// whose answer was not yet written down.
const IN_HAND: usize = 200;
const ADMIN: &str = "1";

#[derive(Clone, Copy)]
struct Run {
    rounds: usize,
    /// Over all rounds.
    events: usize,
}

#[tokio::test]
async fn killing_the_only_sender_and_its_listener_loses_no_event() {
    kill_and_deliver(None, 1, SHORT).await;
}

#[tokio::test]
async fn killing_one_of_three_senders_loses_no_event() {
    if let Some(database) = postgres::fresh().await {
        kill_and_deliver(Some(database), 3, SHORT).await;
    }
}

#[tokio::test]
#[ignore = "takes minutes; run before a release"]
async fn deliveries_of_one_sender_on_sqlite_in_full() {
    kill_and_deliver(None, 1, FULL).await;
}

#[tokio::test]
#[ignore = "takes minutes; run before a release"]
async fn deliveries_of_one_sender_on_postgres_in_full() {
    if let Some(database) = postgres::fresh().await {
        kill_and_deliver(Some(database), 1, FULL).await;
    }
}

#[tokio::test]
#[ignore = "takes minutes; run before a release"]
async fn deliveries_of_three_senders_on_postgres_in_full() {
    if let Some(database) = postgres::fresh().await {
        kill_and_deliver(Some(database), 3, FULL).await;
    }
}

async fn kill_and_deliver(database: Option<String>, instances: usize, run: Run) {
    let mut senders = Senders::start(database, instances).await;
    let mut listener = Listener::start(None);
    let own = json!({
        "id": "witness", "url": listener.url(), "mode": "ack", "events": ["application.*"],
    });
    senders
        .call(Method::PUT, "/webhooks/listeners/witness", own)
        .await
        .unwrap();
    // Everything that was committed, read at the end.
    let ledger = json!({"id": "ledger", "mode": "pull", "events": ["application.*"]});
    senders
        .call(Method::PUT, "/webhooks/listeners/ledger", ledger)
        .await
        .unwrap();
    let application = json!({"id": "renamed", "name": "0"});
    eventually("an application is made", async || {
        senders
            .call(Method::POST, "/applications", application.clone())
            .await
    })
    .await;
    let per_round = run.events / run.rounds;
    for round in 0..run.rounds {
        let moment = fastrand::usize(0..per_round);
        for step in 0..per_round {
            if step == moment && round % 3 == 2 {
                listener = listener.kill_and_restart();
            } else if step == moment {
                senders
                    .kill_and_restart(fastrand::usize(0..instances))
                    .await;
            }
            let name = json!({"id": "renamed", "name": format!("{round}.{step}")});
            // While its only sender starts again nobody takes it.
            eventually("the application is renamed", async || {
                senders
                    .call(Method::PATCH, "/applications/renamed", name.clone())
                    .await
            })
            .await;
        }
    }
    senders.until_ready().await;
    let committed = senders.ledger().await;
    let made = per_round * run.rounds + 1;
    assert!(committed.len() >= made, "{} of {made}", committed.len());
    let told = listener.told.clone();
    eventually("every event reaches the listener", async || {
        let told = told.lock().unwrap();
        committed
            .iter()
            .all(|id| told.contains_key(id))
            .then_some(())
    })
    .await;
    let told = told.lock().unwrap();
    let again: usize = told.values().map(|times| times - 1).sum();
    println!(
        "{} events, {} kills, {again} came again",
        committed.len(),
        run.rounds
    );
    assert!(again <= run.rounds * IN_HAND, "{again} came again");
}

/// Instances of portal-api that share a database and a folder.
struct Senders {
    folder: TempDir,
    database: Option<String>,
    addresses: Vec<[SocketAddr; 2]>,
    children: Vec<Child>,
    http: reqwest::Client,
}

impl Senders {
    async fn start(database: Option<String>, instances: usize) -> Self {
        service::http::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("config");
        copy_sample(&configuration);
        change(&configuration.join("globals.json"), |globals| {
            globals["initialUsers"] = json!([{
                "id": ADMIN, "email": "admin@example.org", "validated": true, "groups": ["admin"],
            }]);
        });
        let mut senders = Self {
            folder,
            database,
            addresses: (0..instances).map(|_| [free(), free()]).collect(),
            children: Vec::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        for number in 0..instances {
            let child = senders.launch(number);
            senders.children.push(child);
            // The first one makes keys and tables.
            senders.until_answering(number).await;
        }
        senders
    }

    fn launch(&self, number: usize) -> Child {
        let [address, echo] = self.addresses[number];
        let mut command = Command::new(env!("CARGO_BIN_EXE_wicketgate"));
        command
            .arg("portal-api")
            .env("PORT", address.port().to_string())
            .env("ECHO_PORT", echo.port().to_string())
            .env(
                "PORTAL_API_STATIC_CONFIG",
                self.folder.path().join("config"),
            )
            .env("WICKETGATE_DATA", self.folder.path().join("data"))
            .env("PORTAL_API_RATE_LIMIT", "0")
            .env("EVENT_ALLOWED_NETWORKS", "127.0.0.0/8")
            .env("EVENT_ALLOWED_PORTS", "*")
            .env("LOG_LEVEL", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        command.spawn().unwrap()
    }

    /// Gets no chance to say good-bye.
    async fn kill_and_restart(&mut self, number: usize) {
        self.children[number].kill().await.unwrap();
        self.children[number] = self.launch(number);
    }

    async fn until_ready(&self) {
        for number in 0..self.children.len() {
            self.until_answering(number).await;
        }
    }

    async fn until_answering(&self, number: usize) {
        let url = format!("http://{}/readyz", self.addresses[number][0]);
        eventually("portal-api is ready", async || {
            let answer = self.http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    fn identity(&self) -> Identity {
        let file = self.folder.path().join("data/master.key");
        let master = MasterKey::parse(&fs::read_to_string(file).unwrap()).unwrap();
        Identity::new(ServiceName::AuthServer, Keys::from_master(master))
    }

    /// The answer of one of them, if it was a good one.
    async fn call(&self, method: Method, path: &str, body: Value) -> Option<Value> {
        let [address, _] = self.addresses[fastrand::usize(0..self.addresses.len())];
        let request = self
            .http
            .request(method, format!("http://{address}{path}"))
            .bearer_auth(self.identity().token_for(ServiceName::PortalApi).unwrap())
            .header("x-authenticated-userid", format!("sub={ADMIN}"))
            .header(
                "x-authenticated-scope",
                "read_applications write_applications webhooks",
            )
            .json(&body);
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        let text = answer.text().await.ok()?;
        Some(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Ids of all events there are.
    async fn ledger(&self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let path = "/webhooks/events/ledger?limit=1000";
            let events = self.call(Method::GET, path, Value::Null).await.unwrap();
            let events = events.as_array().unwrap();
            let ids = events.iter().map(|event| event["id"].as_str().unwrap());
            let ids: Vec<String> = ids.map(str::to_owned).collect();
            if ids.is_empty() {
                return all;
            }
            let path = "/webhooks/events/ledger/ack";
            self.call(Method::POST, path, json!({"ids": ids}))
                .await
                .unwrap();
            all.extend(ids);
        }
    }
}

fn free() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

/// How often each event came.
type Told = Arc<Mutex<HashMap<String, usize>>>;

/// Takes events, and remembers what it has answered, also when it is killed.
struct Listener {
    address: SocketAddr,
    told: Told,
    /// Of its own, so that its connections end with it.
    runtime: Option<Runtime>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Listener {
    fn start(before: Option<(SocketAddr, Told)>) -> Self {
        let (address, told) = before.unwrap_or_else(|| (free(), Arc::default()));
        let here = told.clone();
        let take = move |axum::Json(events): axum::Json<Vec<Value>>| async move {
            // Between this and the answer it may be killed: then the events come again.
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..20))).await;
            let mut told = here.lock().unwrap();
            for event in events {
                let id = event["id"].as_str().unwrap().to_owned();
                *told.entry(id).or_default() += 1;
            }
        };
        let app = axum::Router::new().fallback(take);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(async move {
            let socket = eventually("the port is free", async || {
                tokio::net::TcpListener::bind(address).await.ok()
            });
            axum::serve(socket.await, app).await.unwrap();
        });
        Self {
            address,
            told,
            runtime: Some(runtime),
        }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn kill_and_restart(self) -> Self {
        let before = (self.address, self.told.clone());
        drop(self);
        Self::start(Some(before))
    }
}
