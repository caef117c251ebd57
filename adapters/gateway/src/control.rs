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
    lease::Role,
    reconcile::{Base, Reconciler},
    state::Shared,
};
use orders::{Delivery, Mark, Resync};
pub use orders::{Look, Order, Report, events};
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
    role: watch::Receiver<Role>,
    keys: SigningKeys,
    base: Option<Base>,
    /// Why a full run is due.
    full: Option<String>,
    resync: Vec<Resync>,
    looks: Vec<Look>,
    /// Applications that differ, or may.
    dirty: BTreeSet<String>,
    /// When the first and the last of them was marked.
    marked: Option<(Instant, Instant)>,
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
        role: watch::Receiver<Role>,
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
            role,
            keys: SigningKeys::new(sender),
            base: None,
            full: Some("start".to_owned()),
            resync: Vec::new(),
            looks: Vec::new(),
            dirty: BTreeSet::new(),
            marked: None,
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
                // It never ends before this loop does.
                Ok(()) = self.role.changed() => self.take_role(),
                () = tokio::time::sleep_until(next) => {}
            }
            while let Ok(order) = self.orders.try_recv() {
                self.take(order);
            }
            for look in std::mem::take(&mut self.looks) {
                self.look(look).await;
            }
            self.keys.refresh_if_due(self.base.as_ref());
            if self.is_due() {
                self.work().await;
            }
        }
    }

    /// Whether this instance is the one that works.
    fn is_leader(&self) -> bool {
        *self.role.borrow() == Role::Leader
    }

    /// Whether another instance is.
    fn is_standby(&self) -> bool {
        *self.role.borrow() == Role::Standby
    }

    /// Whoever begins to work knows nothing of what the other one has done.
    fn take_role(&mut self) {
        self.role.mark_unchanged();
        if self.is_leader() {
            self.want_full("this adapter takes over");
        } else {
            self.base = None;
            self.receiver.stand_by();
            self.hand_back_deliveries();
        }
    }

    /// Whether a run can begin now.
    fn is_due(&self) -> bool {
        if !self.is_leader() {
            return false;
        }
        let now = Instant::now();
        let waits = self.retry.is_some_and(|retry| retry > now);
        let dirty = self.dirty_due().is_some_and(|due| due <= now);
        let wanted = self.full.is_some() || dirty || self.next_full <= now;
        let asked = !self.resync.is_empty();
        asked || (wanted && !waits) || self.expired().next().is_some()
    }

    /// When time alone brings work.
    fn next(&self) -> Instant {
        if !self.is_leader() {
            return Instant::now() + self.reconcile_every;
        }
        let mut next = self.next_full.min(self.keys.next());
        let dirty = self.dirty_due();
        if self.full.is_some() || dirty.is_some() {
            let soonest = match (&self.full, dirty) {
                (None, Some(due)) => due,
                _ => Instant::now(),
            };
            next = next.min(self.retry.map_or(soonest, |retry| retry.max(soonest)));
        }
        if let Some(end) = self.expiries.values().min() {
            let pause = (*end - clock::now()).to_std().unwrap_or_default();
            next = next.min(Instant::now() + pause);
        }
        next
    }

    /// When marked applications are to be brought to the gateway: at once, but for one that takes
    /// whole documents only, where changes are collected.
    fn dirty_due(&self) -> Option<Instant> {
        let (first, last) = self.marked.filter(|_| !self.dirty.is_empty())?;
        let by_document = self
            .base
            .as_ref()
            .is_some_and(|base| !base.target.has_database());
        if by_document {
            let pace = self.reconciler.rules.pace;
            Some((last + pace.collect).min(first + pace.collect_at_most))
        } else {
            Some(first)
        }
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
