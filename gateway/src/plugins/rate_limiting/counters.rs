use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{Limit, window::Windows};

/// What a counter counts.
#[derive(PartialEq, Eq, Hash)]
pub struct Key {
    pub route: Option<Uuid>,
    pub service: Option<Uuid>,
    pub who: Who,
}

#[derive(PartialEq, Eq, Hash)]
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
    counts: HashMap<Key, Counts>,
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
        let shard = usize::try_from(self.hasher.hash_one(&key) % SHARDS as u64).unwrap_or_default();
        let mut shard = self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !shard.counts.contains_key(&key) {
            shard.make_room(windows.now());
        }
        let counts = shard.counts.entry(key).or_insert(Counts([(0, 0); 6]));
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
}

impl Shard {
    fn make_room(&mut self, now: i64) {
        if self.counts.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.counts.retain(|_, counts| counts.is_live(now));
        while self.counts.len() >= MAX_KEYS_PER_SHARD {
            let Some(key) = self.counts.extract_if(|_, _| true).next() else {
                break;
            };
            drop(key);
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
