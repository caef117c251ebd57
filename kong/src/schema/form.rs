//! Form bodies: every value arrives as text; the field's type says what it means.

use serde_json::{Map, Value};

use super::{Record, Type};

/// Turns the pairs of a form into an entity: `config.minute=10` nests, `a[]=x` appends, `a[1]=x`
/// indexes, a repeated name makes a list, an empty text is null.
pub fn unfold(record: &Record, pairs: &[(String, String)]) -> Map<String, Value> {
    let mut tree = Map::new();
    for (name, value) in pairs {
        insert(&mut tree, name, value);
    }
    convert_record(record, tree)
}

fn insert(tree: &mut Map<String, Value>, name: &str, value: &str) {
    if let Some((first, rest)) = name.split_once('.') {
        let below = tree
            .entry(first)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(below) = below {
            insert(below, rest, value);
        }
        return;
    }
    let value = Value::String(value.to_owned());
    // Elements stay in the order in which they were sent; tools send them rising.
    let (name, is_element) = match name.split_once('[') {
        Some((name, _)) => (name, true),
        None => (name, false),
    };
    match tree.get_mut(name) {
        Some(Value::Array(list)) => list.push(value),
        Some(present) => *present = Value::Array(vec![present.take(), value]),
        None if is_element => {
            tree.insert(name.to_owned(), Value::Array(vec![value]));
        }
        None => {
            tree.insert(name.to_owned(), value);
        }
    }
}

fn convert_record(record: &Record, tree: Map<String, Value>) -> Map<String, Value> {
    tree.into_iter()
        .map(|(name, value)| {
            let value = match record.field(&name) {
                Some(field) => convert(&field.value, value),
                None => value,
            };
            (name, value)
        })
        .collect()
}

fn convert(kind: &Type, value: Value) -> Value {
    match (kind, value) {
        (_, Value::String(text)) if text.is_empty() => Value::Null,
        (Type::Integer { .. } | Type::Number { .. }, Value::String(text)) => {
            match serde_json::from_str(&text) {
                Ok(Value::Number(number)) => Value::Number(number),
                _ => Value::String(text),
            }
        }
        (Type::Boolean, Value::String(text)) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        (Type::List(element) | Type::Set(element), Value::Array(list)) => Value::Array(
            list.into_iter()
                .map(|value| convert(element, value))
                .collect(),
        ),
        (Type::List(element) | Type::Set(element), value @ Value::String(_)) => {
            Value::Array(vec![convert(element, value)])
        }
        (Type::Map(_, element), Value::Object(map)) => Value::Object(
            map.into_iter()
                .map(|(name, value)| (name, convert(element, value)))
                .collect(),
        ),
        (Type::Record(record), Value::Object(map)) => Value::Object(convert_record(record, map)),
        (_, value) => value,
    }
}
