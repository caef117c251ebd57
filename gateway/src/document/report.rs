//! What is wrong with a document: as a tree of its own shape, or entity by entity.

use kong::{ApiError, error::Code};
use serde_json::{Map, Value, json};

use super::Entry;

/// The faults of a document.
pub struct Faulty {
    /// Those that belong to no entity.
    of_none: Map<String, Value>,
    entities: Vec<(Place, Map<String, Value>, Value)>,
}

type Place = Vec<(&'static str, usize)>;

impl Faulty {
    pub fn new(of_none: Map<String, Value>) -> Self {
        Self {
            of_none,
            entities: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.of_none.is_empty() && self.entities.is_empty()
    }

    pub fn add(&mut self, entry: &Entry, faults: Map<String, Value>) {
        let described = describe(entry, &faults);
        self.entities.push((entry.place.clone(), faults, described));
    }

    pub fn error(self, flattened: bool) -> ApiError {
        let mut fields = self.of_none;
        let mut error = ApiError::new(
            Code::InvalidDocument,
            "the document has faults; the configuration before it stays in force",
        );
        if flattened {
            let described = self.entities.into_iter().map(|(.., described)| described);
            error.flattened_errors = described.collect();
        } else {
            for (place, faults, _) in self.entities {
                plant(&mut fields, &place, faults);
            }
        }
        error.with_fields(fields)
    }
}

/// Puts faults at their place in a tree like the document: lists have nulls where all is well.
fn plant(
    tree: &mut Map<String, Value>,
    place: &[(&'static str, usize)],
    faults: Map<String, Value>,
) {
    let Some(((list, position), inner)) = place.split_first() else {
        tree.extend(faults);
        return;
    };
    let elements = tree.entry(*list).or_insert_with(|| json!([]));
    let Value::Array(elements) = elements else {
        return;
    };
    if elements.len() <= *position {
        elements.resize(position + 1, Value::Null);
    }
    let element = &mut elements[*position];
    if element.is_null() {
        *element = Value::Object(Map::new());
    }
    if let Value::Object(element) = element {
        plant(element, inner, faults);
    }
}

fn describe(entry: &Entry, faults: &Map<String, Value>) -> Value {
    let mut errors = Vec::new();
    flatten("", &Value::Object(faults.clone()), &mut errors);
    let mut described = json!({
        "entity_type": entry.kind.name().trim_end_matches('s'),
        "entity_id": entry.id,
        "entity": entry.fields,
        "errors": errors,
    });
    let name = ["name", "username"]
        .iter()
        .find_map(|field| entry.fields.get(*field));
    if let Value::Object(described) = &mut described {
        for (field, value) in [
            ("entity_name", name),
            ("entity_tags", entry.fields.get("tags")),
        ] {
            if let Some(value) = value {
                described.insert(field.to_owned(), value.clone());
            }
        }
    }
    described
}

fn flatten(path: &str, value: &Value, errors: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = match (path, name.as_str()) {
                    (_, "@entity") => path.to_owned(),
                    ("", name) => name.to_owned(),
                    (path, name) => format!("{path}.{name}"),
                };
                flatten(&below, value, errors);
            }
        }
        Value::Array(texts) => {
            for text in texts {
                let mut error = json!({ "type": "entity", "message": text });
                if let (Value::Object(error), false) = (&mut error, path.is_empty()) {
                    error.insert("field".to_owned(), json!(path));
                }
                errors.push(error);
            }
        }
        message => errors.push(json!({ "type": "field", "field": path, "message": message })),
    }
}

/// The faults of an entity by field, whatever rule is broken.
pub fn fields_of(error: ApiError) -> Map<String, Value> {
    if error.code == Some(Code::SchemaViolation.number()) && !error.fields.is_empty() {
        return *error.fields;
    }
    match error.fields.keys().next() {
        Some(field) if error.fields.len() == 1 => {
            Map::from_iter([(field.clone(), json!(error.message))])
        }
        _ => Map::from_iter([("@entity".to_owned(), json!([error.message]))]),
    }
}
