//! The desired state as one declarative document (events-and-adapters C13): for a Kong without
//! database, and for files. The same entities always give the same bytes.

use std::collections::BTreeMap;

use kong::Kind;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    entity::{Entities, Fields, Key, reference, text},
    target::Version,
};

/// What the gateway keeps for itself.
const OWN: [&str; 2] = ["created_at", "updated_at"];

/// The document as JSON text. The lists of `base` come first.
pub fn render(
    entities: &Entities,
    version: Version,
    base: Option<&Map<String, Value>>,
    select_tag: Option<&str>,
) -> Vec<u8> {
    let mut document = base.cloned().unwrap_or_default();
    let format = if version < Version(3, 0) {
        "2.1"
    } else {
        "3.0"
    };
    document.insert("_format_version".to_owned(), json!(format));
    document.insert("_transform".to_owned(), json!(true));
    if let Some(tag) = select_tag {
        document.insert("_info".to_owned(), json!({ "select_tags": [tag] }));
    }
    let tree = Tree::new(entities);
    for (name, list) in [
        ("services", tree.services()),
        ("consumers", tree.consumers()),
        ("plugins", tree.global_plugins()),
    ] {
        let place = document
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(there) = place {
            there.extend(list);
        }
    }
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut text, &canonical(Value::Object(document)));
    text
}

/// Children by their parent.
struct Tree<'a> {
    entities: &'a Entities,
    children: BTreeMap<(Kind, Uuid), Vec<(&'a Key, &'a Fields)>>,
}

impl<'a> Tree<'a> {
    fn new(entities: &'a Entities) -> Self {
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, fields) in entities.iter() {
            if matches!(key.kind, Kind::Service | Kind::Consumer) {
                continue;
            }
            let parent = reference(fields, "consumer")
                .or_else(|| reference(fields, "service"))
                .unwrap_or_default();
            children
                .entry((key.kind, parent))
                .or_default()
                .push((key, fields));
        }
        Self { entities, children }
    }

    fn services(&self) -> Vec<Value> {
        let mut services: Vec<_> = self.entities.of_kind(Kind::Service).collect();
        services.sort_by_key(|(_, fields)| text(fields, "name"));
        services
            .into_iter()
            .map(|(id, fields)| {
                let mut shown = written(id, fields);
                self.nest(&mut shown, Kind::Route, "routes", id);
                self.nest(&mut shown, Kind::Plugin, "plugins", id);
                Value::Object(shown)
            })
            .collect()
    }

    fn consumers(&self) -> Vec<Value> {
        let mut consumers: Vec<_> = self.entities.of_kind(Kind::Consumer).collect();
        consumers.sort_by_key(|(_, fields)| text(fields, "username"));
        consumers
            .into_iter()
            .map(|(id, fields)| {
                let mut shown = written(id, fields);
                for kind in [
                    Kind::Acl,
                    Kind::KeyAuth,
                    Kind::JwtSecret,
                    Kind::Oauth2,
                    Kind::Plugin,
                ] {
                    self.nest(&mut shown, kind, kind.name(), id);
                }
                Value::Object(shown)
            })
            .collect()
    }

    fn global_plugins(&self) -> Vec<Value> {
        self.below(Kind::Plugin, Uuid::nil())
    }

    fn nest(&self, parent: &mut Map<String, Value>, kind: Kind, name: &str, id: Uuid) {
        let children = self.below(kind, id);
        if !children.is_empty() {
            parent.insert(name.to_owned(), Value::Array(children));
        }
    }

    fn below(&self, kind: Kind, parent: Uuid) -> Vec<Value> {
        let children = self.children.get(&(kind, parent)).into_iter().flatten();
        let mut children: Vec<_> = children.collect();
        children.sort_by_key(|(key, fields)| {
            let name = ["name", "group", "key", "client_id"];
            let name = name.iter().find_map(|field| text(fields, field));
            (name.map(str::to_owned), key.id)
        });
        children
            .into_iter()
            .map(|(key, fields)| {
                let mut shown = written(key.id, fields);
                shown.remove("consumer");
                if let Some(service) = reference(fields, "service") {
                    shown.remove("service");
                    if service != parent {
                        shown.insert("service".to_owned(), self.name_of(service));
                    }
                }
                Value::Object(shown)
            })
            .collect()
    }

    fn name_of(&self, service: Uuid) -> Value {
        let key = Key {
            kind: Kind::Service,
            id: service,
        };
        let name = self
            .entities
            .get(&key)
            .and_then(|fields| fields.get("name"));
        name.cloned().unwrap_or_else(|| json!(service))
    }
}

