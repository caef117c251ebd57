//! Reports each call to the gateway adapter. Requests never wait for it: a worker keeps records
//! in a list of its own and hands the list over a few times a second.

mod files;
mod sender;
mod spool;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::live::Consumer;

pub use sender::{Sender, run};

#[derive(Deserialize)]
pub struct Config {
    endpoint: String,
    #[serde(default)]
    token: Option<String>,
    batch_size: usize,
    flush_interval: f64,
    max_entries: usize,
    spool_bytes: u64,
}

pub struct Usage {
    pub settings: Arc<UsageSettings>,
}

/// Where records go. Its `Debug` would show the token, so there is none.
pub struct UsageSettings {
    pub destination: Destination,
    pub batch_size: usize,
    pub flush_interval: Duration,
    pub max_entries: usize,
    pub spool_bytes: u64,
}

pub enum Destination {
    /// Posted, with this token.
    Endpoint { url: url::Url, token: String },
    /// Written to files that somebody uploads later.
    Files,
}

impl Usage {
    pub fn new(config: Config) -> Result<Self, String> {
        let destination = if config.endpoint == kong::usage::FILES {
            Destination::Files
        } else {
            Destination::Endpoint {
                url: config.endpoint.parse().map_err(|_| "endpoint: no URL")?,
                token: config.token.ok_or("token: required field missing")?,
            }
        };
        Ok(Self {
            settings: Arc::new(UsageSettings {
                destination,
                batch_size: config.batch_size,
                flush_interval: Duration::try_from_secs_f64(config.flush_interval)
                    .map_err(|error| error.to_string())?,
                max_entries: config.max_entries,
                spool_bytes: config.spool_bytes,
            }),
        })
    }
}

/// A record as a worker makes it: no text is formatted on the way of a request.
pub struct RawRecord {
    pub id: u128,
    pub at: i64,
    pub service: Option<Arc<str>>,
    pub route: Option<Arc<str>>,
    pub consumer: Option<Arc<Consumer>>,
    pub credential: Option<Uuid>,
    pub method: http::Method,
    pub path: Box<[u8]>,
    pub status: u16,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub duration_ms: u64,
    pub upstream_ms: Option<u64>,
    pub client: std::net::IpAddr,
}

/// The workers' end.
pub struct Intake {
    records: mpsc::UnboundedSender<Vec<RawRecord>>,
    /// Records handed over and not yet taken in; the channel is bounded by it.
    waiting: Arc<AtomicUsize>,
    pub dropped: Arc<AtomicU64>,
}

/// Records that may wait for the sender.
const MAX_WAITING: usize = 200_000;

impl Intake {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Vec<RawRecord>>) {
        let (records, receiver) = mpsc::unbounded_channel();
        let intake = Self {
            records,
            waiting: Arc::default(),
            dropped: Arc::default(),
        };
        (intake, receiver)
    }

    pub fn hand_over(&self, records: Vec<RawRecord>) {
        let count = records.len();
        if self.waiting.load(Relaxed) + count > MAX_WAITING {
            self.dropped.fetch_add(count as u64, Relaxed);
            return;
        }
        self.waiting.fetch_add(count, Relaxed);
        let _ = self.records.send(records);
    }
}
