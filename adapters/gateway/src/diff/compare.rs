//! When two descriptions of an entity say the same: compared field by field along the schema, so
//! that the order of sets, spellings of numbers and fields that the gateway fills in do not count.

use kong::{
    Kind, plugins, schema,
    schema::{Record, Type},
};
use serde_json::Value;

use crate::{
    entity::{Fields, text},
    target::Target,
};

/// Fields that the gateway keeps for itself.
const OWN: [&str; 3] = ["id", "created_at", "updated_at"];
/// Lists whose order means nothing.
const UNORDERED: [&str; 2] = ["hosts", "paths"];

/// Whether the gateway has what is desired. Fields that only the gateway knows are ignored: a
/// newer one may have more.
pub fn is_same(target: &Target, kind: Kind, desired: &Fields, actual: &Fields) -> bool {
    if kind == Kind::Plugin && !target.is_embedded() {
        return is_same_plugin(target, desired, actual);
    }
    let config = match kind {
        Kind::Plugin => text(desired, "name")
            .and_then(plugins::find)
            .map(plugins::PluginSchema::config),
        _ => None,
    };
    schema::entity::of(kind).fields.iter().all(|field| {
        let (desired, actual) = (desired.get(field.name), actual.get(field.name));
        if OWN.contains(&field.name) || (field.auto && is_null(desired)) {
            return true;
        }
        match (config, field.name) {
            (Some(config), "config") => is_same_record(config, desired, actual),
            (_, name) if UNORDERED.contains(&name) => is_same_set(desired, actual),
            _ => is_same_value(&field.value, desired, actual),
        }
    })
}

/// Kong's plugins have schemas of their own; what it fills in outside of `config` stays its own.
fn is_same_plugin(target: &Target, desired: &Fields, actual: &Fields) -> bool {
    let reference = |fields: &Fields, name: &str| fields.get(name)?.get("id").cloned();
    let same_place = ["service", "route", "consumer"]
        .iter()
        .all(|name| reference(desired, name) == reference(actual, name));
    let same_config = match text(desired, "name").and_then(|name| target.schema(name)) {
        Some(schema) => schema.is_same(desired.get("config"), actual.get("config")),
        None => includes(actual.get("config"), desired.get("config")),
    };
    same_place
        && same_config
        && desired.get("name") == actual.get("name")
        && desired.get("enabled") == actual.get("enabled")
        && is_same_set(desired.get("tags"), actual.get("tags"))
}

/// Without a schema: whether everything desired is there.
fn includes(actual: Option<&Value>, desired: Option<&Value>) -> bool {
    match (desired, actual) {
        (Some(Value::Object(desired)), Some(Value::Object(actual))) => desired
            .iter()
            .all(|(name, value)| includes(actual.get(name), Some(value))),
        (desired, actual) if is_null(desired) || is_null(actual) => {
            is_null(desired) && is_null(actual)
        }
        (desired, actual) => desired == actual,
    }
}

fn is_null(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

fn is_same_set(desired: Option<&Value>, actual: Option<&Value>) -> bool {
    let elements = |value: Option<&Value>| {
        let list = value.and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let (desired, actual) = (elements(desired), elements(actual));
    desired.iter().all(|element| actual.contains(element))
        && actual.iter().all(|element| desired.contains(element))
}

fn is_same_record(record: &Record, desired: Option<&Value>, actual: Option<&Value>) -> bool {
    record.fields.iter().all(|field| {
        let member = |value: Option<&Value>| value.and_then(|value| value.get(field.name)).cloned();
        is_same_value(
            &field.value,
            member(desired).as_ref(),
            member(actual).as_ref(),
        )
    })
}

fn is_same_value(kind: &Type, desired: Option<&Value>, actual: Option<&Value>) -> bool {
    if is_null(desired) || is_null(actual) {
        return is_null(desired) && is_null(actual);
    }
    match (kind, desired, actual) {
        (Type::Record(record), desired, actual) => is_same_record(record, desired, actual),
        (Type::Set(_), desired, actual) => is_same_set(desired, actual),
        (Type::Reference(_), Some(desired), Some(actual)) => desired.get("id") == actual.get("id"),
        (_, Some(Value::Number(desired)), Some(Value::Number(actual))) => {
            desired == actual || desired.as_f64() == actual.as_f64()
        }
        (_, desired, actual) => desired == actual,
    }
}
#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Fields {
        schema::entity::examine(Kind::Plugin, value.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn only_real_differences_count() {
        let desired =
            fields(&json!({"name": "rate-limiting", "config": {"minute": 3}, "tags": ["a", "b"]}));
        let with = |change: &dyn Fn(&mut Value)| {
            let mut actual = Value::Object(desired.clone());
            change(&mut actual);
            is_same(
                &Target::embedded(),
                Kind::Plugin,
                &desired,
                actual.as_object().unwrap(),
            )
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
