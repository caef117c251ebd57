//! Reading and writing single entities, flat and below their parents.

use std::sync::Arc;

use http::Method;
use kong::{ApiError, Kind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Admin, Answer, Reply};
use crate::store::{Key, Row, Tables, not_found, present};

/// The entity below which another one is named: `/consumers/{key}/…`.
pub struct Owner {
    pub kind: Kind,
    pub key: Key,
}

/// The kind that a segment below an entity of `owner` names.
pub fn child_kind(owner: Kind, segment: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| {
        kind.nested() == segment && kind.parents().iter().any(|(_, parent)| *parent == owner)
    })
}

/// The reference that a segment below an entity names: `/routes/{key}/service`.
pub fn parent_field(kind: Kind, segment: &str) -> Option<(&'static str, Kind)> {
    kind.parents()
        .iter()
        .find(|(field, _)| *field == segment)
        .copied()
}

fn now() -> i64 {
    service::clock::now().timestamp_millis()
}

fn show(row: &Row) -> Map<String, Value> {
    present(row, now() / 1000)
}

pub async fn get(admin: &Admin, kind: Kind, key: Key) -> Answer {
    let row = admin
        .store
        .read(move |tables| tables.find(kind, &key).cloned())
        .await?;
    row.map(|row| Reply::ok(show(&row))).ok_or_else(not_found)
}

pub async fn get_child(admin: &Admin, owner: Owner, kind: Kind, key: &str) -> Answer {
    let key = Key::parse(key);
    let row = admin
        .store
        .read(move |tables| child(tables, &owner, kind, &key).map(|(_, row)| row))
        .await??;
    row.map(|row| Reply::ok(show(&row))).ok_or_else(not_found)
}

pub async fn create(
    admin: &Admin,
    kind: Kind,
    mut input: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let row = admin
        .store
        .write(move |tables| {
            if let Some(owner) = owner {
                refer_to(tables, &owner, kind, &mut input)?;
            }
            tables.create(kind, input, now())
        })
        .await?;
    audit("created", &row);
    Ok(Reply::created(show(&row)))
}

pub async fn put(
    admin: &Admin,
    kind: Kind,
    mut key: Key,
    mut input: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let row = admin
        .store
        .write(move |tables| {
            if let Some(owner) = owner {
                // A group is named by itself below its consumer only.
                if let (Kind::Acl, Key::Name(group)) = (kind, &key) {
                    input.insert("group".to_owned(), json!(group));
                }
                let (id, existing) = child(tables, &owner, kind, &key)?;
                refer_to(tables, &owner, kind, &mut input)?;
                match (existing, &key) {
                    (Some(row), _) => key = Key::Id(row.id),
                    (None, Key::Name(_)) if kind.natural_key().is_none() => {
                        key = Key::Id(Uuid::new_v4());
                    }
                    // It exists, but belongs to somebody else.
                    (None, key) if tables.find(kind, key).is_some() => return Err(not_found()),
                    (None, _) => {}
                }
                debug_assert!(!id.is_nil(), "the owner was found");
            }
            tables.upsert(kind, &key, input, now())
        })
        .await?;
    audit("put", &row);
    Ok(Reply::ok(show(&row)))
}

pub async fn patch(
    admin: &Admin,
    kind: Kind,
    key: Key,
    changes: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let row = admin
        .store
        .write(move |tables| {
            let key = own(tables, owner, kind, key)?;
            tables.merge(kind, &key, changes, now())
        })
        .await?;
    audit("changed", &row);
    Ok(Reply::ok(show(&row)))
}

pub async fn delete(admin: &Admin, kind: Kind, key: Key, owner: Option<Owner>) -> Answer {
    let is_nested = owner.is_some();
    let gone = admin
        .store
        .write(move |tables| {
            let key = match own(tables, owner, kind, key) {
                Ok(key) => key,
                Err(error) if is_nested => return Err(error),
                Err(_) => return Ok(None),
            };
            let Some(row) = tables.find(kind, &key).cloned() else {
                return Ok(None);
            };
            tables.delete(kind, row.id)?;
            Ok(Some(row))
        })
        .await?;
    if let Some(row) = gone {
        audit("deleted", &row);
    }
    Ok(Reply::no_content())
}

/// `GET`, `PUT`, `PATCH /routes/{key}/service`: the entity that a reference leads to.
pub async fn parent(
    admin: &Admin,
    owner: Owner,
    field: &'static str,
    parent: Kind,
    change: Option<(Method, Map<String, Value>)>,
) -> Answer {
    let row = admin
        .store
        .write(move |tables| {
            let entity = tables
                .find(owner.kind, &owner.key)
                .cloned()
                .ok_or_else(not_found)?;
            let reference = entity.reference(field);
            match (change, reference) {
                (None, Some(id)) => tables.get(parent, id).cloned().ok_or_else(not_found),
                (Some((Method::PATCH, change)), Some(id)) => {
                    tables.merge(parent, &Key::Id(id), change, now())
                }
                (Some((_, input)), Some(id)) => tables.upsert(parent, &Key::Id(id), input, now()),
                (Some((Method::PUT, input)), None) => {
                    let row = tables.create(parent, input, now())?;
                    let link =
                        Map::from_iter([(field.to_owned(), json!({ "id": row.id.to_string() }))]);
                    tables.merge(owner.kind, &Key::Id(entity.id), link, now())?;
                    Ok(row)
                }
                (_, None) => Err(not_found()),
            }
        })
        .await?;
    Ok(Reply::ok(show(&row)))
}

/// The id of the owner, and the entity if it belongs to it.
fn child(
    tables: &Tables,
    owner: &Owner,
    kind: Kind,
    key: &Key,
) -> Result<(Uuid, Option<Arc<Row>>), ApiError> {
    let owner_id = tables
        .find(owner.kind, &owner.key)
        .ok_or_else(not_found)?
        .id;
    let parent = (owner.kind, owner_id);
    let found = match (key, kind) {
        (Key::Name(group), Kind::Acl) => tables
            .children(parent, Kind::Acl)
            .find(|row| row.text("group") == Some(group))
            .cloned(),
        _ => tables
            .find(kind, key)
            .filter(|row| belongs(row, parent))
            .cloned(),
    };
    Ok((owner_id, found))
}

fn belongs(row: &Row, (kind, id): (Kind, Uuid)) -> bool {
    row.kind
        .parents()
        .iter()
        .any(|(field, parent)| *parent == kind && row.reference(field) == Some(id))
}

/// The key by which the entity is found; below an owner only if it belongs to it.
fn own(tables: &Tables, owner: Option<Owner>, kind: Kind, key: Key) -> Result<Key, ApiError> {
    let Some(owner) = owner else { return Ok(key) };
    let (_, row) = child(tables, &owner, kind, &key)?;
    row.map(|row| Key::Id(row.id)).ok_or_else(not_found)
}

/// Sets the reference to the owner.
fn refer_to(
    tables: &Tables,
    owner: &Owner,
    kind: Kind,
    input: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let id = tables
        .find(owner.kind, &owner.key)
        .ok_or_else(not_found)?
        .id;
    if let Some((field, _)) = kind
        .parents()
        .iter()
        .find(|(_, parent)| *parent == owner.kind)
    {
        input.insert((*field).to_owned(), json!({ "id": id.to_string() }));
    }
    Ok(())
}

/// Who changed what; values stay out of it.
fn audit(act: &str, row: &Row) {
    tracing::debug!(target: "audit", { entity.kind = %row.kind, entity.id = %row.id }, "{act}");
}
