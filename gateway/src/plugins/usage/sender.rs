use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use kong::usage::{Batch, Record};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::{Destination, Intake, RawRecord, UsageSettings, files::Files, spool::Spool};
use crate::live::Live;

/// Pause after a failed delivery; doubles up to the maximum.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Takes records in, makes batches, delivers them in order.
pub struct Sender {
    pub live: Arc<Live>,
    pub node: String,
    pub state_directory: PathBuf,
    pub http: reqwest::Client,
    waiting: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
}

impl Sender {
    pub fn new(live: Arc<Live>, node: String, state_directory: PathBuf, intake: &Intake) -> Self {
        Self {
            live,
            node,
            state_directory,
            http: service::http::client(),
            waiting: intake.waiting.clone(),
            dropped: intake.dropped.clone(),
        }
    }
}

struct Delivery {
    sender: Sender,
    queue: VecDeque<Record>,
    spool: Spool,
    files: Files,
    pause: Duration,
    not_before: Instant,
}

/// Works until `shutdown`; what could not be delivered by then is in the spool.
pub async fn run(
    sender: Sender,
    mut intake: mpsc::UnboundedReceiver<Vec<RawRecord>>,
    shutdown: CancellationToken,
) {
    let spool = match Spool::open(&sender.state_directory) {
        Ok(spool) => spool,
        Err(error) => {
            tracing::error!("usage records cannot be spooled, none are reported: {error}");
            return;
        }
    };
    let mut delivery = Delivery {
        files: Files::new(&sender.state_directory),
        sender,
        queue: VecDeque::new(),
        spool,
        pause: FIRST_PAUSE,
        not_before: Instant::now(),
    };
    loop {
        let interval = delivery
            .sender
            .live
            .usage
            .load()
            .as_ref()
            .map_or(Duration::from_secs(1), |usage| usage.flush_interval);
        let tick = tokio::time::sleep(interval);
        tokio::select! {
            received = intake.recv() => match received {
                Some(records) => {
                    delivery.take_in(records);
                    let settings = delivery.sender.live.usage.load_full();
                    let full = settings.as_ref().is_some_and(|settings| delivery.queue.len() >= settings.batch_size);
                    if full {
                        delivery.flush().await;
                    }
                }
                None => break,
            },
            () = tick => delivery.flush().await,
            () = shutdown.cancelled() => break,
        }
    }
    // The workers have stopped or are about to: what they hand over last is kept, too.
    while let Ok(Some(records)) =
        tokio::time::timeout(Duration::from_millis(100), intake.recv()).await
    {
        delivery.take_in(records);
    }
    delivery.keep_all();
}

impl Delivery {
    fn take_in(&mut self, records: Vec<RawRecord>) {
        self.sender.waiting.fetch_sub(records.len(), Relaxed);
        self.queue
            .extend(records.into_iter().map(RawRecord::into_record));
        let limit = self
            .sender
            .live
            .usage
            .load()
            .as_ref()
            .map_or(0, |usage| usage.max_entries);
        while self.queue.len() > limit {
            self.queue.pop_front();
            self.sender.dropped.fetch_add(1, Relaxed);
        }
    }

    async fn flush(&mut self) {
        let Some(settings) = self.sender.live.usage.load_full() else {
            return;
        };
        let Destination::Endpoint { url, token } = &settings.destination else {
            self.keep_all();
            return;
        };
        if Instant::now() < self.not_before {
            return;
        }
        while let Some(batch) = self.spool.front() {
            if !self.deliver(&batch, url, token).await {
                self.keep_all();
                return;
            }
            self.spool.pop();
        }
        while !self.queue.is_empty() {
            let batch = self.next_batch(settings.batch_size);
            if !self.deliver(&batch, url, token).await {
                self.keep(&batch, &settings);
                self.keep_all();
                return;
            }
        }
    }

    fn next_batch(&mut self, size: usize) -> Batch {
        let count = size.min(self.queue.len());
        Batch {
            batch_id: Uuid::new_v4(),
            node: self.sender.node.clone(),
            records: self.queue.drain(..count).collect(),
        }
    }

    /// Everything in memory goes to disk, in order.
    fn keep_all(&mut self) {
        let Some(settings) = self.sender.live.usage.load_full() else {
            return;
        };
        while !self.queue.is_empty() {
            let batch = self.next_batch(settings.batch_size);
            self.keep(&batch, &settings);
        }
    }

    fn keep(&mut self, batch: &Batch, settings: &UsageSettings) {
        let kept = match settings.destination {
            Destination::Endpoint { .. } => self.spool.push(batch, settings.spool_bytes),
            Destination::Files => self.files.append(batch, settings.spool_bytes),
        };
        let dropped = kept.unwrap_or_else(|error| {
            tracing::error!("usage records cannot be kept: {error}");
            batch.records.len() as u64
        });
        if dropped > 0 {
            tracing::warn!("{dropped} usage records were lost because their store is full");
            self.sender.dropped.fetch_add(dropped, Relaxed);
        }
    }

    async fn deliver(&mut self, batch: &Batch, url: &Url, token: &str) -> bool {
        let http = &self.sender.http;
        let request = http.post(url.clone()).bearer_auth(token).json(batch);
        let outcome = match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("answered {}", response.status())),
            Err(error) => Err(error.without_url().to_string()),
        };
        match outcome {
            Ok(()) => {
                self.pause = FIRST_PAUSE;
                true
            }
            Err(reason) => {
                if self.pause == FIRST_PAUSE {
                    tracing::warn!("usage records cannot be delivered and are kept: {reason}");
                }
                self.not_before = Instant::now() + self.pause;
                self.pause = (self.pause * 2).min(MAX_PAUSE);
                false
            }
        }
    }
}

impl RawRecord {
    fn into_record(self) -> Record {
        Record {
            id: format!("{:032x}", self.id),
            at: self.at,
            service: self.service.map(|name| name.to_string()),
            route: self.route.map(|name| name.to_string()),
            consumer: self
                .consumer
                .and_then(|one| one.custom_id().map(str::to_owned)),
            credential: self.credential,
            method: self.method.to_string(),
            path: kong::path::encode(&self.path).into_owned(),
            status: self.status,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            duration_ms: self.duration_ms,
            upstream_ms: self.upstream_ms,
            client: self.client.to_string(),
        }
    }
}
