//! Taking over entities that another hand has made (events-and-adapters C12.3), for example those
//! of wicked. What is not taken over is never touched.

use std::collections::{BTreeMap, BTreeSet};

use kong::Kind;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    desired::Desired,
    diff::{Aliases, natural_key},
    entity::{Entities, Fields, Key, reference, tags, text},
};

/// What may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopt {
    #[default]
    Never,
    /// What is ours already but for its tags.
    Exact,
    /// Everything that has a name of ours.
    Names,
}

impl std::str::FromStr for Adopt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            "exact" => Ok(Self::Exact),
            "names" => Ok(Self::Names),
            _ => Err("it can be `never`, `exact` or `names`".to_owned()),
        }
    }
}

/// Splits everything that the gateway has into what is ours, what is taken over (both in the first
/// set), and what is not ours.
pub fn split(
    all: Entities,
    desired: &Desired,
    own_tag: &str,
    adopt: Adopt,
) -> (Entities, BTreeSet<Key>) {
    let (mut own, mut foreign): (Entities, Entities) = (Entities::default(), Entities::default());
    for (key, fields) in all {
        let is_own = tags(&fields).any(|tag| tag == own_tag);
        let side = if is_own { &mut own } else { &mut foreign };
        side.extend([(key, fields)]);
    }
    let mut adopted = BTreeSet::new();
    // Parents first: children are known by them.
    for kind in Kind::OF_KONG {
        let wanted = wanted(kind, desired, &own);
        let mut found = Vec::new();
        for (id, fields) in foreign.of_kind(kind) {
            let mut fields = fields.clone();
            if kind == Kind::Route && adopt == Adopt::Names {
                name_route(&mut fields, desired, &own);
            }
            let ours = natural_key(kind, &fields, &Aliases::new()).and_then(|key| wanted.get(&key));
            if let Some(ours) = ours
                && (adopt == Adopt::Names || is_exact(kind, ours, &fields))
            {
                found.push((Key { kind, id }, fields));
            }
        }
        for (key, fields) in found {
            adopted.insert(key);
            own.extend([(key, fields)]);
        }
    }
    (own, adopted)
}

/// What is desired and not there yet, by natural key under the ids of the gateway.
fn wanted<'a>(kind: Kind, desired: &'a Desired, own: &Entities) -> BTreeMap<String, &'a Fields> {
    let (_, aliases) = crate::diff::align(desired, own, &Aliases::new());
    desired
        .entities
        .of_kind(kind)
        .filter(|(id, _)| {
            let id = aliases.get(id).copied().unwrap_or(*id);
            !own.contains(&Key { kind, id })
        })
        .filter_map(|(_, fields)| Some((natural_key(kind, fields, &aliases)?, fields)))
        .collect()
}

/// Whether nothing but tags would change.
fn is_exact(kind: Kind, desired: &Fields, actual: &Fields) -> bool {
    let same = |name: &str| text(desired, name) == text(actual, name);
    match kind {
        Kind::Consumer => same("custom_id"),
        Kind::Service => ["host", "path", "protocol"].into_iter().all(same),
        Kind::Route => selection(desired) == selection(actual),
        Kind::Plugin => reference(actual, "service").is_some(),
        _ => true,
    }
}

/// Routes of wicked have no name: one with the same selection takes ours.
fn name_route(route: &mut Fields, desired: &Desired, own: &Entities) {
    if text(route, "name").is_some() {
        return;
    }
    let Some(service) = reference(route, "service") else {
        return;
    };
    let service_name = |entities: &Entities, id: Uuid| {
        let key = Key {
            kind: Kind::Service,
            id,
        };
        entities
            .get(&key)
            .and_then(|fields| text(fields, "name"))
            .map(str::to_owned)
    };
    let Some(name) = service_name(own, service) else {
        return;
    };
    let ours = desired.entities.of_kind(Kind::Route).find(|(_, fields)| {
        let of_service =
            reference(fields, "service").and_then(|id| service_name(&desired.entities, id));
        of_service.as_deref() == Some(&name) && selection(fields) == selection(route)
    });
    if let Some((_, fields)) = ours
        && let Some(name) = fields.get("name")
    {
        route.insert("name".to_owned(), name.clone());
    }
}

/// What a route selects by, without order.
fn selection(route: &Fields) -> Vec<BTreeSet<String>> {
    let list = |name: &str| {
        let list = route.get(name).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts
            .map(|text| text.trim_start_matches('~').to_owned())
            .collect()
    };
    ["paths", "hosts", "methods"]
        .into_iter()
        .map(list)
        .collect()
}
