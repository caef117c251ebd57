use std::{collections::BTreeSet, sync::Arc};

use kong::Kind;
use uuid::Uuid;

use super::{
    LogFolders, Row,
    unique::{Rows, Unique},
};

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
    rows: Rows,
    unique: Unique,
    /// A parent with an entity that refers to it.
    children: BTreeSet<(Kind, Uuid, Kind, Uuid)>,
    changes: Vec<Change>,
    pub log_folders: LogFolders,
}

impl Tables {
    pub fn get(&self, kind: Kind, id: Uuid) -> Option<&Arc<Row>> {
        self.rows.get(&(kind, id))
    }

    /// The entity that holds this value of a unique field.
    pub fn by_unique(&self, kind: Kind, field: &'static str, value: &str) -> Option<&Arc<Row>> {
        self.unique.find(&self.rows, kind, field, value)
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
        let (of, id) = parent;
        let range = (of, id, kind, Uuid::nil())..=(of, id, kind, Uuid::max());
        let children = self.children.range(range);
        children.filter_map(|(.., kind, id)| self.rows.get(&(*kind, *id)))
    }

    /// Everything that refers to the parent.
    pub fn all_children(&self, parent: (Kind, Uuid)) -> Vec<Arc<Row>> {
        let kinds = Kind::ALL.into_iter();
        let children = kinds.flat_map(|kind| self.children(parent, kind));
        children.cloned().collect()
    }

    /// The row as it is answered: a certificate names its SNIs.
    pub fn shown(&self, row: &Arc<Row>) -> Arc<Row> {
        if row.kind != Kind::Certificate {
            return row.clone();
        }
        let snis = self.children((Kind::Certificate, row.id), Kind::Sni);
        let mut names: Vec<String> = snis.filter_map(|sni| sni.text("name")).collect();
        names.sort_unstable();
        let mut fields = row.fields();
        fields.insert("snis".to_owned(), names.into());
        Arc::new(Row::new(row.kind, row.id, row.position, &fields))
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
        self.unique.insert(row);
        self.children.extend(links(row));
    }

    fn unindex(&mut self, row: &Row) {
        self.unique.remove(row);
        for link in links(row) {
            self.children.remove(&link);
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

/// The parents of a row, each with the row.
fn links(row: &Row) -> impl Iterator<Item = (Kind, Uuid, Kind, Uuid)> {
    let parents = row.kind.parents().iter();
    parents.filter_map(|(field, parent)| Some((*parent, row.reference(field)?, row.kind, row.id)))
}
