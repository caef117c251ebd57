//! The control loop (events-and-adapters C15): one task that decides when to run what.
//!
//! Whatever arrives is only a mark: "this application", "everything". The first mark starts a run
//! at once; what arrives meanwhile is taken by the next one. Nothing is believed to be done before
//! the gateway has it, so an event is acknowledged only then.

mod orders;
mod outcome;
mod signing_keys;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use sdk::{
    listener::Receiver,
    types::gateway::{GatewayProblem, GatewayStatus},
};
use service::{backoff::Backoff, clock, health::Readiness};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    reconcile::{Base, Reconciler},
    state::Shared,
};
use orders::{Delivery, Mark, Resync};
pub use orders::{Order, events};
use signing_keys::SigningKeys;

/// The loop with all it knows. Everything here can be found out again.
pub struct Control {
    pub reconciler: Reconciler,
    pub receiver: Receiver,
    pub orders: mpsc::Receiver<Order>,
    pub readiness: Readiness,
    pub shared: Arc<Shared>,
    pub status: watch::Sender<GatewayStatus>,
    pub shutdown: CancellationToken,
    pub reconcile_every: Duration,
    keys: SigningKeys,
    base: Option<Base>,
    /// Why a full run is due.
    full: Option<String>,
    resync: Vec<Resync>,
    /// Applications that differ, or may.
    dirty: BTreeSet<String>,
    /// Deliveries of events whose effect is not in place yet.
    deliveries: Vec<Delivery>,
    problems: Problems,
    /// When the next credential of an application ends.
    expiries: BTreeMap<String, DateTime<Utc>>,
    next_full: Instant,
    /// After a failed run: not before this.
    retry: Option<Instant>,
    backoff: Backoff,
}

/// Problems by where they come from, so that a new run replaces its own.
#[derive(Default)]
struct Problems {
    full: Vec<GatewayProblem>,
    applications: BTreeMap<String, Vec<GatewayProblem>>,
}

/// The pauses between failed runs.
const fn pauses() -> Backoff {
    Backoff::new(Duration::from_millis(50), Duration::from_secs(5))
}

impl Control {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part that the caller owns"
    )]
    pub fn new(
        reconciler: Reconciler,
        receiver: Receiver,
        (sender, orders): (mpsc::Sender<Order>, mpsc::Receiver<Order>),
        readiness: Readiness,
        shared: Arc<Shared>,
        status: watch::Sender<GatewayStatus>,
        shutdown: CancellationToken,
        reconcile_every: Duration,
    ) -> Self {
        Self {
            reconciler,
            receiver,
            orders,
            readiness,
            shared,
            status,
            shutdown,
            reconcile_every,
            keys: SigningKeys::new(sender),
            base: None,
            full: Some("start".to_owned()),
            resync: Vec::new(),
            dirty: BTreeSet::new(),
            deliveries: Vec::new(),
            problems: Problems::default(),
            expiries: BTreeMap::new(),
            next_full: Instant::now() + reconcile_every,
            retry: None,
            backoff: pauses(),
        }
    }

    /// Goes on until it is dropped, which is safe at any moment.
    pub async fn run(mut self) {
        loop {
            let next = self.next();
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                () = tokio::time::sleep_until(next) => {}
            }
            while let Ok(order) = self.orders.try_recv() {
                self.take(order);
            }
            self.keys.refresh_if_due(self.base.as_ref());
            if self.is_due() {
                self.work().await;
            }
        }
    }

    /// Whether a run can begin now.
    fn is_due(&self) -> bool {
        let now = Instant::now();
        let waits = self.retry.is_some_and(|retry| retry > now);
        let wanted = self.full.is_some() || !self.dirty.is_empty() || self.next_full <= now;
        let asked = !self.resync.is_empty();
        asked || (wanted && !waits) || self.expired().next().is_some()
    }

    /// When time alone brings work.
    fn next(&self) -> Instant {
        let mut next = self.next_full.min(self.keys.next());
        if self.full.is_some() || !self.dirty.is_empty() {
            next = next.min(self.retry.unwrap_or_else(Instant::now));
        }
        if let Some(end) = self.expiries.values().min() {
            let pause = (*end - clock::now()).to_std().unwrap_or_default();
            next = next.min(Instant::now() + pause);
        }
        next
    }

    /// Applications one of whose credentials has ended.
    fn expired(&self) -> impl Iterator<Item = &String> {
        let now = clock::now();
        self.expiries
            .iter()
            .filter(move |(_, end)| **end <= now)
            .map(|(application, _)| application)
    }
}
