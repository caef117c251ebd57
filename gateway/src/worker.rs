//! One thread per core: its own runtime, listener, backend connections and caches. Workers share
//! the compiled configuration, the rate counters, and nothing else that a request would touch.

mod connections;
mod deadlines;
mod framing;
mod per_client;
mod proxy_header;

use std::{
    cell::{Cell, RefCell, RefMut},
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{runtime::LocalOptions, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    acme,
    databases::Databases,
    live::{Live, Snapshot},
    plugins::{
        basic_auth::rehash::Rehashed,
        identity::{Asked, Introspector},
        jwt::TokenCache,
        openid_connect::KnownTokens,
        prometheus::Numbers,
        proxy_cache,
        rate_limiting::Counters,
        usage::{Intake, RawRecord},
    },
    proxy::{Budget, Pool, Rules},
    settings::Settings,
};

pub use connections::{Connections, LocalTasks};
pub use deadlines::Deadlines;
pub use framing::Framing;
pub use per_client::PerClient;

/// How often connections and deadlines are looked through and usage records handed over.
const TICK: Duration = Duration::from_millis(100);
/// While stopping: the last answer may still be on its way into the socket.
const SETTLE: Duration = Duration::from_millis(30);
/// Likewise, with another process in our place: kept connections hear with their next answer that
/// they end.
const UNHURRIED: Duration = Duration::from_secs(2);
const HANDED_OVER: Duration = Duration::from_mins(1);
/// Usage records that are handed over at once.
const USAGE_CHUNK: usize = 256;

/// What all workers share.
pub struct Shared {
    pub live: Arc<Live>,
    pub counters: Counters,
    pub workers: Vec<WorkerCounters>,
    pub usage: Intake,
    pub introspector: Introspector,
    pub databases: Databases,
    /// What an authority may ask, where certificates come by themselves.
    pub acme: Option<Arc<acme::State>>,
    pub rules: Rules,
    pub clients: Arc<PerClient>,
    /// Answers that are kept.
    pub cache: Arc<proxy_cache::Store>,
    /// Room for bodies that plugins read.
    pub bodies: Arc<Budget>,
    /// Passwords with stronger hashes than they are stored with.
    pub rehashed: mpsc::Sender<Rehashed>,
    /// For work that outlives a request.
    pub runtime: tokio::runtime::Handle,
    pub node_id: Uuid,
    pub node_name: String,
    /// Another process serves: what runs has time to end.
    pub is_handed_over: AtomicBool,
}

/// Numbers of one worker. Aligned, so that workers do not share cache lines.
#[derive(Default)]
#[repr(align(128))]
pub struct WorkerCounters {
    pub accepted: AtomicU64,
    pub active: AtomicU64,
    pub working: AtomicU64,
    pub requests: AtomicU64,
    pub numbers: Mutex<Numbers>,
}

/// Sums over all workers.
#[derive(Default)]
pub struct Totals {
    pub accepted: u64,
    pub active: u64,
    pub working: u64,
    pub requests: u64,
}

impl Shared {
    pub fn new(
        settings: &Settings,
        live: Arc<Live>,
        usage: Intake,
        rehashed: mpsc::Sender<Rehashed>,
        node_id: Uuid,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            live,
            counters: Counters::default(),
            workers: settings
                .listeners
                .proxy
                .iter()
                .map(|_| WorkerCounters::default())
                .collect(),
            usage,
            rehashed,
            introspector: Introspector::here(),
            databases: Databases::here(&settings.databases),
            acme: settings.acme.as_ref().map(|_| Arc::default()),
            rules: Rules::new(settings)?,
            clients: PerClient::new(settings.traffic.max_connections_per_client),
            cache: proxy_cache::Store::new(settings.traffic.cache_bytes),
            bodies: Arc::default(),
            runtime: tokio::runtime::Handle::current(),
            node_id,
            node_name: settings.node_name.clone(),
            is_handed_over: AtomicBool::new(false),
        })
    }

    pub fn connections(&self) -> Totals {
        let mut totals = Totals::default();
        for worker in &self.workers {
            totals.accepted += worker.accepted.load(Relaxed);
            totals.active += worker.active.load(Relaxed);
            totals.working += worker.working.load(Relaxed);
            totals.requests += worker.requests.load(Relaxed);
        }
        totals
    }
}

/// The state of one worker; only its own thread touches it.
pub struct Worker {
    pub shared: Arc<Shared>,
    pub pool: Pool,
    pub connections: Connections,
    pub deadlines: Deadlines,
    index: usize,
    id: Uuid,
    numbers: Cell<u64>,
    random: RefCell<fastrand::Rng>,
    routing: RefCell<Rc<Snapshot>>,
    tokens: RefCell<TokenCache>,
    foreign_tokens: RefCell<KnownTokens>,
    asked: RefCell<Asked>,
    usage: RefCell<Vec<RawRecord>>,
    stopping: Cell<bool>,
    /// Tells connections that no new requests are wanted.
    pub stop: CancellationToken,
}

