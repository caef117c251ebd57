//! `POST /config`: all or nothing.

use axum::body::Bytes;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::{
    Answer, DoubleState, NOTHING_LOADED,
    answer::Refusal,
    store::{KINDS, Kind, Store, find_kind},
};

impl DoubleState {
    pub fn load(&mut self, query: &[(String, String)], body: &Bytes) -> Answer {
        if self.database {
            return Err(Refusal::plain(
                400,
                "this endpoint is only available when Kong is configured to not use a database",
            ));
        }
        let option = |name: &str| query.iter().any(|(key, value)| key == name && value == "1");
        let hash = hex::encode(&digest(&SHA256, body).as_ref()[..16]);
        if option("check_hash") && hash == self.hash && hash != NOTHING_LOADED {
            return Ok((304, Value::Null));
        }
        let document: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| refused(json!({"error": error.to_string()}), Vec::new()))?;
        let mut loading = Loading {
            store: Store::default(),
            faults: Vec::new(),
            version: self.version,
            names: std::collections::BTreeMap::new(),
        };
        let mut unknown = Map::new();
        let formats: &[&str] = if self.version.starts_with("2.") {
            &["1.1", "2.1"]
        } else {
            &["1.1", "2.1", "3.0"]
        };
        let format = document
            .get("_format_version")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !formats.contains(&format) {
            unknown.insert(
                "_format_version".to_owned(),
                json!("expected one of the known formats"),
            );
        }
        for name in document.keys() {
            let is_known = find_kind(|kind| kind.name == name).is_some();
            if !is_known
                && !["_format_version", "_transform", "_comment", "_ignore"]
                    .contains(&name.as_str())
            {
                unknown.insert(name.clone(), json!("unknown field"));
            }
        }
        for kind in &KINDS {
            for entity in document
                .get(kind.name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                loading.flatten(kind, entity, None);
            }
        }
        loading.load();
        if !unknown.is_empty() || !loading.faults.is_empty() {
            let faults = if option("flatten_errors") {
                loading.faults
            } else {
                Vec::new()
            };
            return Err(refused(Value::Object(unknown), faults));
        }
        self.store = loading.store;
        self.hash = hash;
        self.text = Some(body.to_vec());
        Ok((201, json!({})))
    }
}

fn refused(fields: Value, faults: Vec<Value>) -> Refusal {
    let message = format!("declarative config is invalid: {fields}");
    let mut refusal = Refusal::coded(
        400,
        14,
        "invalid declarative configuration",
        message,
        fields,
    );
    refusal.body["flattened_errors"] = json!(faults);
    refusal
}

struct Loading {
    store: Store,
    faults: Vec<Value>,
    version: &'static str,
    /// Entities still to be stored, by kind.
    names: std::collections::BTreeMap<usize, Vec<Map<String, Value>>>,
}

impl Loading {
    /// Lifts children out of their parents.
    fn flatten(&mut self, kind: &'static Kind, entity: &Value, parent: Option<(&str, &Value)>) {
        let mut entity = entity.as_object().unwrap().clone();
        if entity.get("id").is_none_or(Value::is_null) {
            entity.insert("id".to_owned(), json!(uuid::Uuid::new_v4()));
        }
        if let Some((field, id)) = parent {
            entity.insert(field.to_owned(), json!({"id": id}));
        }
        let own = kind.name.trim_end_matches('s').to_owned();
        let id = entity["id"].clone();
        for child in KINDS
            .iter()
            .filter(|child| child.parents.contains(&own.as_str()))
        {
            let children = entity.remove(child.name);
            for one in children
                .as_ref()
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.flatten(child, one, Some((&own, &id)));
            }
        }
        let position = KINDS.iter().position(|one| one.name == kind.name).unwrap();
        self.names.entry(position).or_default().push(entity);
    }

    /// Stores everything, parents first, with references by name resolved.
    fn load(&mut self) {
        for (position, entities) in std::mem::take(&mut self.names) {
            let kind = &KINDS[position];
            for mut entity in entities {
                let given = entity.clone();
                for field in kind.parents {
                    let of = find_kind(|of| of.name == format!("{field}s")).unwrap();
                    let Some(reference) = entity.get(*field) else {
                        continue;
                    };
                    let name = reference
                        .as_str()
                        .or_else(|| reference["id"].as_str())
                        .unwrap_or_default();
                    let found = self.store.find(of, name).map(|parent| parent["id"].clone());
                    entity.insert(
                        (*field).to_owned(),
                        json!({"id": found.unwrap_or(json!(name))}),
                    );
                }
                let id = entity["id"].as_str().unwrap().to_owned();
                let refusal = if self.store.find(kind, &id).is_some() {
                    Some(Refusal::plain(400, "duplicate id"))
                } else {
                    self.store.put(kind, entity, self.version, false).err()
                };
                if let Some(refusal) = refusal {
                    self.fault(kind, &given, &refusal);
                }
            }
        }
    }

    fn fault(&mut self, kind: &Kind, entity: &Map<String, Value>, refusal: &Refusal) {
        let mut errors = Vec::new();
        messages("", &refusal.body["fields"], &mut errors);
        if errors.is_empty() {
            errors.push(json!({"type": "entity", "message": refusal.body["message"]}));
        }
        let mut fault = json!({
            "entity_type": kind.name.trim_end_matches('s'), "entity_id": entity["id"],
            "entity_tags": entity.get("tags"), "entity": entity, "errors": errors
        });
        if let Some(name) = entity.get("name") {
            fault["entity_name"] = name.clone();
        }
        self.faults.push(fault);
    }
}

fn messages(path: &str, fields: &Value, into: &mut Vec<Value>) {
    match fields {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                messages(&below, value, into);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| messages(path, value, into)),
        Value::Null => {}
        message => into.push(json!({"type": "field", "field": path, "message": message})),
    }
}
