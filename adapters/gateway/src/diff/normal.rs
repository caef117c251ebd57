//! What an entity says, in one form: along its schema, without the order of sets, spellings of
//! numbers and fields that the gateway keeps for itself. Two entities are the same exactly when
//! their normal forms are; a number of that form is enough to compare a hundred thousand consumers
//! without holding them.

use std::hash::{DefaultHasher, Hasher};

use kong::{
    Kind, plugins, schema,
    schema::{Record, Type},
};
use serde_json::Value;

use crate::entity::{Fields, text};

/// Fields that the gateway keeps for itself, or makes up where we say nothing.
const OWN: [&str; 4] = ["id", "created_at", "updated_at", "secret"];
/// Lists whose order means nothing.
const UNORDERED: [&str; 2] = ["hosts", "paths"];

/// The number of an entity's normal form. It never leaves this process.
pub fn fingerprint(kind: Kind, fields: &Fields) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&normal_form(kind, fields));
    hasher.finish()
}

/// The normal form of an entity whose schema is known here: all but Kong's plugins. Fields that
/// only the gateway knows are left out, since a newer one may have more.
pub fn normal_form(kind: Kind, fields: &Fields) -> Vec<u8> {
    let config = match kind {
        Kind::Plugin => text(fields, "name")
            .and_then(plugins::find)
            .map(plugins::PluginSchema::config),
        _ => None,
    };
    let mut form = Vec::new();
    for field in &schema::entity::of(kind).fields {
        if OWN.contains(&field.name) {
            continue;
        }
        let value = fields.get(field.name);
        match (config, field.name) {
            (Some(config), "config") => record(config, value, &mut form),
            (_, name) if UNORDERED.contains(&name) => set(value, &mut form),
            _ => of_type(&field.value, value, &mut form),
        }
    }
    form
}

/// Whether both lists have the same elements.
pub fn is_same_set(one: Option<&Value>, other: Option<&Value>) -> bool {
    let form = |value| {
        let mut form = Vec::new();
        set(value, &mut form);
        form
    };
    form(one) == form(other)
}

fn record(record: &Record, value: Option<&Value>, form: &mut Vec<u8>) {
    for field in &record.fields {
        let member = value.and_then(|value| value.get(field.name));
        of_type(&field.value, member, form);
    }
}

fn of_type(kind: &Type, value: Option<&Value>, form: &mut Vec<u8>) {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        plain(&Value::Null, form);
        return;
    };
    match kind {
        Type::Record(below) => {
            form.push(b'r');
            record(below, Some(value), form);
        }
        Type::Set(_) => set(Some(value), form),
        Type::Reference(_) => plain(value.get("id").unwrap_or(value), form),
        _ => plain(value, form),
    }
}

fn set(value: Option<&Value>, form: &mut Vec<u8>) {
    let elements = value.and_then(Value::as_array).into_iter().flatten();
    let mut elements: Vec<Vec<u8>> = elements
        .map(|element| {
            let mut form = Vec::new();
            plain(element, &mut form);
            form
        })
        .collect();
    elements.sort_unstable();
    elements.dedup();
    begin(b'[', elements.len(), form);
    for element in &elements {
        form.extend(element);
    }
}

/// Each value says what it is and how long, so that no two write the same bytes.
fn plain(value: &Value, form: &mut Vec<u8>) {
    match value {
        Value::Null => form.push(b'0'),
        Value::Bool(flag) => form.extend([b'?', u8::from(*flag)]),
        // 3 and 3.0 are one number.
        Value::Number(number) => {
            form.push(b'#');
            form.extend(number.as_f64().unwrap_or_default().to_bits().to_ne_bytes());
        }
        Value::String(text) => written(text, form),
        Value::Array(elements) => {
            begin(b'(', elements.len(), form);
            for element in elements {
                plain(element, form);
            }
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            begin(b'{', names.len(), form);
            for name in names {
                written(name, form);
                plain(&members[name], form);
            }
        }
    }
}

fn written(text: &str, form: &mut Vec<u8>) {
    begin(b'"', text.len(), form);
    form.extend(text.as_bytes());
}

fn begin(kind: u8, length: usize, form: &mut Vec<u8>) {
    form.push(kind);
    form.extend(length.to_ne_bytes());
}
