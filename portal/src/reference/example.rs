//! Example values, from the definition's own examples or made up from types.

use serde_json::{Map, Value, json};

use super::refs;

const MAX_DEPTH: usize = 6;
const MAX_PROPERTIES: usize = 40;
/// Values of one example; wide and deep schemas would multiply otherwise.
const BUDGET: usize = 400;

/// An example of a media type object: its own example, or one of its schema.
pub fn of_media(root: &Value, media: &Value) -> Option<Value> {
    if let Some(example) = media.get("example") {
        return Some(example.clone());
    }
    let named = media.get("examples").and_then(Value::as_object);
    let first = named.and_then(|examples| examples.values().next());
    if let Some((example, _)) = first.and_then(|example| refs::resolve(root, example))
        && let Some(value) = example.get("value")
    {
        return Some(value.clone());
    }
    media.get("schema").map(|schema| of_schema(root, schema))
}

/// Title and value of each example of a media type object, where there are several.
pub fn named(root: &Value, media: &Value) -> Vec<(String, Value)> {
    const MAX: usize = 10;
    let named = media.get("examples").and_then(Value::as_object);
    let named = named.filter(|examples| examples.len() > 1);
    named
        .into_iter()
        .flatten()
        .take(MAX)
        .filter_map(|(name, example)| {
            let (example, _) = refs::resolve(root, example)?;
            let title = example.get("summary").and_then(Value::as_str);
            let title = title.unwrap_or(name).to_owned();
            Some((title, example.get("value")?.clone()))
        })
        .collect()
}

/// An example of a schema.
pub fn of_schema(root: &Value, schema: &Value) -> Value {
    make(root, schema, 0, &mut BUDGET.clone())
}

fn make(root: &Value, schema: &Value, depth: usize, left: &mut usize) -> Value {
    let Some((schema, _)) = refs::resolve(root, schema) else {
        return Value::Null;
    };
    if *left == 0 {
        return Value::Null;
    }
    *left -= 1;
    let given = ["example", "default", "const"]
        .into_iter()
        .find_map(|member| schema.get(member));
    let listed = || schema.get("examples").and_then(|list| list.get(0));
    let value = || schema.get("enum").and_then(|list| list.get(0));
    if let Some(value) = given.or_else(listed).or_else(value) {
        return value.clone();
    }
    if depth >= MAX_DEPTH {
        return Value::Null;
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return all_of(root, schema, parts, depth, left);
    }
    for member in ["oneOf", "anyOf"] {
        if let Some(first) = schema.get(member).and_then(|list| list.get(0)) {
            return make(root, first, depth + 1, left);
        }
    }
    by_type(root, schema, depth, left)
}

fn all_of(root: &Value, schema: &Value, parts: &[Value], depth: usize, left: &mut usize) -> Value {
    let mut object = Map::new();
    for part in parts {
        if let Value::Object(more) = make(root, part, depth + 1, left) {
            object.extend(more);
        }
    }
    if let Value::Object(own) = by_type(root, schema, depth, left) {
        object.extend(own);
    }
    Value::Object(object)
}

fn by_type(root: &Value, schema: &Value, depth: usize, left: &mut usize) -> Value {
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "any",
    };
    match kind {
        "object" => object(root, schema, depth, left),
        "array" => match schema.get("items") {
            Some(items) => Value::Array(vec![make(root, items, depth + 1, left)]),
            None => json!([]),
        },
        "integer" => schema
            .get("minimum")
            .filter(|value| value.is_i64())
            .cloned()
            .unwrap_or(json!(1)),
        "number" => schema
            .get("minimum")
            .filter(|value| value.is_number())
            .cloned()
            .unwrap_or(json!(1.5)),
        "boolean" => json!(true),
        "string" => json!(string(schema)),
        _ => Value::Null,
    }
}

fn object(root: &Value, schema: &Value, depth: usize, left: &mut usize) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let writable = |property: &Value| property.get("readOnly") != Some(&Value::Bool(true));
    properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| writable(property))
        .take(MAX_PROPERTIES)
        .map(|(name, property)| (name.clone(), make(root, property, depth + 1, left)))
        .collect()
}

fn string(schema: &Value) -> &'static str {
    match schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "date" => "2026-11-21",
        "date-time" => "2026-11-21T14:32:00Z",
        "email" => "ada@example.org",
        "uuid" => "123e4567-e89b-12d3-a456-426614174000",
        "uri" | "url" => "https://example.org",
        "ipv4" => "192.0.2.1",
        "byte" => "aGVsbG8=",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_examples_win_over_made_up_ones() {
        let root = json!({});
        let schema = json!({"type": "object", "properties": {
            "from": {"type": "string", "example": "DEHAM"}, "service": {"enum": ["cheapest"]},
            "when": {"type": "string", "format": "date"}, "id": {"type": "string", "readOnly": true},
            "parcels": {"type": "array", "items": {"type": "object", "properties": {"kg": {"type": "number"}}}}}});
        assert_eq!(
            of_schema(&root, &schema),
            json!({"from": "DEHAM", "service": "cheapest", "when": "2026-11-21", "parcels": [{"kg": 1.5}]})
        );
    }

    #[test]
    fn a_circle_ends() {
        let root = json!({"n": {"type": "object", "properties": {"a": {"$ref": "#/n"}, "b": {"$ref": "#/n"}, "c": {"$ref": "#/n"}}}});
        let text = of_schema(&root, &root["n"]).to_string();
        assert!(text.len() < 20_000);
    }
}
