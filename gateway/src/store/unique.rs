use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use hashbrown::HashTable;
use kong::Kind;
use serde_json::Value;

use super::Row;

/// Name of the index over fields that are unique together.
pub const TOGETHER: &str = "@together";

/// Which entity has which value of a unique field. The values stand in the rows alone.
#[derive(Default)]
pub struct Unique {
    hasher: RandomState,
    rows: HashMap<(Kind, &'static str), HashTable<Row>>,
}

impl Unique {
    pub fn find(&self, kind: Kind, field: &'static str, value: &str) -> Option<&Row> {
        let rows = self.rows.get(&(kind, field))?;
        rows.find(self.hasher.hash_one(value), |row| {
            unique_value(row, field).as_deref() == Some(value)
        })
    }

    pub fn insert(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            let rows = self.rows.entry((row.kind, field)).or_default();
            let hash = |value: &str| self.hasher.hash_one(value);
            rows.insert_unique(hash(&value), row.clone(), |row| {
                hash(&unique_value(row, field).unwrap_or_default())
            });
        }
    }

    pub fn remove(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            let Some(rows) = self.rows.get_mut(&(row.kind, field)) else {
                continue;
            };
            let hash = self.hasher.hash_one(&*value);
            if let Ok(place) = rows.find_entry(hash, |known| known.is(row)) {
                place.remove();
            }
        }
    }
}

/// The unique values of a row, each with the name of its index.
pub fn unique_values(row: &Row) -> impl Iterator<Item = (&'static str, String)> {
    let fields = row.kind.unique_fields().iter().copied();
    let together = (!row.kind.unique_together().is_empty()).then_some(TOGETHER);
    let fields = fields.chain(together);
    fields.filter_map(move |field| Some((field, unique_value(row, field)?)))
}

fn unique_value(row: &Row, field: &str) -> Option<String> {
    if field != TOGETHER {
        return row.text(field);
    }
    let parts = row.kind.unique_together().iter();
    let parts: Vec<Value> = parts.map(|field| row.value(field)).collect();
    serde_json::to_string(&parts).ok()
}
