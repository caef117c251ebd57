//! Which mails have left, so that an event with several receivers goes to none of them twice when
//! it comes again because of another.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard},
};

/// The oldest ones beyond this number are forgotten.
const CAPACITY: usize = 10_000;

#[derive(Debug, Default)]
pub struct Sent(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    digests: HashSet<String>,
    order: VecDeque<String>,
}

impl Sent {
    pub fn contains(&self, digest: &str) -> bool {
        self.memory().digests.contains(digest)
    }

    pub fn insert(&self, digest: String) {
        let mut memory = self.memory();
        if memory.digests.insert(digest.clone()) {
            memory.order.push_back(digest);
        }
        if memory.order.len() > CAPACITY
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.digests.remove(&oldest);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no holder of this lock panics")
    }
}
