use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

use arc_swap::ArcSwap;
use hashbrown::HashTable;

use crate::numbers;

/// Values that know their own key, in many parts, each swapped as a whole: a change copies one part
/// only. The parts are tables rather than maps: the hash that chose the part finds the place in it,
/// too, and a key that stands in its value needs no room of its own.
pub struct Shards<K: ?Sized, V> {
    key: fn(&V) -> &K,
    hasher: RandomState,
    parts: Box<[ArcSwap<HashTable<V>>]>,
}

const SHARDS: usize = 512;

impl<K: Eq + Hash + ToOwned + ?Sized, V: Clone> Shards<K, V> {
    pub fn new(key: fn(&V) -> &K) -> Self {
        Self {
            key,
            hasher: RandomState::new(),
            parts: (0..SHARDS)
                .map(|_| ArcSwap::from_pointee(HashTable::new()))
                .collect(),
        }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let part = self.parts[numbers::part_of(hash, SHARDS)].load();
        part.find(hash, |known| (self.key)(known) == key).cloned()
    }

    /// Takes out what stands under `gone`, then puts in `new`; of equal keys the last one stays.
    pub fn update(&self, gone: Vec<K::Owned>, new: Vec<V>) {
        let mut by_part: HashMap<usize, Vec<Hashed<K, V>>> = HashMap::new();
        let gone = gone.into_iter().map(Change::Remove);
        for change in gone.chain(new.into_iter().map(Change::Put)) {
            let hash = self.hasher.hash_one(self.key_of(&change));
            let part = by_part.entry(numbers::part_of(hash, SHARDS)).or_default();
            part.push(Hashed { hash, change });
        }
        for (part, changes) in by_part {
            let mut table = HashTable::clone(&self.parts[part].load());
            for Hashed { hash, change } in changes {
                let key = self.key_of(&change);
                if let Ok(known) = table.find_entry(hash, |known| (self.key)(known) == key) {
                    known.remove();
                }
                if let Change::Put(value) = change {
                    let again = |known: &V| self.hasher.hash_one((self.key)(known));
                    table.insert_unique(hash, value, again);
                }
            }
            self.parts[part].store(Arc::new(table));
        }
    }

    fn key_of<'a>(&self, change: &'a Change<K, V>) -> &'a K {
        match change {
            Change::Remove(key) => key.borrow(),
            Change::Put(value) => (self.key)(value),
        }
    }
}

struct Hashed<K: ToOwned + ?Sized, V> {
    hash: u64,
    change: Change<K, V>,
}

enum Change<K: ToOwned + ?Sized, V> {
    Remove(K::Owned),
    Put(V),
}
