//! Whether a value is as a schema says: the part of JSON Schema that our description uses.

use serde_json::Value;

/// Names what is not as described.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    at(document, schema, value, "$", false)
}

fn at(
    document: &Value,
    schema: &Value,
    value: &Value,
    place: &str,
    is_part: bool,
) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let target = document.pointer(pointer).ok_or(format!("no {reference}"))?;
        return at(document, target, value, place, is_part);
    }
    for (word, least) in [("oneOf", 1), ("anyOf", 1)] {
        if let Some(choices) = schema[word].as_array() {
            let results: Vec<_> = choices
                .iter()
                .map(|one| at(document, one, value, place, false))
                .collect();
            if results.iter().filter(|result| result.is_ok()).count() < least {
                let faults: Vec<_> = results.into_iter().filter_map(Result::err).collect();
                return Err(format!("{place} fits no choice: {}", faults.join("; ")));
            }
        }
    }
    // The parts of an `allOf` each describe some of the members.
    for part in schema["allOf"].as_array().into_iter().flatten() {
        at(document, part, value, place, true)?;
    }
    check_type(&schema["type"], value, place)?;
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{place}: {value} is none of {allowed:?}"));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !members.contains_key(name) {
                return Err(format!("{place}.{name} is missing"));
            }
        }
        let properties = schema["properties"].as_object();
        for (name, member) in members {
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                at(document, schema, member, &format!("{place}.{name}"), false)?;
            } else if schema["additionalProperties"].is_object() {
                let schema = &schema["additionalProperties"];
                at(document, schema, member, &format!("{place}.{name}"), false)?;
            } else if properties.is_some()
                && schema["additionalProperties"].is_null()
                && schema["allOf"].is_null()
                && !is_part
            {
                // Not wrong by the letter, but a description that does not tell of it is not complete.
                return Err(format!("{place}.{name} is not described"));
            }
        }
    }
    if let Some(entries) = value.as_array() {
        for (index, entry) in entries.iter().enumerate() {
            at(
                document,
                &schema["items"],
                entry,
                &format!("{place}[{index}]"),
                false,
            )?;
        }
    }
    Ok(())
}

fn check_type(wanted: &Value, value: &Value, place: &str) -> Result<(), String> {
    let fits = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    };
    let ok = match wanted {
        Value::String(name) => fits(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    };
    if ok {
        Ok(())
    } else {
        Err(format!("{place}: {value} is no {wanted}"))
    }
}
