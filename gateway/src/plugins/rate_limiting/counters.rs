use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashTable;
use uuid::Uuid;

use super::{Limit, window::Windows};

/// What a counter counts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub route: Option<Uuid>,
    pub service: Option<Uuid>,
    pub who: Who,
    /// Of limits that have one.
    pub name: Option<Arc<str>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Who {
    Consumer(Uuid),
    Credential(Uuid),
    Service(Uuid),
    Address(IpAddr),
    Value(Box<[u8]>),
}

/// The counters of this node, for all workers together. All periods of a key are one step under
/// one lock, so never more than the limit pass; the locks are many and held for nanoseconds.
pub struct Counters {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    /// A table rather than a map: the hash that chose the shard finds the place in it, too.
    counts: HashTable<(Key, Counts)>,
    /// Size at which ended windows are thrown out next.
    sweep_at: usize,
}

/// Per period: start of the window, requests in it.
struct Counts([(i64, u32); 6]);

pub struct Outcome {
    pub allowed: bool,
    /// Requests in the window including this one, by position of the limit.
    pub used: [u32; 6],
}

const SHARDS: usize = 64;
const SWEEP_FROM: usize = 1024;
/// Keys are chosen by clients (addresses, header values), so their number is bounded.
const MAX_KEYS_PER_SHARD: usize = 16_384;

impl Default for Counters {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Counters {
    /// Counts the request unless a period is used up.
    pub fn count(&self, key: Key, limits: &[Limit], windows: &Windows) -> Outcome {
        let hash = self.hasher.hash_one(&key);
        let mut shard = self.shard(hash);
        let counts = shard.counts_of(hash, key, &self.hasher, windows.now());
        let mut outcome = Outcome {
            allowed: true,
            used: [0; 6],
        };
        for limit in limits {
            let slot = &mut counts.0[limit.period as usize];
            let start = windows.start(limit.period);
            if slot.0 != start {
                *slot = (start, 0);
            }
            outcome.allowed &= slot.1 < limit.requests;
        }
        for (position, limit) in limits.iter().enumerate() {
            let slot = &mut counts.0[limit.period as usize];
            if outcome.allowed {
                slot.1 += 1;
            }
            outcome.used[position] = slot.1;
        }
        outcome
    }

    /// What is used up of each period, by position of the limit.
    pub fn used(&self, key: &Key, limits: &[Limit], windows: &Windows) -> [u32; 6] {
        let hash = self.hasher.hash_one(key);
        let shard = self.shard(hash);
        let mut used = [0; 6];
        if let Some((_, counts)) = shard.counts.find(hash, |(known, _)| known == key) {
            for (position, limit) in limits.iter().enumerate() {
                let slot = counts.0[limit.period as usize];
                if slot.0 == windows.start(limit.period) {
                    used[position] = slot.1;
                }
            }
        }
        used
    }

    /// Counts so many, whether or not there is room for them; what is used up then.
    pub fn add(&self, key: Key, limits: &[Limit], windows: &Windows, amount: u32) -> [u32; 6] {
        let hash = self.hasher.hash_one(&key);
        let mut shard = self.shard(hash);
        let counts = shard.counts_of(hash, key, &self.hasher, windows.now());
        let mut used = [0; 6];
        for (position, limit) in limits.iter().enumerate() {
            let slot = &mut counts.0[limit.period as usize];
            let start = windows.start(limit.period);
            if slot.0 != start {
                *slot = (start, 0);
            }
            slot.1 = slot.1.saturating_add(amount);
            used[position] = slot.1;
        }
        used
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        self.shards[crate::numbers::part_of(hash, SHARDS)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn counts_of(&mut self, hash: u64, key: Key, hasher: &RandomState, now: i64) -> &mut Counts {
        let is_missing = self.counts.find(hash, |(known, _)| *known == key).is_none();
        if is_missing {
            self.make_room(now);
        }
        let place = self.counts.entry(
            hash,
            |(known, _)| *known == key,
            |(known, _)| hasher.hash_one(known),
        );
        let (_, counts) = place
            .or_insert_with(|| (key, Counts([(0, 0); 6])))
            .into_mut();
        counts
    }

    fn make_room(&mut self, now: i64) {
        if self.counts.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.counts.retain(|(_, counts)| counts.is_live(now));
        while self.counts.len() >= MAX_KEYS_PER_SHARD {
            let Some(one) = self.counts.extract_if(|_| true).next() else {
                break;
            };
            drop(one);
        }
        self.sweep_at = (self.counts.len() * 2).min(MAX_KEYS_PER_SHARD);
    }
}

impl Counts {
    fn is_live(&self, now: i64) -> bool {
        use super::window::PERIODS;
        PERIODS.iter().any(|period| {
            let (start, count) = self.0[*period as usize];
            // Months and years are up to a day longer than their nominal length.
            count > 0
                && start + period.seconds() + 2 * 86_400 * i64::from(period.seconds() > 86_400)
                    > now
        })
    }
}
