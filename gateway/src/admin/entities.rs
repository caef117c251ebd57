//! Reading and writing single entities, flat and below their parents.

use std::net::IpAddr;

use http::Method;
use kong::{ApiError, Kind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Admin, Answer, Reply, passwords};
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
        .read(move |tables| tables.find(kind, &key).map(|row| tables.shown(row)))
        .await?;
    row.map(|row| Reply::ok(show(&row))).ok_or_else(not_found)
}

pub async fn get_child(admin: &Admin, owner: Owner, kind: Kind, key: &str) -> Answer {
    let key = Key::parse(key);
    let row = admin
        .store
        .read(move |tables| {
            let row = child(tables, &owner, kind, &key)?;
            Ok::<_, ApiError>(row.map(|row| tables.shown(&row)))
        })
        .await??;
    row.map(|row| Reply::ok(show(&row))).ok_or_else(not_found)
}

pub async fn create(
    admin: &Admin,
    kind: Kind,
    input: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let fields = names(&input);
    let mut input = passwords::hash(kind, input).await?;
    let row = admin
        .store
        .write(move |tables| {
            if let Some(owner) = owner {
                refer_to(tables, &owner, kind, &mut input)?;
            }
            let row = tables.create(kind, input, now())?;
            Ok(tables.shown(&row))
        })
        .await?;
    audit("created", &row, &fields);
    Ok(Reply::created(show(&row)))
}

pub async fn put(
    admin: &Admin,
    kind: Kind,
    mut key: Key,
    input: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let fields = names(&input);
    let mut input = passwords::hash(kind, input).await?;
    let row = admin
        .store
        .write(move |tables| {
            if let Some(owner) = owner {
                // Groups and targets are named by themselves below their parents only.
                if let (Some(field), Key::Name(name)) = (kind.nested_key(), &key) {
                    input.insert(field.to_owned(), json!(name));
                }
                let existing = child(tables, &owner, kind, &key)?;
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
            } else if let (Key::Name(name), None) = (&key, kind.natural_key()) {
                key = named(tables, kind, name, &mut input)?;
            }
            let row = tables.upsert(kind, &key, input, now())?;
            Ok(tables.shown(&row))
        })
        .await?;
    audit("put", &row, &fields);
    Ok(Reply::ok(show(&row)))
}

pub async fn patch(
    admin: &Admin,
    kind: Kind,
    key: Key,
    changes: Map<String, Value>,
    owner: Option<Owner>,
) -> Answer {
    let fields = names(&changes);
    let changes = passwords::hash(kind, changes).await?;
    let row = admin
        .store
        .write(move |tables| {
            let key = own(tables, owner, kind, key)?;
            let row = tables.merge(kind, &key, changes, now())?;
            Ok(tables.shown(&row))
        })
        .await?;
    audit("changed", &row, &fields);
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
        audit("deleted", &row, "");
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
    let fields = change.as_ref().map(|(_, change)| names(change));
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
    if let Some(fields) = fields {
        audit("changed", &row, &fields);
    }
    Ok(Reply::ok(show(&row)))
}

/// The entity, if it belongs to the owner.
fn child(tables: &Tables, owner: &Owner, kind: Kind, key: &Key) -> Result<Option<Row>, ApiError> {
    let owner_id = tables
        .find(owner.kind, &owner.key)
        .ok_or_else(not_found)?
        .id;
    Ok(tables
        .find_below((owner.kind, owner_id), kind, key)
        .cloned())
}

/// A certificate that is put under a name is the one of that SNI, or becomes it.
fn named(
    tables: &Tables,
    kind: Kind,
    name: &str,
    input: &mut Map<String, Value>,
) -> Result<Key, ApiError> {
    if kind != Kind::Certificate {
        return Err(not_found());
    }
    if let Some(row) = tables.find(kind, &Key::Name(name.to_owned())) {
        return Ok(Key::Id(row.id));
    }
    let snis = input.entry("snis").or_insert_with(|| json!([]));
    if let Value::Array(snis) = snis {
        snis.push(json!(name));
    }
    Ok(Key::Id(Uuid::new_v4()))
}

/// The key by which the entity is found; below an owner only if it belongs to it.
fn own(tables: &Tables, owner: Option<Owner>, kind: Kind, key: Key) -> Result<Key, ApiError> {
    let Some(owner) = owner else { return Ok(key) };
    let row = child(tables, &owner, kind, &key)?;
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

tokio::task_local! {
    /// Who calls.
    pub static CALLER: IpAddr;
}

/// Who changed what; values stay out of it (gateway 10.10).
fn audit(act: &str, row: &Row, fields: &str) {
    let caller = CALLER.try_with(ToString::to_string).unwrap_or_default();
    tracing::info!(
        target: "audit",
        { entity.kind = %row.kind, entity.id = %row.id, caller, fields },
        "{act}"
    );
}

/// Names of fields, as far as they are some.
fn names(fields: &Map<String, Value>) -> String {
    let known = |name: &&String| name.bytes().all(|byte| byte.is_ascii_graphic());
    let names: Vec<&str> = fields.keys().filter(known).map(String::as_str).collect();
    names.join(" ")
}
