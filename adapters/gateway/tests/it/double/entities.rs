//! Collections over HTTP: reading by page and tag, writing, nested forms.

use axum::{body::Bytes, http::Method};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    Answer, DoubleState,
    answer::Refusal,
    store::{Entity, Kind, examine, find_kind},
};

impl DoubleState {
    pub fn entities(
        &mut self,
        method: &Method,
        segments: &[&str],
        query: &[(String, String)],
        body: &Bytes,
    ) -> Answer {
        match segments {
            [collection] => {
                let kind =
                    find_kind(|kind| kind.flat == *collection).ok_or_else(Refusal::not_found)?;
                match method.as_str() {
                    "GET" => self.list(kind, None, query),
                    "POST" => self.create(kind, input(body)?),
                    _ => Err(Refusal::plain(405, "Method not allowed")),
                }
            }
            [collection, id] => {
                let kind =
                    find_kind(|kind| kind.flat == *collection).ok_or_else(Refusal::not_found)?;
                self.one(method, kind, id, body)
            }
            [collection, parent, rest @ ..] => {
                let parent_kind =
                    find_kind(|kind| kind.flat == *collection).ok_or_else(Refusal::not_found)?;
                let field = parent_kind.name.trim_end_matches('s');
                let kind =
                    find_kind(|kind| kind.nested == rest[0] && kind.parents.contains(&field))
                        .ok_or_else(Refusal::not_found)?;
                let parent = self
                    .store
                    .find(parent_kind, parent)
                    .ok_or_else(Refusal::not_found)?;
                let parent = parent["id"].clone();
                self.nested(method, kind, (field, &parent), &rest[1..], query, body)
            }
            [] => Err(Refusal::not_found()),
        }
    }

    fn nested(
        &mut self,
        method: &Method,
        kind: &'static Kind,
        (field, parent): (&str, &Value),
        rest: &[&str],
        query: &[(String, String)],
        body: &Bytes,
    ) -> Answer {
        match (method.as_str(), rest) {
            ("GET", []) => self.list(kind, Some((field, parent)), query),
            ("POST", []) => {
                let mut input = input(body)?;
                input.insert(field.to_owned(), json!({"id": parent}));
                self.create(kind, input)
            }
            (_, [id]) => {
                let known = self
                    .store
                    .find(kind, id)
                    .filter(|found| found[field]["id"] == *parent);
                match (method.as_str(), known.is_some()) {
                    ("PUT", _) => {
                        let mut input = input(body)?;
                        input.insert(field.to_owned(), json!({"id": parent}));
                        self.replace(kind, id, input)
                    }
                    (_, false) => Err(Refusal::not_found()),
                    _ => self.one(method, kind, id, body),
                }
            }
            _ => Err(Refusal::not_found()),
        }
    }

    /// The schema alone: what an entity refers to need not be there.
    pub fn validate(&self, name: &str, body: &Bytes) -> Answer {
        let kind = find_kind(|kind| kind.name == name).ok_or_else(Refusal::not_found)?;
        examine(kind, input(body)?, self.version, self.database)?;
        Ok((200, json!({"message": "schema validation successful"})))
    }

    fn writable(&self) -> Result<(), Refusal> {
        if self.database {
            Ok(())
        } else {
            Err(Refusal::unsupported())
        }
    }

    fn create(&mut self, kind: &'static Kind, input: Map<String, Value>) -> Answer {
        self.writable()?;
        if let Some(id) = input.get("id").and_then(Value::as_str)
            && self.store.find(kind, id).is_some()
        {
            return Err(Refusal::coded(
                400,
                3,
                "primary key violation",
                "primary key violation".to_owned(),
                json!({"id": id}),
            ));
        }
        let entity = self.store.put(kind, input, self.version, self.database)?;
        Ok((201, Value::Object(entity)))
    }

    fn replace(
        &mut self,
        kind: &'static Kind,
        id_or_key: &str,
        mut input: Map<String, Value>,
    ) -> Answer {
        self.writable()?;
        let known = self
            .store
            .find(kind, id_or_key)
            .map(|entity| entity["id"].clone());
        if uuid::Uuid::try_parse(id_or_key).is_ok() {
            if input.get("id").is_some_and(|id| id != id_or_key) {
                return Err(Refusal::plain(400, "id in body and path differ"));
            }
            input.insert("id".to_owned(), json!(id_or_key));
        } else {
            let key = kind.key.ok_or_else(Refusal::not_found)?;
            input.insert(key.to_owned(), json!(id_or_key));
            input.extend(known.map(|id| ("id".to_owned(), id)));
        }
        let entity = self.store.put(kind, input, self.version, self.database)?;
        Ok((200, Value::Object(entity)))
    }

