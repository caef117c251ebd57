use std::collections::HashMap;

use kong::{ApiError, Kind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Document, Faulty, report::fields_of};
use crate::store::{Row, Tables};

/// A document that is in force, or the same as before.
pub struct Loaded {
    pub rows: Vec<Row>,
}

/// Puts the entities of the document in the place of all that were there; on an error everything
/// stays as it is. Entities that have not changed stay the same rows, so that what is compiled and
/// counted for them stays, too. `now` in milliseconds.
pub fn load(tables: &mut Tables, mut document: Document, now: i64) -> Result<Loaded, Faulty> {
    // Parents first, each kind in the order of the document.
    document.entries.sort_by_key(|entry| entry.kind);
    let mut fresh = Tables::default();
    fresh.log_folders = tables.log_folders.clone();
    let mut report = Faulty::new(std::mem::take(&mut document.faults));
    let mut places: HashMap<(Kind, Uuid), u32> = HashMap::new();
    for entry in document.entries {
        let place = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let mut fields = entry.fields.clone();
        if let Some(before) = tables.get(entry.kind, entry.id) {
            fields
                .entry("created_at")
                .or_insert_with(|| before.value("created_at"));
        }
        let created = match &entry.fault {
            Some((field, message)) => {
                let faults = Map::from_iter([(field.clone(), json!(message))]);
                Err(ApiError::schema(faults))
            }
            None if places.insert((entry.kind, entry.id), place).is_some() => {
                let faults = json!({ "id": "another entity of the document has this id" });
                Err(ApiError::schema(
                    faults.as_object().cloned().unwrap_or_default(),
                ))
            }
            None => fresh.create(entry.kind, fields, now),
        };
        if let Err(error) = created {
            report.add(&entry, fields_of(error));
        }
    }
    if !report.is_empty() {
        return Err(report);
    }
    let rows: Vec<Row> = fresh
        .rows()
        .map(|row| {
            let place = places.get(&(row.kind, row.id)).copied();
            unchanged(tables, row, place.unwrap_or_default())
        })
        .collect();
    let gone: Vec<Row> = tables
        .rows()
        .filter(|row| fresh.get(row.kind, row.id).is_none())
        .cloned()
        .collect();
    for row in gone {
        tables.remove(row.kind, row.id);
    }
    for row in &rows {
        let is_there = tables
            .get(row.kind, row.id)
            .is_some_and(|known| known.is(row));
        if !is_there {
            tables.put(row.clone());
        }
    }
    Ok(Loaded { rows })
}

/// The row that is in force, if nothing of it has changed.
fn unchanged(tables: &Tables, row: &Row, position: u32) -> Row {
    let fields = row.fields();
    let is_same = |before: &Row| {
        let known = before.fields();
        before.position == position
            && known.len() == fields.len()
            && known
                .iter()
                .all(|(name, value)| name == "updated_at" || fields.get(name) == Some(value))
    };
    match tables.get(row.kind, row.id) {
        Some(before) if is_same(before) => before.clone(),
        _ => Row::new(row.kind, row.id, position, &fields),
    }
}

impl Loaded {
    /// `{"services": {"<id>": {…}}, …}`
    pub fn show(&self) -> Value {
        let mut kinds: Map<String, Value> = Map::new();
        for row in &self.rows {
            let of_kind = kinds
                .entry(row.kind.name())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(of_kind) = of_kind {
                of_kind.insert(row.id.to_string(), Value::Object(row.fields()));
            }
        }
        Value::Object(kinds)
    }
}
