//! What several plugins have in common, so that a change of one loses nothing.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// What is known by a description, as long as somebody uses it.
pub type Known<K, V> = Mutex<Option<HashMap<K, Weak<V>>>>;

/// The one by this description; made if there is none.
pub fn one_for<K: Eq + Hash, V>(known: &Known<K, V>, key: K, make: impl FnOnce(&K) -> V) -> Arc<V> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    known.retain(|_, one| one.strong_count() > 0);
    if let Some(one) = known.get(&key).and_then(Weak::upgrade) {
        return one;
    }
    let one = Arc::new(make(&key));
    known.insert(key, Arc::downgrade(&one));
    one
}
