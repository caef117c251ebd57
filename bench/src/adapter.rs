//! The gateway adapter in front of the embedded gateway: how long a comparison of a large
//! installation takes in which nothing is to be done, what memory it needs, and how many calls a
//! single change costs.

use std::{
    fmt::Write,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use reqwest::Client;
use serde_json::{Value, json};
use service::keys::{Keys, MasterKey, Purpose};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::process;

const PROXY: &str = "127.0.0.1:28000";
const ADMIN: &str = "127.0.0.1:28001";
const STATUS: &str = "127.0.0.1:28007";
const ADAPTER: &str = "127.0.0.1:23002";
/// Applications have this many subscriptions each.
const PER_APPLICATION: usize = 2;

pub async fn run(binary: &Path, subscriptions: usize) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_hours(1))
        .build()?;
    let master = MasterKey::generate();
    let keys = Keys::from_master(master.clone());
    let portal = Portal::new(&keys, subscriptions)?;
    let address = portal.clone().serve().await?;
    let environment = [
        ("WICKETGATE_MASTER_KEY", master.to_text()),
        ("PORTAL_API_URL", format!("http://{address}/")),
        ("PORTAL_KONG_ADMIN_URL", format!("http://{ADMIN}/")),
        ("PORTAL_KONG_ADAPTER_URL", format!("http://{ADAPTER}/")),
        ("GATEWAY_LISTEN", PROXY.to_owned()),
        ("GATEWAY_ADMIN_LISTEN", ADMIN.to_owned()),
        ("GATEWAY_STATUS_LISTEN", STATUS.to_owned()),
        ("WICKETGATE_DATA", data.path().display().to_string()),
        ("ALLOW_RESYNC", "true".to_owned()),
        // Only what is asked for is measured.
        ("RECONCILE_SECONDS", "3600".to_owned()),
        ("LOG_LEVEL", "warn".to_owned()),
    ];
    let start = |service: &str, port: Option<&str>| -> anyhow::Result<Child> {
        let mut command = Command::new(binary);
        command
            .arg(service)
            .envs(environment.clone())
            .current_dir(data.path())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(port) = port {
            command.env("PORT", port);
        }
        command
            .spawn()
            .with_context(|| format!("{service} does not start"))
    };
    let _gateway = start("gateway", None)?;
    let began = Instant::now();
    let mut adapter = start("gateway-adapter", Some("23002"))?;
    let pid = adapter.id().context("the adapter has ended")?;
    until_ready(&client, &adapter).await?;
    println!("| measured, {subscriptions} subscriptions | value |");
    println!("|---|---:|");
    println!(
        "| first fill of an empty gateway | {:.1} s |",
        began.elapsed().as_secs_f64()
    );
    println!(
        "| memory of the adapter, at most so far | {:.1} MiB |",
        process::peak_mib(pid)?
    );
    adapter.kill().await?;

    // A new process, so that its memory is that of comparisons only.
    let adapter = start("gateway-adapter", Some("23002"))?;
    let pid = adapter.id().context("the adapter has ended")?;
    until_ready(&client, &adapter).await?;
    for _ in 0..3 {
        let began = Instant::now();
        let report: Value = client
            .post(format!("http://{ADAPTER}/resync"))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let calls = report["actions"].as_array().map_or(0, Vec::len);
        println!(
            "| comparison with {calls} changes | {:.1} s |",
            began.elapsed().as_secs_f64()
        );
    }
    println!(
        "| memory of the adapter, at most | {:.1} MiB |",
        process::peak_mib(pid)?
    );
    println!("| and now | {:.1} MiB |", process::memory_mib(pid)?);

    let before = calls(&client).await?;
    let began = Instant::now();
    portal.change_one(&client, &keys).await?;
    println!(
        "| a change of one subscription: calls, acknowledged after | {}, {} ms |",
        calls(&client).await? - before,
        began.elapsed().as_millis()
    );
    Ok(())
}

/// Waits until the adapter has filled the gateway.
async fn until_ready(client: &Client, adapter: &Child) -> anyhow::Result<()> {
    let pid = adapter.id().context("the adapter has ended")?;
    for _ in 0..36_000 {
        let ready = client.get(format!("http://{ADAPTER}/readyz")).send().await;
        if ready.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the adapter (process {pid}) is not ready after an hour")
}

/// Calls that the adapter has made of the Admin API.
async fn calls(client: &Client) -> anyhow::Result<u64> {
    let text = client
        .get(format!("http://{ADAPTER}/metrics"))
        .send()
        .await?
        .text()
        .await?;
    let lines = text.lines().filter(|line| {
        line.starts_with("wicketgate_gateway_calls_total{") && !line.contains("kind=\"node\"")
    });
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a counter is a whole number"
    )]
    Ok(values.sum::<f64>() as u64)
}

/// A portal-api that has one API, one plan and as many subscriptions as are wanted.
#[derive(Clone)]
struct Portal(Arc<Inner>);

struct Inner {
    head: String,
    subscriptions: Mutex<Vec<String>>,
    listener: Mutex<Option<String>>,
    seq: AtomicUsize,
}

