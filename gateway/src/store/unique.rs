use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use hashbrown::HashTable;
use kong::Kind;
use serde_json::Value;
use uuid::Uuid;

use super::Row;

/// Name of the index over fields that are unique together.
pub const TOGETHER: &str = "@together";

pub type Rows = BTreeMap<(Kind, Uuid), Arc<Row>>;

/// Which entity has which value of a unique field. The values stand in the rows alone.
#[derive(Default)]
pub struct Unique {
    hasher: RandomState,
    places: HashTable<Place>,
}

struct Place {
    id: Uuid,
    kind: Kind,
    /// Of kind, field and value.
    hash: u32,
}

impl Unique {
    pub fn find<'r>(
        &self,
        rows: &'r Rows,
        kind: Kind,
        field: &'static str,
        value: &str,
    ) -> Option<&'r Arc<Row>> {
        let hash = self.hash(kind, field, value);
        let has_value = |row: &Row| unique_value(row, field).as_deref() == Some(value);
        let mut found = None;
        let is_it = |place: &Place| {
            place.hash == hash && place.kind == kind && {
                found = rows.get(&(kind, place.id)).filter(|row| has_value(row));
                found.is_some()
            }
        };
        self.places.find(spread(hash), is_it)?;
        found
    }

    pub fn insert(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            let hash = self.hash(row.kind, field, &value);
            let place = Place {
                id: row.id,
                kind: row.kind,
                hash,
            };
            let places = &mut self.places;
            places.insert_unique(spread(hash), place, |place| spread(place.hash));
        }
    }

    pub fn remove(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            let hash = self.hash(row.kind, field, &value);
            let is_it = |place: &Place| place.hash == hash && place.id == row.id;
            if let Ok(place) = self.places.find_entry(spread(hash), is_it) {
                place.remove();
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of a hash is one, too"
    )]
    fn hash(&self, kind: Kind, field: &str, value: &str) -> u32 {
        self.hasher.hash_one((kind, field, value)) as u32
    }
}

/// The table takes the place from one end of a hash and what tells neighbours apart from the other.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
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
