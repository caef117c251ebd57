//! Gateway entities as plain fields: the form in which desired and actual state are compared.
//!
//! Every desired entity passes [`complete`], so it carries all defaults and is known to satisfy
//! the gateway's schema before anything is sent.

use std::{collections::BTreeMap, fmt};

use kong::{ApiError, Kind, schema};
use serde_json::{Map, Value};
use uuid::Uuid;

/// All fields of one entity.
pub type Fields = Map<String, Value>;

/// What an entity is called in all of its life. The order is the one in which a document is read:
/// parents first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub id: Uuid,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.collection(), self.id)
    }
}

/// One entity.
pub type Entity = (Key, Fields);

/// A set of entities. `Debug` names them only, because their fields hold secrets.
#[derive(Clone, Default, PartialEq)]
pub struct Entities(BTreeMap<Key, Fields>);

impl Entities {
    #[cfg(test)]
    pub fn insert(&mut self, key: Key, fields: Fields) {
        self.0.insert(key, fields);
    }

    pub fn get(&self, key: &Key) -> Option<&Fields> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Fields)> {
        self.0.iter()
    }

    /// The entities of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (Uuid, &Fields)> {
        let from = Key {
            kind,
            id: Uuid::nil(),
        };
        let to = Key {
            kind,
            id: Uuid::max(),
        };
        self.0
            .range(from..=to)
            .map(|(key, fields)| (key.id, fields))
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    pub fn remove(&mut self, key: &Key) -> Option<Fields> {
        self.0.remove(key)
    }

    /// The same as it may be shown.
    pub fn masked(&self) -> Self {
        let shown = self.0.iter();
        shown
            .map(|(key, fields)| (*key, masked(key.kind, fields)))
            .collect()
    }

    pub fn retain(&mut self, keep: impl Fn(&Key, &Fields) -> bool) {
        self.0.retain(|key, fields| keep(key, fields));
    }
}

impl Extend<(Key, Fields)> for Entities {
    fn extend<I: IntoIterator<Item = (Key, Fields)>>(&mut self, entities: I) {
        self.0.extend(entities);
    }
}

impl IntoIterator for Entities {
    type Item = (Key, Fields);
    type IntoIter = std::collections::btree_map::IntoIter<Key, Fields>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Key, Fields)> for Entities {
    fn from_iter<I: IntoIterator<Item = (Key, Fields)>>(entities: I) -> Self {
        Self(entities.into_iter().collect())
    }
}

impl fmt::Debug for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.keys().map(Key::to_string))
            .finish()
    }
}

/// The entity with all defaults, or what the gateway would have against it.
pub fn complete<E: kong::Entity>(entity: &E) -> Result<(Key, Fields), String> {
    let key = Key {
        kind: E::KIND,
        id: entity.id(),
    };
    let fields = match serde_json::to_value(entity) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err("an entity is always an object".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let mut fields = schema::entity::examine(E::KIND, fields)
        .map_err(|faults| ApiError::schema(faults.into_fields()).message)?;
    // What the gateway fills in by itself is not ours to say.
    for field in &schema::entity::of(E::KIND).fields {
        if field.auto && fields.get(field.name).is_some_and(Value::is_null) {
            fields.remove(field.name);
        }
    }
    Ok((key, fields))
}

/// The id that a reference such as `{"consumer": {"id": "…"}}` holds.
pub fn reference(fields: &Fields, name: &str) -> Option<Uuid> {
    fields.get(name)?.get("id")?.as_str()?.parse().ok()
}

/// A field with a text.
pub fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

pub fn tags(fields: &Fields) -> impl Iterator<Item = &str> {
    let tags = fields.get("tags").and_then(Value::as_array);
    tags.into_iter().flatten().filter_map(Value::as_str)
}

/// The fields as they may be shown: secrets replaced.
pub fn masked(kind: Kind, fields: &Fields) -> Fields {
    let mut shown = fields.clone();
    let hide = |place: &mut Fields, name: &str| {
        if place.get(name).is_some_and(|value| !value.is_null()) {
            place.insert(name.to_owned(), Value::from("***"));
        }
    };
    for field in schema::entity::of(kind)
        .fields
        .iter()
        .filter(|field| field.secret)
    {
        hide(&mut shown, field.name);
    }
    if let (Kind::Plugin, Some(config)) = (kind, shown.get_mut("config")) {
        mask_config(config);
    }
    shown
}

/// What a plugin must not show, wherever it stands: every gateway has plugins that are not known
/// here, so it goes by names.
fn mask_config(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if member.is_string() && is_secret(name) {
                    *member = Value::from("***");
                } else {
                    mask_config(member);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask_config),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let marks = [
        "password",
        "secret",
        "provision_key",
        "digest_key",
        "aws_key",
        "authorization",
        "api_key",
        "private_key",
    ];
    name.ends_with("token") || marks.iter().any(|mark| name.contains(mark))
}
