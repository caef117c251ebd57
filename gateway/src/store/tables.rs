use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use kong::Kind;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::LogFolders;

/// One entity as it is stored and answered: all fields present.
#[derive(Debug)]
pub struct Row {
    pub kind: Kind,
    pub id: Uuid,
    /// Its place in the document that it comes from: decides where times are equal.
    pub position: usize,
    pub fields: Map<String, Value>,
}

impl Row {
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// The id that a reference field points to.
    pub fn reference(&self, field: &str) -> Option<Uuid> {
        self.fields.get(field)?.get("id")?.as_str()?.parse().ok()
    }

    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.fields
            .get("tags")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    pub fn created_at(&self) -> i64 {
        self.fields
            .get("created_at")
            .and_then(|moment| moment.as_i64().or_else(|| whole_seconds(moment.as_f64()?)))
            .unwrap_or_default()
    }

    /// The typed entity.
    pub fn parse<E: kong::Entity>(&self) -> Result<E, serde_json::Error> {
        serde_json::from_value(Value::Object(self.fields.clone()))
    }
}

/// Those of targets have milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit, and the fraction is what is cut off"
)]
fn whole_seconds(moment: f64) -> Option<i64> {
    (0.0..1e12).contains(&moment).then_some(moment as i64)
}

/// One step of a write: an entity before and after.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: Kind,
    pub id: Uuid,
    pub before: Option<Arc<Row>>,
    pub after: Option<Arc<Row>>,
}

/// All entities with their indexes, and the changes not yet on disk.
#[derive(Default)]
pub struct Tables {
    rows: BTreeMap<(Kind, Uuid), Arc<Row>>,
    /// Value of a unique field, or of fields that are unique together.
    unique: HashMap<(Kind, &'static str, String), Uuid>,
    /// Parent → entities that refer to it.
    children: HashMap<(Kind, Uuid), BTreeSet<(Kind, Uuid)>>,
    changes: Vec<Change>,
    pub log_folders: LogFolders,
}

/// Name of the index over fields that are unique together.
pub const TOGETHER: &str = "@together";

impl Tables {
    pub fn get(&self, kind: Kind, id: Uuid) -> Option<&Arc<Row>> {
        self.rows.get(&(kind, id))
    }

    /// The entity that holds this value of a unique field.
    pub fn by_unique(&self, kind: Kind, field: &'static str, value: &str) -> Option<&Arc<Row>> {
        let id = self.unique.get(&(kind, field, value.to_owned()))?;
        self.get(kind, *id)
    }

    /// Entities of a kind in the order of their ids, from after `after` on.
    pub fn all(&self, kind: Kind, after: Option<Uuid>) -> impl Iterator<Item = &Arc<Row>> {
        use std::ops::Bound::{Excluded, Included};
        let start = match after {
            Some(id) => Excluded((kind, id)),
            None => Included((kind, Uuid::nil())),
        };
        self.rows
            .range((start, Included((kind, Uuid::max()))))
            .map(|(_, row)| row)
    }

    /// Entities of `kind` that refer to the parent, in the order of their ids.
    pub fn children(&self, parent: (Kind, Uuid), kind: Kind) -> impl Iterator<Item = &Arc<Row>> {
        self.children
            .get(&parent)
            .into_iter()
            .flat_map(move |children| children.range((kind, Uuid::nil())..=(kind, Uuid::max())))
            .filter_map(|key| self.rows.get(key))
    }

    /// Everything that refers to the parent.
    pub fn all_children(&self, parent: (Kind, Uuid)) -> Vec<Arc<Row>> {
        let children = self.children.get(&parent).into_iter().flatten();
        children
            .filter_map(|key| self.rows.get(key))
            .cloned()
            .collect()
    }

    /// The row as it is answered: a certificate names its SNIs.
    pub fn shown(&self, row: &Arc<Row>) -> Arc<Row> {
        if row.kind != Kind::Certificate {
            return row.clone();
        }
        let snis = self.children((Kind::Certificate, row.id), Kind::Sni);
        let mut names: Vec<&str> = snis.filter_map(|sni| sni.text("name")).collect();
        names.sort_unstable();
        let mut fields = row.fields.clone();
        fields.insert("snis".to_owned(), names.into());
        Arc::new(Row {
            kind: row.kind,
            id: row.id,
            position: row.position,
            fields,
        })
    }

    pub fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Stores the row as it is. Rules are checked before (see `write`).
    pub fn put(&mut self, row: Arc<Row>) {
        self.replace(row.kind, row.id, Some(row));
    }

    pub fn remove(&mut self, kind: Kind, id: Uuid) {
        self.replace(kind, id, None);
    }

    fn replace(&mut self, kind: Kind, id: Uuid, after: Option<Arc<Row>>) {
        let before = self.set(kind, id, after.as_ref());
        self.changes.push(Change {
            kind,
            id,
            before,
            after,
        });
    }

    fn set(&mut self, kind: Kind, id: Uuid, after: Option<&Arc<Row>>) -> Option<Arc<Row>> {
        let before = match after {
            Some(row) => self.rows.insert((kind, id), row.clone()),
            None => self.rows.remove(&(kind, id)),
        };
        if let Some(before) = &before {
            self.unindex(before);
        }
        if let Some(after) = after {
            self.index(after);
        }
        before
    }

    fn index(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            self.unique.insert((row.kind, field, value), row.id);
        }
        for (field, parent) in row.kind.parents() {
            if let Some(id) = row.reference(field) {
                self.children
                    .entry((*parent, id))
                    .or_default()
                    .insert((row.kind, row.id));
            }
        }
    }

    fn unindex(&mut self, row: &Row) {
        for (field, value) in unique_values(row) {
            self.unique.remove(&(row.kind, field, value));
        }
        for (field, parent) in row.kind.parents() {
            if let Some(id) = row.reference(field)
                && let Some(children) = self.children.get_mut(&(*parent, id))
            {
                children.remove(&(row.kind, row.id));
                if children.is_empty() {
                    self.children.remove(&(*parent, id));
                }
            }
        }
    }

    /// Changes since the last [`take_changes`](Self::take_changes).
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// A point to roll back to.
    pub fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Undoes every change since `mark`.
    pub fn roll_back(&mut self, mark: usize) {
        while self.changes.len() > mark
            && let Some(change) = self.changes.pop()
        {
            self.set(change.kind, change.id, change.before.as_ref());
        }
    }
}

/// The unique values of a row, each with the name of its index.
pub fn unique_values(row: &Row) -> Vec<(&'static str, String)> {
    let mut values: Vec<(&'static str, String)> = row
        .kind
        .unique_fields()
        .iter()
        .filter_map(|field| Some((*field, row.text(field)?.to_owned())))
        .collect();
    let together = row.kind.unique_together();
    if !together.is_empty() {
        let parts: Vec<&Value> = together
            .iter()
            .map(|field| row.fields.get(*field).unwrap_or(&Value::Null))
            .collect();
        values.push((TOGETHER, serde_json::to_string(&parts).unwrap_or_default()));
    }
    values
}
