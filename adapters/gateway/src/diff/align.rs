//! Entities that the gateway has under another id than ours: those that were taken over, and those
//! of an older naming. What has the same natural key is the same thing, and keeps the id it has,
//! since issued tokens and other entities point to it (events-and-adapters C10).

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use kong::Kind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    desired::Desired,
    entity::{Entities, Fields, Key, reference, text},
};

/// Our id → the one that the gateway has.
pub type Aliases = BTreeMap<Uuid, Uuid>;

/// Parents before those that refer to them.
const ORDER: [Kind; 8] = Kind::OF_KONG;

/// The desired state under the gateway's ids. `known` are those that are known already.
pub fn align<'a>(
    desired: &'a Desired,
    actual: &Entities,
    known: &Aliases,
) -> (Cow<'a, Desired>, Aliases) {
    let mut aliases = known.clone();
    let strays: BTreeSet<Kind> = actual
        .iter()
        .filter(|(key, _)| !desired.entities.contains(key))
        .map(|(key, _)| key.kind)
        .collect();
    if strays.is_empty() && known.is_empty() {
        return (Cow::Borrowed(desired), aliases);
    }
    for kind in ORDER.into_iter().filter(|kind| strays.contains(kind)) {
        find_aliases(kind, desired, actual, &mut aliases);
    }
    if aliases.is_empty() {
        return (Cow::Borrowed(desired), aliases);
    }
    (Cow::Owned(renamed(desired, &aliases)), aliases)
}

fn find_aliases(kind: Kind, desired: &Desired, actual: &Entities, aliases: &mut Aliases) {
    let mut wanted: HashMap<String, Uuid> = HashMap::new();
    for (id, fields) in desired.entities.of_kind(kind) {
        let is_there = actual.contains(&Key { kind, id });
        if let (false, Some(key)) = (is_there, natural_key(kind, fields, aliases)) {
            wanted.insert(key, id);
        }
    }
    if kind == Kind::Consumer {
        let kept = desired.kept_consumers.iter();
        wanted.extend(kept.map(|(id, kept)| (kept.username.clone(), *id)));
    }
    for (id, fields) in actual.of_kind(kind) {
        if desired.entities.contains(&Key { kind, id }) {
            continue;
        }
        let key = natural_key(kind, fields, &Aliases::new());
        if let Some(ours) = key.and_then(|key| wanted.remove(&key)) {
            aliases.insert(ours, id);
        }
    }
}

/// What makes an entity the one it is, with references as the gateway has them.
pub fn natural_key(kind: Kind, fields: &Fields, aliases: &Aliases) -> Option<String> {
    let parent = |name: &str| {
        let id = reference(fields, name)?;
        Some(aliases.get(&id).copied().unwrap_or(id).to_string())
    };
    let parent = |name: &str| parent(name).unwrap_or_default();
    let own = |name: &str| text(fields, name).map(str::to_owned);
    match kind {
        Kind::Service | Kind::Route => own("name"),
        Kind::Consumer => own("username"),
        Kind::KeyAuth => own("key").or_else(|| own("key_digest")),
        Kind::JwtSecret => own("key"),
        Kind::Oauth2 => own("client_id"),
        Kind::Acl => Some(format!("{} {}", parent("consumer"), own("group")?)),
        Kind::Plugin => Some(format!(
            "{} {} {} {}",
            own("name")?,
            parent("service"),
            parent("route"),
            parent("consumer")
        )),
        // The adapter writes none of these.
        _ => None,
    }
}

fn renamed(desired: &Desired, aliases: &Aliases) -> Desired {
    let new = |id: &Uuid| aliases.get(id).copied().unwrap_or(*id);
    let entities = desired.entities.iter().map(|(key, fields)| {
        let id = new(&key.id);
        let mut fields = fields.clone();
        if fields.contains_key("id") {
            fields.insert("id".to_owned(), json!(id));
        }
        for name in ["service", "route", "consumer"] {
            let Some(parent) = reference(&fields, name) else {
                continue;
            };
            if let Some(Value::Object(reference)) = fields.get_mut(name) {
                reference.insert("id".to_owned(), json!(new(&parent)));
            }
        }
        (Key { id, ..*key }, fields)
    });
    let kept = desired.kept_consumers.iter();
    let credentials = desired.credentials.iter();
    Desired {
        entities: entities.collect(),
        kept_consumers: kept.map(|(id, kept)| (new(id), kept.clone())).collect(),
        credentials: credentials
            .map(|(id, credential)| (new(id), credential.clone()))
            .collect(),
        problems: desired.problems.clone(),
        applications: desired.applications.clone(),
        kept_apis: desired.kept_apis.clone(),
        ignored: desired.ignored.clone(),
    }
}
