//! The event bus: how fast a backlog is delivered beside a bare loop that posts the same bodies, and
//! what that does to memory and to everybody else's requests.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::{Router, body::Bytes, extract::State, routing::post};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    load::{self, Requests},
    portal_api::{Place, PortalApi},
    process,
};

const BATCH: u64 = 100;
/// Requests of the bare loop: with one event each, and with a batch.
const BARE: (u64, u64) = (20_000, 4000);
/// Acknowledgements on their way at the same time.
const ACKS: usize = 8;

/// How events are delivered and acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Batches,
    Singly,
    OneByOne,
    InBulk,
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Batches => "answer acknowledges, batches of 100",
            Self::Singly => "answer acknowledges, one event each, 4 at a time",
            Self::OneByOne => "compatible, each event deleted",
            Self::InBulk => "compatible, acknowledged in bulk",
        }
    }

    const fn is_explicit(self) -> bool {
        matches!(self, Self::OneByOne | Self::InBulk)
    }

    fn listener(self, url: &str, enabled: bool) -> Value {
        let mode = if self.is_explicit() {
            "explicit"
        } else {
            "ack"
        };
        let delivery = if self == Self::Singly {
            "single"
        } else {
            "batch"
        };
        json!({
            "id": "bench", "url": url, "mode": mode, "delivery": delivery, "events": ["bench.*"],
            "enabled": enabled, "maxQueue": 1_000_000, "batchSize": BATCH,
        })
    }
}

pub async fn run(binary: &Path, database: Option<&str>, events: u64) -> anyhow::Result<()> {
    println!("| delivery | events | events/s | bare loop | of it | memory MiB |");
    println!("|---|---:|---:|---:|---:|---:|");
    for mode in [Mode::Singly, Mode::OneByOne, Mode::InBulk, Mode::Batches] {
        // The large backlog once; the others tell their rate sooner.
        let count = if mode == Mode::Batches {
            events
        } else {
            events.min(50_000)
        };
        measure(binary, database, mode, count).await?;
        if database.is_some() {
            // A database of its own is needed for each.
            break;
        }
    }
    Ok(())
}

