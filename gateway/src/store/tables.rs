use std::{
    cmp::Ordering,
    collections::BTreeSet,
    ops::Bound::{Excluded, Included},
};

use kong::Kind;
use uuid::Uuid;

use super::{LogFolders, Row, unique::Unique};

/// One step of a write: an entity before and after.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: Kind,
    pub id: Uuid,
    pub before: Option<Row>,
    pub after: Option<Row>,
}

/// All entities with their indexes, and the changes not yet on disk.
#[derive(Default)]
pub struct Tables {
    rows: BTreeSet<ByKey>,
    unique: Unique,
    children: BTreeSet<Link>,
    changes: Vec<Change>,
    pub log_folders: LogFolders,
}

/// A row in the order of kinds and ids.
struct ByKey(Row);

impl ByKey {
    /// To find the one with this key, or its place.
    fn new(kind: Kind, id: Uuid) -> Self {
        Self(Row::sought(kind, id))
    }

    fn key(&self) -> (Kind, Uuid) {
        (self.0.kind, self.0.id)
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ByKey {}

impl PartialOrd for ByKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// An entity that refers to a parent.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    /// Half of the parent's id. Those who ask look for the whole of it in the row.
    parent: u64,
    row: ByKey,
}

impl Tables {
    pub fn get(&self, kind: Kind, id: Uuid) -> Option<&Row> {
        self.rows.get(&ByKey::new(kind, id)).map(|found| &found.0)
    }

    /// The entity that holds this value of a unique field.
    pub fn by_unique(&self, kind: Kind, field: &'static str, value: &str) -> Option<&Row> {
        self.unique.find(kind, field, value)
    }

    /// Entities of a kind in the order of their ids, from after `after` on.
    pub fn all(&self, kind: Kind, after: Option<Uuid>) -> impl Iterator<Item = &Row> {
        let start = match after {
            Some(id) => Excluded(ByKey::new(kind, id)),
            None => Included(ByKey::new(kind, Uuid::nil())),
        };
        let end = Included(ByKey::new(kind, Uuid::max()));
        self.rows.range((start, end)).map(|found| &found.0)
    }

    /// Entities of `kind` that refer to the parent, in the order of their ids.
    pub fn children(&self, parent: (Kind, Uuid), kind: Kind) -> impl Iterator<Item = &Row> {
        let link = |id| Link {
            parent: half(parent.1),
            row: ByKey::new(kind, id),
        };
        let children = self.children.range(link(Uuid::nil())..=link(Uuid::max()));
        let children = children.map(|link| &link.row.0);
        children.filter(move |row| parents(row).any(|known| known == parent))
    }

    /// Everything that refers to the parent.
    pub fn all_children(&self, parent: (Kind, Uuid)) -> Vec<Row> {
        let kinds = Kind::ALL.into_iter();
        let children = kinds.flat_map(|kind| self.children(parent, kind));
        children.cloned().collect()
    }

    /// The row as it is answered: a certificate names its SNIs.
    pub fn shown(&self, row: &Row) -> Row {
        if row.kind != Kind::Certificate {
            return row.clone();
        }
        let snis = self.children((Kind::Certificate, row.id), Kind::Sni);
        let mut names: Vec<String> = snis.filter_map(|sni| sni.text("name")).collect();
        names.sort_unstable();
        let mut fields = row.fields();
        fields.insert("snis".to_owned(), names.into());
        Row::new(row.kind, row.id, row.position, &fields)
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(|found| &found.0)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Stores the row as it is. Rules are checked before (see `write`).
    pub fn put(&mut self, row: Row) {
        self.replace(row.kind, row.id, Some(row));
    }

    pub fn remove(&mut self, kind: Kind, id: Uuid) {
        self.replace(kind, id, None);
    }

    fn replace(&mut self, kind: Kind, id: Uuid, after: Option<Row>) {
        let before = self.set(kind, id, after.as_ref());
        self.changes.push(Change {
            kind,
            id,
            before,
            after,
        });
    }

    fn set(&mut self, kind: Kind, id: Uuid, after: Option<&Row>) -> Option<Row> {
        let before = match after {
            Some(row) => self.rows.replace(ByKey(row.clone())),
            None => self.rows.take(&ByKey::new(kind, id)),
        };
        let before = before.map(|found| found.0);
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

/// The entities that a row refers to.
fn parents(row: &Row) -> impl Iterator<Item = (Kind, Uuid)> {
    let fields = row.kind.parents().iter();
    fields.filter_map(|(field, parent)| Some((*parent, row.reference(field)?)))
}

fn links(row: &Row) -> impl Iterator<Item = Link> {
    parents(row).map(|(_, id)| Link {
        parent: half(id),
        row: ByKey(row.clone()),
    })
}

fn half(id: Uuid) -> u64 {
    id.as_u64_pair().1
}
