//! A short number for what an entity says: two are equal exactly when [`super::compare`] finds no
//! difference. With it a hundred thousand consumers are compared without holding them.

use std::hash::{DefaultHasher, Hash, Hasher};

use kong::{
    Kind, plugins, schema,
    schema::{Record, Type},
};
use serde_json::Value;

use crate::entity::{Fields, text};

/// Fields that the gateway keeps for itself, or makes up where we say nothing.
const OWN: [&str; 4] = ["id", "created_at", "updated_at", "secret"];

/// The number of an entity of the embedded gateway, whose schemas are all known here.
pub fn fingerprint(kind: Kind, fields: &Fields) -> u64 {
    let mut hasher = DefaultHasher::new();
    let config = match kind {
        Kind::Plugin => text(fields, "name")
            .and_then(plugins::find)
            .map(plugins::PluginSchema::config),
        _ => None,
    };
    for field in &schema::entity::of(kind).fields {
        if OWN.contains(&field.name) {
            continue;
        }
        let value = fields.get(field.name);
        match (config, field.name) {
            (Some(config), "config") => record(config, value, &mut hasher),
            (_, "hosts" | "paths") => set(value, &mut hasher),
            _ => of_type(&field.value, value, &mut hasher),
        }
    }
    hasher.finish()
}

fn record(record: &Record, value: Option<&Value>, hasher: &mut DefaultHasher) {
    for field in &record.fields {
        let member = value.and_then(|value| value.get(field.name));
        of_type(&field.value, member, hasher);
    }
}

fn of_type(kind: &Type, value: Option<&Value>, hasher: &mut DefaultHasher) {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        0_u8.hash(hasher);
        return;
    };
    match kind {
        Type::Record(below) => record(below, Some(value), hasher),
        Type::Set(_) => set(Some(value), hasher),
        Type::Reference(_) => plain(value.get("id").unwrap_or(value), hasher),
        _ => plain(value, hasher),
    }
}

/// The order of elements does not count.
fn set(value: Option<&Value>, hasher: &mut DefaultHasher) {
    let mut sum = 0_u64;
    for element in value.and_then(Value::as_array).into_iter().flatten() {
        let mut own = DefaultHasher::new();
        plain(element, &mut own);
        sum = sum.wrapping_add(own.finish());
    }
    (1_u8, sum).hash(hasher);
}

fn plain(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(flag) => (2_u8, flag).hash(hasher),
        // 3 and 3.0 are one number.
        Value::Number(number) => (3_u8, number.as_f64().map(f64::to_bits)).hash(hasher),
        Value::String(text) => (4_u8, text).hash(hasher),
        Value::Array(elements) => {
            (5_u8, elements.len()).hash(hasher);
            for element in elements {
                plain(element, hasher);
            }
        }
        Value::Object(members) => {
            let mut sum = 0_u64;
            for (name, member) in members {
                let mut own = DefaultHasher::new();
                name.hash(&mut own);
                plain(member, &mut own);
                sum = sum.wrapping_add(own.finish());
            }
            (6_u8, sum).hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_real_differences_change_the_number() {
        let plugin = json!({"name": "rate-limiting", "config": {"minute": 3}, "tags": ["a", "b"]});
        let plugin = plugin.as_object().unwrap().clone();
        let desired = schema::entity::examine(Kind::Plugin, plugin).unwrap();
        let with = |change: &dyn Fn(&mut Value)| {
            let mut actual = Value::Object(desired.clone());
            change(&mut actual);
            fingerprint(Kind::Plugin, actual.as_object().unwrap())
                == fingerprint(Kind::Plugin, &desired)
        };
        assert!(with(&|actual| actual["id"] = json!("x")));
        assert!(with(&|actual| actual["created_at"] = json!(1)));
        assert!(with(&|actual| actual["tags"] = json!(["b", "a"])));
        assert!(with(&|actual| actual["config"]["minute"] = json!(3.0)));
        assert!(with(
            &|actual| actual["config"]["from_the_future"] = json!(1)
        ));
        assert!(with(&|actual| {
            actual.as_object_mut().unwrap().remove("instance_name");
        }));
        assert!(!with(&|actual| actual["config"]["minute"] = json!(4)));
        assert!(!with(&|actual| actual["config"]["hour"] = json!(100)));
        assert!(!with(&|actual| actual["tags"] = json!(["a"])));
        assert!(!with(&|actual| actual["enabled"] = json!(false)));
        assert!(!with(&|actual| actual["service"] = json!({"id": "x"})));
    }
}
