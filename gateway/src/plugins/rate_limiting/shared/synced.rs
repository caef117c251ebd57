//! Counts that are kept here and told to the others every so often (`sync_rate`, gateway 8): a
//! request waits for nobody, and may see what others have counted one interval late.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::runtime::Handle;

use super::{Client, add};
use crate::plugins::rate_limiting::{Key, Limit, Windows, counters::Outcome, window::PERIODS};

/// Keys are chosen by clients, so their number is bounded.
const MAX_KEYS: usize = 200_000;
/// Keys that are told about at once.
const TOGETHER: usize = 1000;

pub struct Synced {
    client: Arc<Client>,
    every: Duration,
    counts: Mutex<HashMap<Key, Counts>>,
    is_running: AtomicBool,
}

struct Counts {
    periods: [Slot; 6],
    /// Somebody asked since the others were told.
    is_asked: bool,
}

/// One window.
#[derive(Clone, Copy, Default)]
struct Slot {
    start: i64,
    /// What all of us together had counted when we were told last.
    known: u32,
    /// What the others have not been told yet, and what they are being told now.
    own: u32,
    leaving: u32,
}

impl Slot {
    const fn used(&self) -> u32 {
        self.known
            .saturating_add(self.own)
            .saturating_add(self.leaving)
    }

    const fn is_pending(&self) -> bool {
        self.own > 0 || self.leaving > 0
    }
}

impl Synced {
    pub fn new(client: Arc<Client>, every: Duration) -> Self {
        Self {
            client,
            every,
            counts: Mutex::default(),
            is_running: AtomicBool::new(false),
        }
    }

    /// Counts the request unless a period is used up, as far as is known here.
    pub fn count(
        self: &Arc<Self>,
        key: Key,
        limits: &[Limit],
        windows: &Windows,
        runtime: &Handle,
    ) -> Outcome {
        if !self.is_running.swap(true, Relaxed) {
            runtime.spawn(run(Arc::downgrade(self), self.every));
        }
        let mut all = self.counts();
        if all.len() >= MAX_KEYS && !all.contains_key(&key) {
            make_room(&mut all, windows.now());
        }
        let counts = all.entry(key).or_insert_with(|| Counts {
            periods: [Slot::default(); 6],
            is_asked: true,
        });
        counts.is_asked = true;
        let mut outcome = Outcome {
            allowed: true,
            used: [0; 6],
        };
        for limit in limits {
            let slot = &mut counts.periods[limit.period as usize];
            let start = windows.start(limit.period);
            if slot.start != start {
                *slot = Slot {
                    start,
                    ..Slot::default()
                };
            }
            outcome.allowed &= slot.used() < limit.requests;
        }
        for (position, limit) in limits.iter().enumerate() {
            let slot = &mut counts.periods[limit.period as usize];
            if outcome.allowed {
                slot.own += 1;
            }
            outcome.used[position] = slot.used();
        }
        outcome
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the store what was counted here, and hears what was counted elsewhere.
    async fn tell(&self) {
        let now = service::clock::now().timestamp();
        let due: Vec<(Key, Vec<(usize, Slot)>)> = {
            let mut all = self.counts();
            all.retain(|_, counts| counts.periods.iter().enumerate().any(is_live(now)));
            let due = all.iter_mut().filter(|(_, counts)| {
                counts.is_asked || counts.periods.iter().any(Slot::is_pending)
            });
            due.map(|(key, counts)| {
                counts.is_asked = false;
                let live = counts.periods.iter_mut().enumerate();
                let live = live
                    .filter(|(_, slot)| slot.start > 0)
                    .map(|(period, slot)| {
                        slot.leaving += std::mem::take(&mut slot.own);
                        (period, *slot)
                    });
                (key.clone(), live.collect())
            })
            .collect()
        };
        for part in due.chunks(TOGETHER) {
            join_all(part.iter().map(|(key, slots)| self.tell_one(key, slots))).await;
        }
    }

    async fn tell_one(&self, key: &Key, told: &[(usize, Slot)]) {
        let counts = told
            .iter()
            .map(|(period, slot)| (PERIODS[*period], slot.start, slot.leaving));
        let outcome = add(&self.client, key, counts, &Handle::current()).await;
        let mut all = self.counts();
        let Some(counts) = all.get_mut(key) else {
            return;
        };
        match outcome {
            Ok(totals) => {
                for ((period, told), total) in told.iter().zip(totals) {
                    let slot = &mut counts.periods[*period];
                    // Another window may have begun meanwhile.
                    if slot.start == told.start {
                        slot.known = total;
                        slot.leaving -= told.leaving.min(slot.leaving);
                    }
                }
            }
            // It is kept, and told with the next ones.
            Err(error) => tracing::debug!("rate limits are not told: {error}"),
        }
    }
}

async fn run(synced: Weak<Synced>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(synced) = synced.upgrade() else {
            return;
        };
        synced.tell().await;
    }
}

/// Whether the window goes on. Months and years are up to a day longer than their nominal length.
fn is_live(now: i64) -> impl Fn((usize, &Slot)) -> bool {
    move |(period, slot)| {
        let length = PERIODS[period].seconds();
        let length = length + 2 * 86_400 * i64::from(length > 86_400);
        slot.start > 0 && slot.start + length >= now
    }
}

fn make_room(all: &mut HashMap<Key, Counts>, now: i64) {
    all.retain(|_, counts| counts.periods.iter().enumerate().any(is_live(now)));
    if all.len() < MAX_KEYS {
        return;
    }
    // What the others know is not lost by forgetting it here.
    all.retain(|_, counts| counts.periods.iter().any(Slot::is_pending));
    if all.len() >= MAX_KEYS {
        all.clear();
    }
}
