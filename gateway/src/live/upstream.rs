//! A name that stands for several backends: which of them gets a request, and which are well.

mod choice;
mod health;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

pub use choice::{HashOn, HashRule, hash};
pub use health::{Active, CheckType, Checks, Health, Sign};

use crate::store::Row;

/// An upstream with its targets.
pub struct Upstream {
    pub id: Uuid,
    pub name: String,
    pub host_header: Option<HeaderValue>,
    pub client_certificate: Option<Uuid>,
    pub hash: HashRule,
    pub checks: Checks,
    pub peers: Vec<Peer>,
    algorithm: Algorithm,
    /// Percent of the weight that has to be available.
    threshold: f64,
    /// Whose turn it is: the credit of each peer.
    turns: Mutex<Vec<i64>>,
    /// Points of the peers on the circle of hashes, in order.
    circle: ArcSwap<Vec<(u64, usize)>>,
}

/// One target.
pub struct Peer {
    pub id: Uuid,
    /// `host:port`
    pub name: Arc<str>,
    pub host: Arc<str>,
    /// Of a host that is an address.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// Of each address that the host stands for.
    pub weight: u32,
    /// Kept as long as the target is, whatever else of the upstream changes.
    pub state: Arc<PeerState>,
}

#[derive(Default)]
pub struct PeerState {
    pub health: Health,
    open: AtomicU32,
    /// How many addresses the host stands for; 0 as long as nobody knows.
    addresses: AtomicU32,
    latency: Mutex<choice::Latency>,
}

/// A request that a peer is working on.
pub struct Open(Arc<PeerState>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl PeerState {
    pub fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Relaxed);
        Open(self.clone())
    }

    /// Remembers how long an answer took.
    pub fn took(&self, milliseconds: u64) {
        self.latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(milliseconds);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Algorithm {
    RoundRobin,
    ConsistentHashing,
    LeastConnections,
    Latency,
}

#[derive(Deserialize)]
struct Fields {
    name: String,
    algorithm: Algorithm,
    host_header: Option<String>,
    client_certificate: Option<kong::Reference>,
    healthchecks: health::Config,
    #[serde(flatten)]
    hash: choice::HashFields,
}

impl Upstream {
    /// `previous` is the same upstream before.
    pub fn new(row: &Row, targets: &[Row], previous: Option<&Self>) -> Option<Self> {
        let fields = serde_json::from_value(Value::Object(row.fields()));
        let fields: Fields = fields
            .inspect_err(|error| tracing::error!("upstream {} cannot be used: {error}", row.id))
            .ok()?;
        let mut targets: Vec<&Row> = targets.iter().collect();
        targets.sort_by_key(|target| (target.created_at(), target.id));
        let peers: Vec<Peer> = targets
            .into_iter()
            .filter_map(|target| Peer::new(target, previous))
            .collect();
        let host_header = fields.host_header.as_deref();
        Some(Self {
            id: row.id,
            name: fields.name,
            host_header: host_header.and_then(|host| HeaderValue::from_str(host).ok()),
            client_certificate: fields.client_certificate.map(|reference| reference.id),
            hash: fields.hash.rule(),
            checks: Checks::new(&fields.healthchecks),
            circle: ArcSwap::from_pointee(if fields.algorithm == Algorithm::ConsistentHashing {
                choice::circle(&peers)
            } else {
                Vec::new()
            }),
            algorithm: fields.algorithm,
            threshold: fields.healthchecks.threshold,
            turns: Mutex::new(vec![0; peers.len()]),
            peers,
        })
    }

    pub const fn is_hashed(&self) -> bool {
        matches!(self.algorithm, Algorithm::ConsistentHashing)
    }

    /// Takes note of the addresses that a target stands for.
    pub fn leads_to(&self, index: usize, addresses: usize) {
        let Some(peer) = self.peers.get(index) else {
            return;
        };
        let count = u32::try_from(addresses).unwrap_or(u32::MAX);
        let before = peer.state.addresses.swap(count, Relaxed);
        if before.max(1) != count.max(1) && self.is_hashed() {
            self.circle.store(Arc::new(choice::circle(&self.peers)));
        }
    }

    /// Whether enough of the targets are well.
    pub fn is_available(&self) -> bool {
        let all: u64 = self.peers.iter().map(Peer::share).sum();
        let well: u64 = self
            .peers
            .iter()
            .filter(|peer| peer.is_available())
            .map(Peer::share)
            .sum();
        well > 0 && is_percent(well, all, self.threshold)
    }

    /// The peer for the next try; those `tried` only when there is no other.
    pub fn choose(&self, hash: Option<u64>, tried: &[usize]) -> Option<usize> {
        if !self.is_available() {
            return None;
        }
        let fresh = |index: usize| self.peers[index].is_available() && !tried.contains(&index);
        self.choose_among(hash, &fresh)
            .or_else(|| self.choose_among(hash, &|index| self.peers[index].is_available()))
    }

    fn choose_among(&self, hash: Option<u64>, fits: &dyn Fn(usize) -> bool) -> Option<usize> {
        match (self.algorithm, hash) {
            (Algorithm::ConsistentHashing, Some(hash)) => {
                choice::on_circle(&self.circle.load(), hash, fits)
            }
            (Algorithm::LeastConnections, _) => choice::least_busy(&self.peers, fits),
            (Algorithm::Latency, _) => choice::fastest(&self.peers, fits),
            _ => {
                let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
                choice::next_turn(&mut turns, &self.peers, fits)
            }
        }
    }
}

impl Peer {
    fn new(row: &Row, previous: Option<&Upstream>) -> Option<Self> {
        let name = row.text("target")?;
        let (host, port) = name.rsplit_once(':')?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let weight = row.value("weight").as_u64()?;
        let known = previous.and_then(|upstream| {
            let mut peers = upstream.peers.iter();
            peers.find(|peer| *peer.name == *name)
        });
        Some(Self {
            id: row.id,
            name: name.as_str().into(),
            host: bare.into(),
            address: bare.parse().ok(),
            port: port.parse().ok()?,
            weight: u32::try_from(weight).ok()?,
            state: known.map(|peer| peer.state.clone()).unwrap_or_default(),
        })
    }

    /// Its weight among all targets.
    pub fn share(&self) -> u64 {
        let addresses = self.state.addresses.load(Relaxed).max(1);
        u64::from(self.weight) * u64::from(addresses)
    }

    pub fn is_available(&self) -> bool {
        self.weight > 0 && self.state.health.is_well()
    }
}

/// Whether the part is at least so much of all.
fn is_percent(part: u64, all: u64, percent: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^52")]
    let (part, all) = (part as f64, all as f64);
    part * 100.0 >= percent * all
}

#[cfg(test)]
mod tests;
