//! Schemas in Kong's own form, and what it does with an entity by them.

use serde_json::{Map, Value, json};

/// `input` with everything filled in, or the faults by field.
pub fn complete(
    schema: &Value,
    mut input: Map<String, Value>,
) -> Result<Map<String, Value>, Map<String, Value>> {
    let mut complete = Map::new();
    let mut faults = Map::new();
    for shorthand in list(schema, "shorthand_fields") {
        let (name, about) = single(shorthand);
        let Some(value) = input.remove(name) else {
            continue;
        };
        let path = about["deprecation"]["replaced_with"][0]["path"].clone();
        let path: Vec<String> = serde_json::from_value(path).unwrap();
        let below = input.entry(path[0].clone()).or_insert_with(|| json!({}));
        below[path[1].as_str()] = value;
    }
    for field in list(schema, "fields") {
        let (name, about) = single(field);
        match value(about, input.remove(name)) {
            Ok(value) => {
                complete.insert(name.to_owned(), value);
            }
            Err(fault) => {
                faults.insert(name.to_owned(), fault);
            }
        }
    }
    for name in input.keys() {
        faults.insert(name.clone(), json!("unknown field"));
    }
    if faults.is_empty() {
        Ok(complete)
    } else {
        Err(faults)
    }
}

pub fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

pub fn single(field: &Value) -> (&str, &Value) {
    let (name, about) = field.as_object().unwrap().iter().next().unwrap();
    (name, about)
}

fn value(about: &Value, given: Option<Value>) -> Result<Value, Value> {
    let is_required = about["required"] == true;
    if about.get("eq").is_some_and(Value::is_null) {
        return match given {
            None | Some(Value::Null) => Ok(Value::Null),
            Some(_) => Err(json!("value must be null")),
        };
    }
    let given = match given {
        None if about.get("default").is_some() => about["default"].clone(),
        None if about["type"] == "record" && is_required => json!({}),
        other => other.unwrap_or_default(),
    };
    if given.is_null() {
        return if is_required && about["auto"] != true {
            Err(json!("required field missing"))
        } else {
            Ok(Value::Null)
        };
    }
    typed(about, given)
}

fn typed(about: &Value, given: Value) -> Result<Value, Value> {
    let expected = |noun: &str| Err(json!(format!("expected {noun}")));
    let given = match (about["type"].as_str().unwrap(), given) {
        ("string", Value::String(text)) => {
            if text.is_empty() && about["len_min"] != 0 {
                return Err(json!("length must be at least 1"));
            }
            json!(text)
        }
        ("string", _) => return expected("a string"),
        ("integer", Value::Number(number)) if number.as_f64().unwrap().fract() == 0.0 => {
            json!(number)
        }
        ("integer", _) => return expected("an integer"),
        ("number", Value::Number(number)) => json!(number),
        ("number", _) => return expected("a number"),
        ("boolean", Value::Bool(flag)) => json!(flag),
        ("boolean", _) => return expected("a boolean"),
        ("array" | "set", Value::Array(elements)) => {
            let mut complete: Vec<Value> = Vec::new();
            let mut faults = Map::new();
            for (position, element) in elements.into_iter().enumerate() {
                match typed(&about["elements"], element) {
                    Ok(element) if about["type"] == "set" && complete.contains(&element) => {}
                    Ok(element) => complete.push(element),
                    Err(fault) => {
                        faults.insert((position + 1).to_string(), fault);
                    }
                }
            }
            if !faults.is_empty() {
                return Err(Value::Object(faults));
            }
            json!(complete)
        }
        ("array", _) => return expected("an array"),
        ("set", _) => return expected("a set"),
        ("map", Value::Object(members)) => {
            let mut complete = Map::new();
            for (name, member) in members {
                complete.insert(name, typed(&about["values"], member)?);
            }
            Value::Object(complete)
        }
        ("map", _) => return expected("a map"),
        ("record", Value::Object(members)) => {
            Value::Object(self::complete(about, members).map_err(Value::Object)?)
        }
        ("record", _) => return expected("a record"),
        ("foreign", Value::Object(reference)) if reference.contains_key("id") => {
            json!({"id": reference["id"]})
        }
        ("foreign", _) => return expected("a reference"),
        (other, _) => panic!("no such type: {other}"),
    };
    limits(about, &given)?;
    Ok(given)
}

fn limits(about: &Value, given: &Value) -> Result<(), Value> {
    if let Some(allowed) = about.get("one_of").and_then(Value::as_array)
        && !allowed.contains(given)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        return Err(json!(format!("expected one of: {}", allowed.join(", "))));
    }
    if let Some(limits) = about.get("between") {
        let number = given.as_f64().unwrap();
        if number < limits[0].as_f64().unwrap() || number > limits[1].as_f64().unwrap() {
            return Err(json!(format!("value should be between {limits}")));
        }
    }
    if let Some(above) = about.get("gt").and_then(Value::as_f64)
        && given.as_f64().unwrap() <= above
    {
        return Err(json!(format!("value must be greater than {above}")));
    }
    if about.get("len_min").and_then(Value::as_u64) == Some(1)
        && given.as_array().is_some_and(Vec::is_empty)
    {
        return Err(json!("length must be at least 1"));
    }
    Ok(())
}

/// A field of this type.
pub fn field(name: &str, about: Value) -> Value {
    json!({ name: about })
}
