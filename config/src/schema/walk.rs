//! Compares a document with a schema. Knows the keywords that our schemas use.

use serde_json::{Map, Value};

use super::near;
use crate::path::JsonPath;

/// What does not fit, in the order of the document.
pub fn faults(schema: &Value, document: &Value) -> Vec<(JsonPath, String)> {
    let mut walk = Walk {
        definitions: schema.get("$defs").and_then(Value::as_object),
        faults: Vec::new(),
    };
    walk.value(schema, &JsonPath::default(), document);
    walk.faults
}

struct Walk<'s> {
    definitions: Option<&'s Map<String, Value>>,
    faults: Vec<(JsonPath, String)>,
}

impl<'s> Walk<'s> {
    fn value(&mut self, schema: &'s Value, path: &JsonPath, value: &Value) {
        // `null` means absent; a variable may become anything simple.
        if value.is_null() || is_variable(value) {
            return;
        }
        let Some(schema) = self.resolved(schema) else {
            return;
        };
        if let Some(choices) = schema.get("enum").and_then(Value::as_array)
            && !choices.contains(value)
        {
            let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
            self.fault(path, format!("possible are {}", choices.join(", ")));
            return;
        }
        if let Some(wanted) = schema.get("type")
            && !fits(wanted, value)
        {
            self.fault(path, format!("{} is needed here", described(wanted)));
            return;
        }
        match value {
            Value::Object(members) => self.object(schema, path, members),
            Value::Array(elements) => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                if (elements.len() as u64) < least {
                    self.fault(path, format!("at least {least} is needed here"));
                }
                if let Some(items) = schema.get("items") {
                    for (index, element) in elements.iter().enumerate() {
                        self.value(items, &path.index(index), element);
                    }
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, schema: &'s Value, path: &JsonPath, members: &Map<String, Value>) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if members.get(name).is_none_or(Value::is_null) {
                self.fault(&path.key(name), format!("`{name}` is missing"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (name, member) in members {
            let place = path.key(name);
            match (known.and_then(|known| known.get(name)), others) {
                (Some(own), _) => self.value(own, &place, member),
                (None, Some(others)) => self.value(others, &place, member),
                (None, None) => {
                    let absent = known
                        .into_iter()
                        .flat_map(Map::keys)
                        .map(String::as_str)
                        .filter(|known| !members.contains_key(*known));
                    if let Some(meant) = near::nearest(name, absent) {
                        let message =
                            format!("`{name}` is unknown and has no effect; is `{meant}` meant?");
                        self.fault(&place, message);
                    }
                }
            }
        }
    }

    fn resolved(&self, schema: &'s Value) -> Option<&'s Value> {
        match schema.get("$ref").and_then(Value::as_str) {
            None => Some(schema),
            Some(reference) => {
                let name = reference.strip_prefix("#/$defs/")?;
                self.definitions?.get(name)
            }
        }
    }

    fn fault(&mut self, path: &JsonPath, message: String) {
        self.faults.push((path.clone(), message));
    }
}

fn is_variable(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.starts_with('$') || text.contains("${"))
}

fn names(wanted: &Value) -> impl Iterator<Item = &str> {
    let several = wanted.as_array().into_iter().flatten();
    std::iter::once(wanted)
        .chain(several)
        .filter_map(Value::as_str)
}

fn fits(wanted: &Value, value: &Value) -> bool {
    names(wanted).any(|name| match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => value.is_null(),
    })
}

fn described(wanted: &Value) -> String {
    let words: Vec<_> = names(wanted)
        .map(|name| match name {
            "string" => "text",
            "boolean" => "true or false",
            "integer" | "number" => "a number",
            "object" => "an object",
            "array" => "a list",
            other => other,
        })
        .collect();
    words.join(" or ")
}