async fn measure(
    binary: &Path,
    database: Option<&str>,
    mode: Mode,
    events: u64,
) -> anyhow::Result<()> {
    let place = Place::new(0, database)?;
    let mut listener = Listener::start().await?;
    let server = place.start(binary).await?;
    let path = "/webhooks/listeners/bench";
    let body = mode.listener(&listener.url, false);
    server.call(Method::PUT, path, Some(&body)).await?;
    drop(server);
    fill(&place, events).await?;
    let bare = bare(&listener, mode).await?;
    let server = Arc::new(place.start(binary).await?);
    let quiet = latency(&server).await?;
    let begun = Instant::now();
    let body = mode.listener(&listener.url, true);
    listener.received.store(0, Relaxed);
    listener.are_wanted.store(mode.is_explicit(), Relaxed);
    server.call(Method::PUT, path, Some(&body)).await?;
    let acks = mode
        .is_explicit()
        .then(|| tokio::spawn(acknowledge(server.clone(), listener.ids.take(), mode)));
    let mut watch = Watch::default();
    let busy = if events >= 500_000 {
        Some(latency(&server).await?)
    } else {
        None
    };
    watch.until_empty(&server, &listener, events).await?;
    let took = begun.elapsed().as_secs_f64();
    if let Some(acks) = acks {
        acks.abort();
    }
    let rate = as_float(events) / took;
    println!(
        "| {} | {events} | {rate:.0} | {bare:.0} | {:.2} | {:.0} |",
        mode.name(),
        rate / bare,
        watch.memory.max(process::memory_mib(server.pid)?),
    );
    if let Some(busy) = busy {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("\nEvents/s, each half second: {:?}", watch.rates);
        println!(
            "GET /users of one caller, p50 and p95 in ms: {:.2} and {:.2} without, {:.2} and {:.2} during the delivery",
            ms(quiet.0),
            ms(quiet.1),
            ms(busy.0),
            ms(busy.1)
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_float(count: u64) -> f64 {
    count as f64
}

/// What is seen from outside while the queue gets shorter.
#[derive(Default)]
struct Watch {
    memory: f64,
    rates: Vec<u64>,
}

impl Watch {
    async fn until_empty(
        &mut self,
        server: &PortalApi,
        listener: &Listener,
        events: u64,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut before = listener.received.load(Relaxed);
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.memory = self.memory.max(process::memory_mib(server.pid)?);
            let received = listener.received.load(Relaxed);
            self.rates.push((received - before) * 2);
            before = received;
            if received >= events {
                break;
            }
            if begun.elapsed() > Duration::from_mins(20) {
                bail!("{received} of {events} events after 20 minutes");
            }
        }
        loop {
            let queue = server
                .call(Method::GET, "/webhooks/events/bench?limit=1", None)
                .await?;
            if queue.as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Half and most requests of one caller are faster.
async fn latency(server: &PortalApi) -> anyhow::Result<(Duration, Duration)> {
    let headers = server.headers()?;
    let request = format!("GET /users?offset=0&limit=50 HTTP/1.1\r\nHost: bench\r\n{headers}\r\n");
    let requests = Requests::same(request);
    let load = load::run(server.address, requests, 200, 1, Duration::from_secs(5)).await?;
    Ok((load.percentile(50), load.percentile(95)))
}

/// Puts events into the queue as if they had happened.
async fn fill(place: &Place, events: u64) -> anyhow::Result<()> {
    let url = place.database_url();
    let is_postgres = url.starts_with("postgres");
    let database = Database::connect(url).await?;
    let numbers = if is_postgres {
        format!("select i from generate_series(1, {events}) as n(i)")
    } else {
        format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {events}) \
             select i from n"
        )
    };
    let (id, time) = if is_postgres {
        ("i::text", "now()")
    } else {
        (
            "printf('%07d', i)",
            "strftime('%Y-%m-%d %H:%M:%S+00:00', 'now')",
        )
    };
    database
        .execute_unprepared(&format!(
            "insert into events (id, entity, action, occurred_at, ordering_key, application_id, \
             data, size) select 'bench-' || {id}, 'bench', 'add', {time}, 'application:bench', \
             'bench', '{{\"applicationId\":\"bench\",\"userId\":\"1\",\"role\":\"collaborator\"}}', \
             320 from ({numbers}) as numbers"
        ))
        .await?;
    database
        .execute_unprepared(&format!(
            "insert into deliveries (listener_id, event_seq, state, attempts, next_attempt_at) \
             select 'bench', seq, 'pending', 0, {time} from events where entity = 'bench'"
        ))
        .await?;
    database.close().await?;
    Ok(())
}

/// Takes deliveries and counts their events.
struct Listener {
    url: String,
    received: Arc<AtomicU64>,
    /// Whether somebody acknowledges.
    are_wanted: Arc<AtomicBool>,
    /// Of events that are to be acknowledged.
    ids: Ids,
}

/// Taken by whoever acknowledges.
struct Ids(Option<mpsc::UnboundedReceiver<Vec<String>>>);

impl Ids {
    fn take(&mut self) -> Option<mpsc::UnboundedReceiver<Vec<String>>> {
        self.0.take()
    }
}

#[derive(Clone)]
struct Counter {
    received: Arc<AtomicU64>,
    are_wanted: Arc<AtomicBool>,
    ids: mpsc::UnboundedSender<Vec<String>>,
}

impl Listener {
    async fn start() -> anyhow::Result<Self> {
        let received = Arc::new(AtomicU64::new(0));
        let (sender, ids) = mpsc::unbounded_channel();
        let are_wanted = Arc::new(AtomicBool::new(false));
        let counter = Counter {
            received: received.clone(),
            are_wanted: are_wanted.clone(),
            ids: sender,
        };
        let app = Router::new().route("/", post(take)).with_state(counter);
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", socket.local_addr()?);
        tokio::spawn(async move { axum::serve(socket, app).await });
        Ok(Self {
            url,
            received,
            are_wanted,
            ids: Ids(Some(ids)),
        })
    }
}

async fn take(State(counter): State<Counter>, body: Bytes) {
    let events: Vec<Value> = serde_json::from_slice(&body).unwrap_or_default();
    counter.received.fetch_add(events.len() as u64, Relaxed);
    if counter.are_wanted.load(Relaxed) {
        let ids = events.iter().filter_map(|event| event["id"].as_str());
        counter.ids.send(ids.map(str::to_owned).collect()).ok();
    }
}

async fn acknowledge(
    server: Arc<PortalApi>,
    ids: Option<mpsc::UnboundedReceiver<Vec<String>>>,
    mode: Mode,
) -> anyhow::Result<()> {
    let mut ids = ids.context("acknowledged once")?;
    while let Some(portion) = ids.recv().await {
        if mode == Mode::InBulk {
            let body = json!({"ids": portion});
            let path = "/webhooks/events/bench/ack";
            server.call(Method::POST, path, Some(&body)).await?;
            continue;
        }
        stream::iter(portion)
            .map(|id| {
                let server = server.clone();
                async move {
                    let path = format!("/webhooks/events/bench/{id}");
                    server.call(Method::DELETE, &path, None).await
                }
            })
            .buffer_unordered(ACKS)
            .try_collect::<Vec<_>>()
            .await?;
    }
    Ok(())
}

/// The same bodies, as many at a time, by nothing but the client.
async fn bare(listener: &Listener, mode: Mode) -> anyhow::Result<f64> {
    let (events, parallel, requests) = if mode == Mode::Singly {
        (1, 4, BARE.0)
    } else {
        (BATCH, 1, BARE.1)
    };
    let event = |number: u64| {
        json!({
            "id": format!("bare--{number:07}"), "seq": number, "utc": 1_795_285_002, "action": "add",
            "entity": "bench",
            "data": {"applicationId": "bench", "userId": "1", "role": "collaborator"},
        })
    };
    let body: Value = (0..events).map(event).collect();
    let body = Bytes::from(body.to_string());
    let client = service::http::guarded_client(&["127.0.0.0/8".parse()?]);
    let begun = Instant::now();
    stream::iter(0..requests)
        .map(|_| {
            let request = client
                .post(&listener.url)
                .timeout(Duration::from_secs(15))
                .header("content-type", "application/json")
                .body(body.clone());
            async move { request.send().await?.error_for_status()?.bytes().await }
        })
        .buffer_unordered(parallel)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(as_float(requests * events) / begun.elapsed().as_secs_f64())
}
