//! Which target has which event, so that an event that comes again because of one target does not
//! reach the others twice.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard},
};

/// The oldest ones beyond this number are forgotten.
const CAPACITY: usize = 20_000;

#[derive(Debug, Default)]
pub struct Delivered(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    keys: HashSet<(String, String)>,
    order: VecDeque<(String, String)>,
}

impl Delivered {
    pub fn contains(&self, event: &str, target: &str) -> bool {
        self.memory()
            .keys
            .contains(&(event.to_owned(), target.to_owned()))
    }

    pub fn insert(&self, event: &str, target: &str) {
        let key = (event.to_owned(), target.to_owned());
        let mut memory = self.memory();
        if memory.keys.insert(key.clone()) {
            memory.order.push_back(key);
        }
        if memory.order.len() > CAPACITY
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.keys.remove(&oldest);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no holder of this lock panics")
    }
}