impl Portal {
    fn new(keys: &Keys, number: usize) -> anyhow::Result<Self> {
        let lookup = keys.derive(&Purpose::CredentialLookup)?;
        let subscriptions = (0..number).map(|number| {
            let application = format!("app-{:06}", number / PER_APPLICATION);
            let api = format!("api-{}", number % PER_APPLICATION);
            let mut digest = String::new();
            for byte in lookup.hmac_sha256(format!("key-{number}").as_bytes()) {
                // Writing to a text does not fail.
                let _ = write!(digest, "{byte:02x}");
            }
            json!({
                "id": uuid::Uuid::from_u128(number as u128), "application": application,
                "api": api, "plan": "basic", "auth": "key-auth",
                "credentials": [{
                    "id": uuid::Uuid::from_u128(number as u128), "kind": "key", "digest": digest
                }]
            })
            .to_string()
        });
        let apis: Vec<Value> = (0..PER_APPLICATION)
            .map(|number| {
                let id = format!("api-{number}");
                let path = format!("/{id}");
                json!({
                    "id": id, "name": id, "auth": "key-auth", "config": {"api": {
                        "upstream_url": "http://127.0.0.1:9/", "routes": [{"paths": [path]}]
                    }}
                })
            })
            .collect();
        let limit = json!({"name": "rate-limiting", "config": {"hour": 100}});
        let head = json!({
            "globals": {"title": "", "network": {"schema": "http", "apiHost": "gateway.test"}},
            "apis": apis, "authServers": [], "groups": [], "applications": [],
            "plans": [{"id": "basic", "name": "", "config": {"plugins": [limit]}}]
        });
        Ok(Self(Arc::new(Inner {
            head: head.to_string().trim_end_matches('}').to_owned(),
            subscriptions: Mutex::new(subscriptions.collect()),
            listener: Mutex::new(None),
            seq: AtomicUsize::new(1),
        })))
    }

    async fn serve(self) -> anyhow::Result<std::net::SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let done = || async { StatusCode::NO_CONTENT };
        let router = Router::new()
            .route(
                "/ping",
                get(async || Json(json!({"message": "OK", "version": "2.0.0"}))),
            )
            .route("/confighash", get(async || "hash"))
            .route("/webhooks/listeners/{id}", put(register))
            .route("/gateway/snapshot", get(snapshot))
            .route("/gateway/status", put(done))
            .route("/leases/{name}", put(async || Json(json!({}))).delete(done))
            .route("/usage/records", post(done))
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// Ends a subscription, and waits until the adapter has acknowledged the event.
    async fn change_one(&self, client: &Client, keys: &Keys) -> anyhow::Result<()> {
        if let Ok(mut subscriptions) = self.0.subscriptions.lock() {
            subscriptions.remove(0);
        }
        let seq = self.0.seq.fetch_add(1, Ordering::Relaxed) + 1;
        let url = self.0.listener.lock().ok().and_then(|url| url.clone());
        let event = json!([{
            "id": "bench-event", "seq": seq, "utc": 1, "entity": "subscription",
            "action": "delete", "data": {"applicationId": "app-000000"}
        }])
        .to_string();
        let secrets = sdk::signature::Secrets::of_listener(keys, "kong-adapter")?;
        let now = service::clock::now().timestamp();
        let answer = client
            .post(url.context("the adapter has not registered")?)
            .header("webhook-id", "bench")
            .header("webhook-timestamp", now)
            .header("webhook-signature", secrets.sign("bench", now, &event))
            .header(header::CONTENT_TYPE, "application/json")
            .body(event)
            .send()
            .await?;
        let report: Value = answer.error_for_status()?.json().await?;
        if report["acked"] != json!(["bench-event"]) {
            bail!("the event was not acknowledged: {report}");
        }
        Ok(())
    }
}

async fn register(State(portal): State<Portal>, Json(listener): Json<Value>) -> Json<Value> {
    if let Ok(mut url) = portal.0.listener.lock() {
        *url = listener["url"].as_str().map(str::to_owned);
    }
    Json(json!({"id": listener["id"], "url": listener["url"]}))
}

#[derive(serde::Deserialize)]
struct Part {
    application: Option<String>,
}

async fn snapshot(State(portal): State<Portal>, Query(part): Query<Part>) -> Response {
    let seq = portal.0.seq.load(Ordering::Relaxed);
    let mut text = portal.0.head.clone();
    let _ = write!(
        text,
        r#","revision":"hash.{seq}","seq":{seq},"subscriptions":["#
    );
    let wanted = part
        .application
        .map(|id| format!(r#""application":"{id}""#));
    if let Ok(subscriptions) = portal.0.subscriptions.lock() {
        let chosen = subscriptions
            .iter()
            .filter(|text| wanted.as_ref().is_none_or(|wanted| text.contains(wanted)));
        for (position, subscription) in chosen.enumerate() {
            if position > 0 {
                text.push(',');
            }
            text.push_str(subscription);
        }
    }
    text.push_str("]}");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
