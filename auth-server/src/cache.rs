//! A small map whose entries end by themselves.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Remembers what a neighbour said for a short time. Bounded: when it is full, what has ended goes
/// first, and if nothing has, everything.
pub struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Instant, V)>>,
    lifetime: Duration,
    capacity: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub fn new(lifetime: Duration, capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            lifetime,
            capacity,
        }
    }

    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.lock().expect("no holder of this lock panics");
        entries
            .get(key)
            .filter(|(since, _)| since.elapsed() < self.lifetime)
            .map(|(_, value)| value.clone())
    }

    pub fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock().expect("no holder of this lock panics");
        if entries.len() >= self.capacity {
            entries.retain(|_, (since, _)| since.elapsed() < self.lifetime);
            if entries.len() >= self.capacity {
                entries.clear();
            }
        }
        entries.insert(key, (Instant::now(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_and_the_map_is_bounded() {
        let cache = Cache::new(Duration::from_mins(1), 2);
        cache.put("a".to_owned(), 1);
        cache.put("b".to_owned(), 2);
        assert_eq!(cache.get("a"), Some(1));
        cache.put("c".to_owned(), 3);
        assert_eq!((cache.get("a"), cache.get("c")), (None, Some(3)));
        for token in 0..2000 {
            cache.put(token.to_string(), token);
            assert!(cache.entries.lock().unwrap().len() <= 2);
        }
        let ended = Cache::new(Duration::ZERO, 2);
        ended.put("a".to_owned(), 1);
        assert_eq!(ended.get("a"), None::<i32>);
    }
}
