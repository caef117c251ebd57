//! Entries in the order of the file, found by id at once.

use std::{collections::HashMap, sync::Arc};

/// Something that the configuration lists under an id.
pub trait Entry {
    fn id(&self) -> &str;
}

/// An ordered list with an index. Iterates in configuration order.
#[derive(Debug)]
pub struct Catalog<T> {
    entries: Vec<Arc<T>>,
    by_id: HashMap<String, usize>,
}

impl<T: Entry> Catalog<T> {
    /// Of entries with the same id the first one stays; the duplicates are returned.
    pub fn new(entries: impl IntoIterator<Item = T>) -> (Self, Vec<T>) {
        let mut catalog = Self {
            entries: Vec::new(),
            by_id: HashMap::new(),
        };
        let mut duplicates = Vec::new();
        for entry in entries {
            if catalog.by_id.contains_key(entry.id()) {
                duplicates.push(entry);
                continue;
            }
            catalog
                .by_id
                .insert(entry.id().to_owned(), catalog.entries.len());
            catalog.entries.push(Arc::new(entry));
        }
        (catalog, duplicates)
    }

    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.by_id.get(id).map(|index| &self.entries[*index])
    }

    /// Whether there is an entry with this id.
    pub fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// All entries in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<T>> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a, T: Entry> IntoIterator for &'a Catalog<T> {
    type Item = &'a Arc<T>;
    type IntoIter = std::slice::Iter<'a, Arc<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}