/// The fields that are set.
fn written(id: Uuid, fields: &Fields) -> Map<String, Value> {
    let mut shown: Map<String, Value> = fields
        .iter()
        .filter(|(name, value)| !value.is_null() && !OWN.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    shown.insert("id".to_owned(), json!(id));
    shown
}

/// The same with all members in alphabetical order.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> = members
                .into_iter()
                .map(|(name, value)| (name, canonical(value)))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(elements) => elements.into_iter().map(canonical).collect(),
        other => other,
    }
}

/// The service or consumer that an entity hangs on.
pub fn unit_of(entities: &Entities, key: Key) -> Key {
    entities.get(&key).map_or(key, |fields| {
        if let Some(id) = reference(fields, "consumer") {
            return Key {
                kind: Kind::Consumer,
                id,
            };
        }
        reference(fields, "service").map_or(key, |id| Key {
            kind: Kind::Service,
            id,
        })
    })
}

/// Takes a service or consumer out, with everything that hangs on it.
pub fn take_out(entities: &mut Entities, unit: Key) {
    let field = match unit.kind {
        Kind::Consumer => Some("consumer"),
        Kind::Service => Some("service"),
        _ => None,
    };
    entities.retain(|key, fields| {
        *key != unit && field.is_none_or(|field| reference(fields, field) != Some(unit.id))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(kind: Kind, id: u128, fields: &Value) -> (Key, Fields) {
        let id = Uuid::from_u128(id);
        (Key { kind, id }, fields.as_object().unwrap().clone())
    }

    fn entities() -> Entities {
        let service = json!({"id": Uuid::from_u128(1)});
        let consumer = json!({"id": Uuid::from_u128(2)});
        [
            entity(
                Kind::Service,
                1,
                &json!({"name": "pets", "host": "h", "path": null}),
            ),
            entity(
                Kind::Route,
                3,
                &json!({"name": "pets.0", "service": service}),
            ),
            entity(
                Kind::Plugin,
                4,
                &json!({"name": "acl", "service": service, "config": {"b": 1, "a": 2}}),
            ),
            entity(
                Kind::Consumer,
                2,
                &json!({"username": "a$pets", "created_at": 5}),
            ),
            entity(
                Kind::Acl,
                5,
                &json!({"group": "pets", "consumer": consumer}),
            ),
            entity(
                Kind::Plugin,
                6,
                &json!({"name": "rate-limiting", "service": service, "consumer": consumer}),
            ),
            entity(Kind::Plugin, 7, &json!({"name": "prometheus"})),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn children_stand_below_their_parents() {
        let text = render(&entities(), Version(3, 10), None, None);
        let document: Value = serde_json::from_slice(&text).unwrap();
        let id = |number| Uuid::from_u128(number);
        assert_eq!(
            document,
            json!({
                "_format_version": "3.0", "_transform": true,
                "services": [{"id": id(1), "name": "pets", "host": "h",
                    "routes": [{"id": id(3), "name": "pets.0"}],
                    "plugins": [{"id": id(4), "name": "acl", "config": {"a": 2, "b": 1}}]}],
                "consumers": [{"id": id(2), "username": "a$pets",
                    "acls": [{"id": id(5), "group": "pets"}],
                    "plugins": [{"id": id(6), "name": "rate-limiting", "service": "pets"}]}],
                "plugins": [{"id": id(7), "name": "prometheus"}]
            })
        );
        assert!(
            String::from_utf8(text)
                .unwrap()
                .contains(r#""config":{"a":2,"b":1}"#)
        );
        let old = render(&entities(), Version(2, 8), None, Some("t"));
        let old: Value = serde_json::from_slice(&old).unwrap();
        assert_eq!(old["_format_version"], "2.1");
        assert_eq!(old["_info"]["select_tags"], json!(["t"]));
    }

    #[test]
    fn what_is_taken_out_takes_its_children_along() {
        let mut left = entities();
        let unit = unit_of(&left, entity(Kind::Route, 3, &json!({})).0);
        assert_eq!(unit.kind, Kind::Service);
        take_out(&mut left, unit);
        let kinds: Vec<Kind> = left.iter().map(|(key, _)| key.kind).collect();
        assert_eq!(kinds, [Kind::Consumer, Kind::Acl, Kind::Plugin]);
    }
}
