use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::Notify};

use super::{file::LogFile, http::Server};

/// Records that were never delivered, in this process.
pub static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How much may wait, and how hard delivery is tried.
pub struct Limits {
    pub batch: usize,
    pub coalescing: Duration,
    pub entries: usize,
    pub bytes: usize,
    pub retry_for: Duration,
    pub first_delay: Duration,
    pub longest_delay: Duration,
}

impl Limits {
    pub const fn of_files() -> Self {
        Self {
            batch: 1000,
            coalescing: Duration::from_millis(50),
            entries: 100_000,
            bytes: 64 << 20,
            retry_for: Duration::from_secs(5),
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(1),
        }
    }
}

pub enum Destination {
    Server(Server),
    File(LogFile),
}

impl Destination {
    async fn deliver(&self, batch: &[Bytes]) -> Result<(), String> {
        match self {
            Self::Server(server) => server.send(batch).await,
            Self::File(file) => file.write(batch).await,
        }
    }
}

pub struct Queue {
    limits: Limits,
    destination: Destination,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<Bytes>,
    bytes: usize,
    is_delivering: bool,
    is_closed: bool,
}

impl Queue {
    pub fn new(limits: Limits, destination: Destination) -> Arc<Self> {
        Arc::new(Self {
            limits,
            destination,
            waiting: Mutex::default(),
            changed: Notify::new(),
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest go when there is no room.
    pub fn add(self: &Arc<Self>, record: Bytes, runtime: &Handle) {
        let mut waiting = self.waiting();
        waiting.bytes += record.len();
        waiting.records.push_back(record);
        while waiting.records.len() > self.limits.entries || waiting.bytes > self.limits.bytes {
            let Some(oldest) = waiting.records.pop_front() else {
                break;
            };
            waiting.bytes -= oldest.len();
            DROPPED.fetch_add(1, Relaxed);
        }
        let is_new = !std::mem::replace(&mut waiting.is_delivering, true);
        let is_full = waiting.records.len() >= self.limits.batch;
        drop(waiting);
        if is_new {
            runtime.spawn(self.clone().run());
        } else if is_full {
            self.changed.notify_one();
        }
    }

    pub fn close(&self) {
        self.waiting().is_closed = true;
        self.changed.notify_one();
    }

    /// Delivers until nothing waits; the next record starts it again.
    async fn run(self: Arc<Self>) {
        loop {
            self.coalesce().await;
            let batch = self.next_batch();
            if batch.is_empty() {
                return;
            }
            self.deliver(&batch).await;
        }
    }

    /// Waits for company, if records go in batches.
    async fn coalesce(&self) {
        if self.limits.batch == 1 {
            return;
        }
        let until = Instant::now() + self.limits.coalescing;
        loop {
            {
                let waiting = self.waiting();
                if waiting.records.len() >= self.limits.batch
                    || waiting.records.is_empty()
                    || waiting.is_closed
                {
                    return;
                }
            }
            if tokio::time::timeout_at(until.into(), self.changed.notified())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    fn next_batch(&self) -> Vec<Bytes> {
        let mut waiting = self.waiting();
        let count = waiting.records.len().min(self.limits.batch);
        let batch: Vec<Bytes> = waiting.records.drain(..count).collect();
        waiting.bytes -= batch.iter().map(Bytes::len).sum::<usize>();
        if batch.is_empty() {
            waiting.is_delivering = false;
        }
        batch
    }

    async fn deliver(&self, batch: &[Bytes]) {
        let started = Instant::now();
        let mut delay = self.limits.first_delay;
        while let Err(reason) = self.destination.deliver(batch).await {
            if started.elapsed() + delay > self.limits.retry_for {
                let records = batch.len();
                DROPPED.fetch_add(records as u64, Relaxed);
                tracing::warn!(records, "log records are lost: {reason}");
                return;
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(self.limits.longest_delay);
        }
    }
}
