//! Ids of entities that a document gives none: always the same for the same entity, so that reloads
//! and other machines agree (gateway 3).

use std::collections::HashMap;

use kong::Kind;
use ring::digest;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Entry;

const BASE: Uuid = Uuid::from_u128(0xfd02_801f_0957_4a15_a55a_c8d9_606f_30b5);

pub fn of(kind: Kind, fields: &Map<String, Value>, parent: Option<(Kind, Uuid)>) -> Uuid {
    let given = fields.get("id").and_then(Value::as_str);
    if let Some(id) = given.and_then(|id| Uuid::try_parse(id).ok()) {
        return id;
    }
    let namespace = version_5(BASE, kind.name());
    version_5(namespace, &key(kind, fields, parent))
}

/// The text that makes an entity the one it is.
fn key(kind: Kind, fields: &Map<String, Value>, parent: Option<(Kind, Uuid)>) -> String {
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let reference = |field: &str| match fields.get(field) {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(object)) => {
            let written = ["id", "name", "username"];
            let mut written = written
                .iter()
                .filter_map(|name| object.get(*name)?.as_str());
            written.next().unwrap_or_default().to_owned()
        }
        _ => String::new(),
    };
    let natural = match kind {
        Kind::Service | Kind::Route | Kind::Upstream | Kind::Sni => text("name").map(str::to_owned),
        Kind::Consumer => text("username").map(str::to_owned),
        Kind::Plugin => text("name").map(|name| {
            let bound = ["route", "service", "consumer"].map(reference).join(":");
            format!("plugins:*:{name}:{bound}")
        }),
        Kind::Target => {
            text("target").map(|target| format!("targets:*:{}:{target}", reference("upstream")))
        }
        Kind::BasicAuth | Kind::HmacAuth => {
            text("username").map(|username| format!("{}:*:{username}", kind.name()))
        }
        Kind::Acl => text("group").map(|group| format!("acls:*:{}:{group}", reference("consumer"))),
        _ => None,
    };
    natural.unwrap_or_else(|| {
        let parent = match (kind, parent) {
            (Kind::KeyAuth | Kind::JwtSecret, _) => reference("consumer"),
            (_, Some((_, id))) => id.to_string(),
            _ => String::new(),
        };
        let own = text("key").map(str::to_owned);
        let own = own.unwrap_or_else(|| canonical(&Value::Object(fields.clone())));
        format!("{}:{parent}:{own}", kind.name())
    })
}

/// JSON with sorted names.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            let members: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", json!(name), canonical(&members[name])))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(canonical).collect();
            format!("[{}]", list.join(","))
        }
        other => other.to_string(),
    }
}

fn version_5(namespace: Uuid, name: &str) -> Uuid {
    let text = [namespace.as_bytes(), name.as_bytes()].concat();
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &text);
    let bytes = hash.as_ref()[..16].try_into().expect("SHA-1 has 20 bytes");
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

/// References by name or bare id become `{"id": …}`.
pub fn resolve(entries: &mut [Entry]) {
    let mut known: HashMap<(Kind, String), Uuid> = HashMap::new();
    for entry in &*entries {
        let key = entry.kind.natural_key();
        if let Some(name) = key.and_then(|key| entry.fields.get(key)?.as_str()) {
            known.insert((entry.kind, name.to_owned()), entry.id);
        }
    }
    for entry in entries {
        entry
            .fields
            .insert("id".to_owned(), json!(entry.id.to_string()));
        for (field, parent) in entry.kind.parents() {
            let name = match entry.fields.get(*field) {
                Some(Value::String(name)) => name.clone(),
                Some(Value::Object(object)) => {
                    let key = parent.natural_key().unwrap_or("id");
                    match object.get(key).and_then(Value::as_str) {
                        Some(name) if object.len() == 1 => name.to_owned(),
                        _ => continue,
                    }
                }
                _ => continue,
            };
            let id = known.get(&(*parent, name.clone())).copied();
            if let Some(id) = id.or_else(|| Uuid::try_parse(&name).ok()) {
                let reference = json!({ "id": id.to_string() });
                entry.fields.insert((*field).to_owned(), reference);
            } else {
                let message = format!("no entity of {parent} is called `{name}`");
                entry.fault.get_or_insert(((*field).to_owned(), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_rule() {
        // RFC 9562: version 5 of `www.example.com` in the namespace of DNS names.
        let dns: Uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap();
        assert_eq!(
            version_5(dns, "www.example.com").to_string(),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2"
        );
        let fields = |value: Value| value.as_object().unwrap().clone();
        let service = of(Kind::Service, &fields(json!({"name": "a"})), None);
        assert_eq!(service, version_5(version_5(BASE, "services"), "a"));
        let plugin = of(
            Kind::Plugin,
            &fields(json!({"name": "cors", "service": "a"})),
            None,
        );
        let namespace = version_5(BASE, "plugins");
        assert_eq!(plugin, version_5(namespace, "plugins:*:cors::a:"));
        let one = of(
            Kind::KeyAuth,
            &fields(json!({"consumer": "c", "key": "k"})),
            None,
        );
        let other = of(
            Kind::KeyAuth,
            &fields(json!({"consumer": "d", "key": "k"})),
            None,
        );
        assert_ne!(one, other);
    }
}
