//! What is desired of all consumers, in some forty bytes per entity.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kong::Kind;
use sdk::types::{gateway::GatewayProblem, snapshot::SnapshotSubscription};
use uuid::Uuid;

use crate::{
    desired::{self, Context},
    diff::fingerprint,
    entity::Key,
};

/// The index, with what else is kept of a subscription.
#[derive(Default)]
pub struct Index {
    entries: HashMap<Key, Entry>,
    applications: Vec<Box<str>>,
    pub problems: BTreeMap<String, Vec<GatewayProblem>>,
    pub credentials: HashMap<Uuid, String>,
    pub expiries: BTreeMap<String, DateTime<Utc>>,
    /// Applications with a subscription that has a fault: what of them stays has to be looked at.
    pub kept: BTreeSet<String>,
}

struct Entry {
    fingerprint: u64,
    application: u32,
    is_seen: bool,
}

/// What an entity of the gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Same,
    Other,
    /// Nobody wants it.
    Unknown,
}

impl Index {
    /// Subscriptions come sorted by application.
    pub fn add(&mut self, context: &Context, subscription: &SnapshotSubscription) {
        let one = std::slice::from_ref(subscription);
        let desired = desired::of_subscriptions(context, one);
        if self.applications.last().map(AsRef::as_ref) != Some(subscription.application.as_str()) {
            self.applications
                .push(subscription.application.as_str().into());
        }
        let application = u32::try_from(self.applications.len() - 1).unwrap_or(u32::MAX);
        for (key, fields) in desired.entities.iter() {
            let entry = Entry {
                fingerprint: fingerprint(key.kind, fields),
                application,
                is_seen: false,
            };
            self.entries.insert(*key, entry);
        }
        if !desired.kept_consumers.is_empty() {
            self.kept.insert(subscription.application.clone());
        }
        self.credentials.extend(desired.credentials);
        for (application, problems) in desired.applications {
            self.problems
                .entry(application)
                .or_default()
                .extend(problems);
        }
        for (application, end) in super::expiries(one) {
            self.expiries
                .entry(application)
                .and_modify(|known| *known = end.min(*known))
                .or_insert(end);
        }
    }

    /// Before each node.
    pub fn begin(&mut self) {
        self.entries
            .values_mut()
            .for_each(|entry| entry.is_seen = false);
    }

    /// Compares an entity of the gateway.
    pub fn check(&mut self, key: &Key, fingerprint: u64) -> Check {
        match self.entries.get_mut(key) {
            None => Check::Unknown,
            Some(entry) => {
                entry.is_seen = true;
                if entry.fingerprint == fingerprint {
                    Check::Same
                } else {
                    Check::Other
                }
            }
        }
    }

    /// Applications with an entity that the gateway does not have.
    pub fn missing(&self) -> BTreeSet<String> {
        let missing = self.entries.values().filter(|entry| !entry.is_seen);
        let numbers: BTreeSet<u32> = missing.map(|entry| entry.application).collect();
        let name = |number: u32| {
            let position = usize::try_from(number).unwrap_or(usize::MAX);
            self.applications.get(position).map(ToString::to_string)
        };
        numbers.into_iter().filter_map(name).collect()
    }

    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for key in self.entries.keys() {
            *counts.entry(key.kind).or_default() += 1;
        }
        counts
    }
}