impl Worker {
    pub fn new(index: usize, shared: Arc<Shared>) -> Self {
        let mut seed = [0; 8];
        service::random::fill(&mut seed);
        Self {
            pool: Pool::default(),
            connections: Connections::default(),
            deadlines: Deadlines::default(),
            index,
            id: Uuid::new_v4(),
            numbers: Cell::new(0),
            random: RefCell::new(fastrand::Rng::with_seed(u64::from_ne_bytes(seed))),
            routing: RefCell::new(Snapshot::new(shared.live.routing.load_full())),
            tokens: RefCell::default(),
            foreign_tokens: RefCell::default(),
            asked: RefCell::default(),
            usage: RefCell::default(),
            stopping: Cell::new(false),
            stop: CancellationToken::new(),
            shared,
        }
    }

    pub fn live(&self) -> &Live {
        &self.shared.live
    }

    /// The snapshot in force. Counted per worker, not across them: an `Arc` that every request of
    /// every core counts up and down would be the busiest memory of the process.
    pub fn routing(&self) -> Rc<Snapshot> {
        let current = self.shared.live.routing.load();
        let mut known = self.routing.borrow_mut();
        if !known.is(&current) {
            *known = Snapshot::new(Arc::clone(&current));
        }
        Rc::clone(&known)
    }

    pub fn counters(&self) -> &WorkerCounters {
        &self.shared.workers[self.index]
    }

    pub fn tokens(&self) -> RefMut<'_, TokenCache> {
        self.tokens.borrow_mut()
    }

    pub fn foreign_tokens(&self) -> RefMut<'_, KnownTokens> {
        self.foreign_tokens.borrow_mut()
    }

    pub fn asked(&self) -> RefMut<'_, Asked> {
        self.asked.borrow_mut()
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// For request ids, which must be unique but need not be secret.
    pub fn random(&self) -> u128 {
        self.random.borrow_mut().u128(..)
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    pub fn record_usage(&self, record: RawRecord) {
        let mut usage = self.usage.borrow_mut();
        usage.push(record);
        if usage.len() >= USAGE_CHUNK {
            self.shared.usage.hand_over(std::mem::take(&mut usage));
        }
    }

    fn hand_over_usage(&self) {
        let records = std::mem::take(&mut *self.usage.borrow_mut());
        if !records.is_empty() {
            self.shared.usage.hand_over(records);
        }
    }
}

/// The sockets of a worker.
pub struct Listeners {
    pub plain: TcpListener,
    pub tls: Option<TcpListener>,
}

/// The thread of a worker.
pub fn run(
    index: usize,
    listeners: Listeners,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
    grace: Duration,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .context("cannot start a worker's runtime")?;
    let worker = Rc::new(Worker::new(index, shared));
    runtime.block_on(work(worker, listeners, shutdown, grace))
}

async fn work(
    worker: Rc<Worker>,
    listeners: Listeners,
    shutdown: CancellationToken,
    grace: Duration,
) -> anyhow::Result<()> {
    let ticker = tokio::task::spawn_local(tick(worker.clone()));
    let mut accepting = Vec::new();
    for (listener, tls) in [(Some(listeners.plain), false), (listeners.tls, true)] {
        let Some(listener) = listener else { continue };
        let local = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        accepting.push(tokio::task::spawn_local(accept(
            worker.clone(),
            listener,
            local,
            tls,
        )));
    }
    shutdown.cancelled().await;
    // Dropping the tasks closes the listening sockets.
    accepting.iter().for_each(JoinHandle::abort);
    worker.stopping.set(true);
    worker.stop.cancel();
    let is_handed_over = worker.shared.is_handed_over.load(Relaxed);
    let (settle, grace) = if is_handed_over {
        (UNHURRIED, grace.max(HANDED_OVER))
    } else {
        (SETTLE, grace)
    };
    let deadline = Instant::now() + grace;
    let is_busy = || {
        // Web sockets are on no list, but they are being worked on.
        let has_work = is_handed_over && worker.counters().working.load(Relaxed) > 0;
        worker.connections.end_idle(settle) > 0 || has_work
    };
    while is_busy() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ticker.abort();
    worker.hand_over_usage();
    Ok(())
}

async fn accept(
    worker: Rc<Worker>,
    listener: tokio::net::TcpListener,
    local: SocketAddr,
    tls: bool,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => connections::serve(&worker, stream, peer, local, tls),
            Err(error) => {
                // Out of file descriptors, or the client is gone already: go on shortly after.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn tick(worker: Rc<Worker>) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        worker.hand_over_usage();
        worker.deadlines.wake_expired();
        worker.pool.sweep();
        worker.connections.end_expired();
    }
}