    fn one(&mut self, method: &Method, kind: &'static Kind, id: &str, body: &Bytes) -> Answer {
        match method.as_str() {
            "GET" => match self.store.find(kind, id) {
                Some(entity) => Ok((200, Value::Object(entity.clone()))),
                None => Err(Refusal::not_found()),
            },
            "PUT" => {
                let input = input(body)?;
                self.bodies.push(Value::Object(input.clone()));
                self.replace(kind, id, input)
            }
            "PATCH" => {
                self.writable()?;
                let known = self
                    .store
                    .find(kind, id)
                    .cloned()
                    .ok_or_else(Refusal::not_found)?;
                let mut merged = Value::Object(known);
                merge(&mut merged, Value::Object(input(body)?));
                let Value::Object(mut merged) = merged else {
                    unreachable!()
                };
                // What is shown under old names would be taken for a change of the new one.
                if let Some(Value::Object(config)) = merged.get_mut("config")
                    && config.contains_key("redis")
                {
                    config.retain(|name, _| !name.starts_with("redis_"));
                }
                let entity = self.store.put(kind, merged, self.version, self.database)?;
                Ok((200, Value::Object(entity)))
            }
            "DELETE" => {
                self.writable()?;
                if let Some(id) = self.store.find(kind, id).map(|entity| entity["id"].clone()) {
                    self.store.delete(kind, id.as_str().unwrap())?;
                }
                Ok((204, Value::Null))
            }
            _ => Err(Refusal::plain(405, "Method not allowed")),
        }
    }

    fn list(
        &mut self,
        kind: &'static Kind,
        parent: Option<(&str, &Value)>,
        query: &[(String, String)],
    ) -> Answer {
        let parameter = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let invalid =
            |code: u8, name: &str| Refusal::coded(400, code, name, name.to_owned(), json!({}));
        let size: usize = parameter("size")
            .unwrap_or("100")
            .parse()
            .map_err(|_| invalid(9, "invalid size"))?;
        if !(1..=1000).contains(&size) {
            return Err(invalid(9, "invalid size"));
        }
        self.largest_page = self.largest_page.max(size);
        let offset = match parameter("offset") {
            Some(offset) => {
                let id = URL_SAFE_NO_PAD
                    .decode(offset)
                    .map_err(|_| invalid(7, "invalid offset"))?;
                String::from_utf8(id).map_err(|_| invalid(7, "invalid offset"))?
            }
            None => String::new(),
        };
        let tags = parameter("tags");
        if tags.is_some_and(|tags| tags.is_empty() || (tags.contains(',') && tags.contains('/'))) {
            return Err(invalid(11, "invalid options"));
        }
        let has = |entity: &Entity, tag: &str| {
            entity["tags"]
                .as_array()
                .is_some_and(|tags| tags.iter().any(|one| one == tag))
        };
        let tagged = |entity: &Entity| match tags {
            Some(tags) if tags.contains('/') => tags.split('/').any(|tag| has(entity, tag)),
            Some(tags) => tags.split(',').all(|tag| has(entity, tag)),
            None => true,
        };
        let custom_id = parameter("custom_id").filter(|_| kind.name == "consumers");
        let mut found = self.store.of(kind.name).into_iter().filter(|entity| {
            tagged(entity)
                && parent.is_none_or(|(field, id)| entity[field]["id"] == *id)
                && custom_id.is_none_or(|id| entity["custom_id"] == id)
                && entity["id"].as_str().unwrap() > offset.as_str()
        });
        let data: Vec<Value> = found
            .by_ref()
            .take(size)
            .cloned()
            .map(Value::Object)
            .collect();
        let mut page = json!({"data": data, "next": null});
        if found.next().is_some() {
            let last = data.last().unwrap()["id"].as_str().unwrap();
            let offset = URL_SAFE_NO_PAD.encode(last);
            page["next"] = json!(format!("/{}?offset={offset}", kind.flat));
            page["offset"] = json!(offset);
        }
        Ok((200, page))
    }
}

fn input(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|_| Refusal::plain(400, "Cannot parse JSON body"))
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}
