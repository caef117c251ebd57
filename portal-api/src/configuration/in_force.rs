//! The configuration that requests see, and what is known about newer ones.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use config::{Configuration, Environment, Origin, Problems, Trouble, git::Commit};
use sdk::types::Secret;
use service::clock;
use tokio::sync::{Notify, watch};

use super::orphans::Orphan;
use crate::settings::ConfigurationSource;

/// How long the hash of a replaced configuration is still accepted (portal-api 3.4).
const ACCEPTED: Duration = Duration::from_mins(3);
/// How long whoever has saved a change waits until it is served.
const LOOK: Duration = Duration::from_secs(5);
/// Hashes that are remembered; more often nobody changes a configuration in three minutes.
const MAX_ACCEPTED: usize = 1000;

/// The configuration in force. It changes atomically: a request sees one or the other.
pub struct InForce {
    current: ArcSwap<Configuration>,
    /// Hashes that callers may still hold, and until when.
    accepted: Mutex<Vec<(String, Instant)>>,
    newest: ArcSwap<Newest>,
    orphans: ArcSwap<Vec<Orphan>>,
    orders: Notify,
    /// How many there were.
    ordered: AtomicU64,
    /// The orders that were carried out.
    looked: watch::Sender<u64>,
    /// Held while a change is saved.
    pub saving: tokio::sync::Mutex<()>,
    pub origin: Origin,
    pub environment: Environment,
    pub hook_secret: Option<Secret>,
}

/// What is known about the newest configuration.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    /// Set if it must not be used.
    pub refused: Option<Refused>,
    /// Why nobody knows whether there is a newer one.
    pub unreachable: Option<String>,
    /// When the origin answered last.
    pub fetched_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
pub struct Refused {
    pub commit: Option<Commit>,
    pub problems: Problems,
}

impl InForce {
    pub fn new(configuration: Arc<Configuration>, source: &ConfigurationSource) -> Self {
        let in_force = Self {
            current: ArcSwap::new(configuration),
            accepted: Mutex::default(),
            newest: ArcSwap::default(),
            orphans: ArcSwap::default(),
            orders: Notify::new(),
            ordered: AtomicU64::new(0),
            looked: watch::Sender::new(0),
            saving: tokio::sync::Mutex::default(),
            origin: source.origin.clone(),
            environment: source.environment.clone(),
            hook_secret: source.hook_secret.clone(),
        };
        in_force.note(source.trouble.as_ref());
        in_force
    }

    pub fn current(&self) -> Arc<Configuration> {
        self.current.load_full()
    }

    /// Puts a configuration in force; the hash of the old one stays accepted for a while.
    pub fn replace(&self, configuration: Arc<Configuration>) {
        // First, so that there is no moment in which neither is accepted.
        self.accept(self.current().hash.clone());
        self.current.store(configuration);
    }

    /// Accepts calls with this hash for three minutes.
    pub fn accept(&self, hash: String) {
        let now = Instant::now();
        let mut accepted = self.accepted.lock().expect("no holder panics");
        accepted.retain(|(known, until)| *until > now && *known != hash);
        if accepted.len() >= MAX_ACCEPTED {
            accepted.remove(0);
        }
        accepted.push((hash, now + ACCEPTED));
    }

    /// Whether a caller with this hash may go on.
    pub fn accepts(&self, hash: &[u8]) -> bool {
        if self.current.load().hash.as_bytes() == hash {
            return true;
        }
        let now = Instant::now();
        let accepted = self.accepted.lock().expect("no holder panics");
        accepted
            .iter()
            .any(|(known, until)| known.as_bytes() == hash && *until > now)
    }

    /// Asks for a look at the origin, at once. Several orders before it comes are one. Gives the
    /// number of the order.
    pub fn order(&self) -> u64 {
        let number = self.ordered.fetch_add(1, Ordering::SeqCst) + 1;
        self.orders.notify_one();
        number
    }

    /// The last order, which a look that begins now carries out.
    pub fn last_order(&self) -> u64 {
        self.ordered.load(Ordering::SeqCst)
    }

    /// Notes that a look is over, whatever came of it.
    pub fn carried_out(&self, order: u64) {
        self.looked.send_replace(order);
    }

    /// Waits until an order was carried out, but not for long.
    pub async fn until_carried_out(&self, order: u64) {
        let mut looked = self.looked.subscribe();
        let done = looked.wait_for(|done| *done >= order);
        let _ = tokio::time::timeout(LOOK, done).await;
    }

    /// Waits for an order.
    pub async fn ordered(&self) {
        self.orders.notified().await;
    }

    /// Another instance has this configuration: its callers may come here with it.
    pub fn heard_of(&self, hash: &str) {
        if self.current.load().hash != hash {
            self.accept(hash.to_owned());
            self.order();
        }
    }

    pub fn newest(&self) -> Arc<Newest> {
        self.newest.load_full()
    }

    /// Notes what came of a look at the origin; `None` = the newest is in force.
    pub fn note(&self, trouble: Option<&Trouble>) {
        let mut newest = Newest::clone(&self.newest.load());
        match trouble {
            Some(Trouble::Unreachable(reason)) => newest.unreachable = Some(reason.clone()),
            Some(Trouble::Refused { commit, problems }) => {
                newest = Newest {
                    refused: Some(Refused {
                        commit: commit.clone(),
                        problems: problems.clone(),
                    }),
                    ..Newest::reached()
                };
            }
            None => newest = Newest::reached(),
        }
        self.newest.store(Arc::new(newest));
        self.measure();
    }

    /// Notes that the origin answered with the same as before, good or bad.
    pub fn note_unchanged(&self) {
        self.newest.store(Arc::new(Newest {
            refused: self.newest.load().refused.clone(),
            ..Newest::reached()
        }));
        self.measure();
    }

    fn measure(&self) {
        let newest = self.newest.load();
        let flag = |set: bool| f64::from(u8::from(set));
        metrics::gauge!("wicketgate_config_refused").set(flag(newest.refused.is_some()));
        metrics::gauge!("wicketgate_config_unreachable").set(flag(newest.unreachable.is_some()));
    }

    pub fn orphans(&self) -> Arc<Vec<Orphan>> {
        self.orphans.load_full()
    }

    pub fn note_orphans(&self, orphans: Vec<Orphan>) {
        self.orphans.store(Arc::new(orphans));
    }

    /// What an administrator should hear of, in one sentence.
    pub fn complaint(&self) -> Option<String> {
        let newest = self.newest.load();
        let refused = newest.refused.as_ref().map(|refused| {
            Trouble::Refused {
                commit: refused.commit.clone(),
                problems: refused.problems.clone(),
            }
            .to_string()
        });
        refused
            .or_else(|| newest.unreachable.clone())
            .map(|reason| format!("An earlier configuration is served: {reason}"))
    }
}

impl Newest {
    fn reached() -> Self {
        Self {
            fetched_at: Some(clock::now()),
            ..Self::default()
        }
    }
}
