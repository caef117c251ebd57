//! A plugin's schema as a gateway describes it (`GET /schemas/plugins/{name}`): what may be
//! configured, what it fills in by itself, and when two configurations mean the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Faults;

/// Lists whose order means nothing, although Kong declares some of them as arrays.
const UNORDERED: [&str; 3] = ["scopes", "allow", "deny"];

/// The schema of one plugin.
#[derive(Clone, Debug)]
pub struct Remote {
    config: Record,
    refuses_consumer: bool,
}

#[derive(Clone, Debug, Default)]
struct Record {
    fields: BTreeMap<String, Field>,
    /// Old names, and where their value belongs now; empty if the gateway does not say.
    shorthands: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug)]
struct Field {
    kind: Type,
    default: Option<Value>,
    /// Filled in by the gateway when absent.
    auto: bool,
    secret: bool,
    one_of: Vec<Value>,
    between: Option<(f64, f64)>,
}

#[derive(Clone, Debug)]
enum Type {
    Text,
    Number,
    Integer,
    Boolean,
    List(Box<Field>),
    Set(Box<Field>),
    Map(Box<Field>),
    Record(Record),
    /// Whatever this version does not know; the gateway decides.
    Any,
}

impl Remote {
    /// Reads the gateway's answer; nothing if it is no schema of a plugin.
    pub fn new(answer: &Value) -> Option<Self> {
        let fields = named(answer.get("fields")?);
        let config = fields.iter().find(|(name, _)| *name == "config")?;
        let refuses = |about: &Value| about.get("eq").is_some_and(Value::is_null);
        Some(Self {
            config: Record::parse(config.1),
            refuses_consumer: fields
                .iter()
                .any(|(name, about)| *name == "consumer" && refuses(about)),
        })
    }

    /// Whether the plugin may be bound to a consumer.
    pub const fn accepts_consumer(&self) -> bool {
        !self.refuses_consumer
    }

    /// Whether there is a configuration field of this name at the top.
    pub fn has(&self, field: &str) -> bool {
        self.config.fields.contains_key(field)
    }

    /// The configuration as the gateway takes it: texts that stand for numbers or lists become
    /// those, old names give way to new ones. All faults that can be seen from here.
    pub fn convert(&self, config: Map<String, Value>) -> Result<Map<String, Value>, Faults> {
        let mut faults = Faults::default();
        let converted = self.config.convert(config, "", &mut faults);
        if faults.is_empty() {
            Ok(converted)
        } else {
            Err(faults)
        }
    }

    /// Whether both configurations mean the same, with all that the gateway fills in.
    pub fn is_same(&self, desired: Option<&Value>, actual: Option<&Value>) -> bool {
        self.config.is_same(desired, actual)
    }

    /// Top fields that hold secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let fields = self.config.fields.iter();
        fields
            .filter(|(_, field)| field.secret)
            .map(|(name, _)| name.as_str())
    }
}

/// `[{"a": {…}}, {"b": {…}}]`
fn named(list: &Value) -> Vec<(&str, &Value)> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|one| one.as_object()?.iter().next())
        .map(|(name, about)| (name.as_str(), about))
        .collect()
}

impl Record {
    fn parse(about: &Value) -> Self {
        let list = |name: &str| about.get(name).map(named).unwrap_or_default();
        let replaced = |about: &Value| {
            let path = about.pointer("/deprecation/replaced_with/0/path");
            let path = path.or_else(|| about.pointer("/translate_backwards"));
            let path = path.and_then(Value::as_array).into_iter().flatten();
            path.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            fields: list("fields")
                .into_iter()
                .map(|(name, about)| (name.to_owned(), Field::parse(name, about)))
                .collect(),
            shorthands: list("shorthand_fields")
                .into_iter()
                .map(|(name, about)| (name.to_owned(), replaced(about)))
                .collect(),
        }
    }

    fn convert(
        &self,
        config: Map<String, Value>,
        path: &str,
        faults: &mut Faults,
    ) -> Map<String, Value> {
        let mut converted = Map::new();
        let mut moved = Vec::new();
        for (name, value) in config {
            let place = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            if let Some(field) = self.fields.get(&name) {
                converted.insert(name, field.convert(value, &place, faults));
            } else if let Some(target) = self.shorthands.get(&name) {
                moved.push((name, target, value));
            } else {
                faults.field(&place, "unknown field");
            }
        }
        for (name, target, value) in moved {
            match target.as_slice() {
                [] => {
                    converted.insert(name, value);
                }
                [first, rest @ ..] if self.fields.contains_key(first) => {
                    put(&mut converted, first, rest, value);
                }
                _ => {}
            }
        }
        converted
    }

    fn is_same(&self, desired: Option<&Value>, actual: Option<&Value>) -> bool {
        self.fields.iter().all(|(name, field)| {
            let member = |value: Option<&Value>| -> Option<Value> {
                value.and_then(|value| value.get(name)).cloned()
            };
            field.is_same(member(desired).as_ref(), member(actual).as_ref())
        })
    }
}

/// Sets the value at this path; what is written there already wins.
fn put(into: &mut Map<String, Value>, first: &str, rest: &[String], value: Value) {
    match rest {
        [] => {
            into.entry(first).or_insert(value);
        }
        [next, rest @ ..] => {
            let below = into
                .entry(first)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                put(below, next, rest, value);
            }
        }
    }
}

impl Field {
    fn parse(name: &str, about: &Value) -> Self {
        let text = |member: &str| about.get(member).and_then(Value::as_str);
        let flag = |member: &str| about.get(member).and_then(Value::as_bool) == Some(true);
        let below = |member: &str| {
            let below = about.get(member).unwrap_or(&Value::Null);
            Box::new(Self::parse("", below))
        };
        let kind = match text("type").unwrap_or_default() {
            "string" => Type::Text,
            "number" => Type::Number,
            "integer" => Type::Integer,
            "boolean" => Type::Boolean,
            "array" if UNORDERED.contains(&name) => Type::Set(below("elements")),
            "array" => Type::List(below("elements")),
            "set" => Type::Set(below("elements")),
            "map" => Type::Map(below("values")),
            "record" => Type::Record(Record::parse(about)),
            _ => Type::Any,
        };
        let limits = about.get("between").and_then(Value::as_array);
        let limits = limits.and_then(|limits| match limits.as_slice() {
            [from, to] => Some((from.as_f64()?, to.as_f64()?)),
            _ => None,
        });
        Self {
            kind,
            default: about
                .get("default")
                .filter(|value| !value.is_null())
                .cloned(),
            auto: flag("auto"),
            secret: flag("encrypted"),
            one_of: about
                .get("one_of")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            between: limits,
        }
    }

    fn convert(&self, value: Value, path: &str, faults: &mut Faults) -> Value {
        if value.is_null() {
            return value;
        }
        let value = match (&self.kind, value) {
            (Type::Integer | Type::Number, Value::String(text)) => {
                match serde_json::from_str(text.trim()) {
                    Ok(Value::Number(number)) => Value::Number(number),
                    _ => Value::String(text),
                }
            }
            (Type::Boolean, Value::String(text)) => match text.trim() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::String(text),
            },
            (Type::List(element) | Type::Set(element), Value::Array(list)) => list
                .into_iter()
                .map(|value| element.convert(value, path, faults))
                .collect(),
            (Type::List(element) | Type::Set(element), value @ Value::String(_)) => {
                Value::Array(vec![element.convert(value, path, faults)])
            }
            (Type::Map(element), Value::Object(map)) => map
                .into_iter()
                .map(|(name, value)| {
                    let place = format!("{path}.{}", name.replace('.', "_"));
                    (name, element.convert(value, &place, faults))
                })
                .collect(),
            (Type::Record(record), Value::Object(map)) => {
                Value::Object(record.convert(map, path, faults))
            }
            (_, value) => value,
        };
        if let Some(expected) = self.mismatch(&value) {
            faults.field(path, expected);
        }
        value
    }

    /// What is wrong with a value that is not null.
    fn mismatch(&self, value: &Value) -> Option<String> {
        let fits = match self.kind {
            Type::Text => value.is_string(),
            Type::Number => value.is_number(),
            Type::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Type::Boolean => value.is_boolean(),
            Type::List(_) | Type::Set(_) => value.is_array() || is_empty(value),
            Type::Map(_) | Type::Record(_) => value.is_object() || is_empty(value),
            Type::Any => true,
        };
        if !fits {
            return Some(format!("expected {}", self.kind.noun()));
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let listed: Vec<String> = self.one_of.iter().map(plain).collect();
            return Some(format!("expected one of: {}", listed.join(", ")));
        }
        let (from, to) = self.between?;
        let number = value.as_f64()?;
        (number < from || number > to).then(|| format!("must be between {from} and {to}"))
    }

    fn is_same(&self, desired: Option<&Value>, actual: Option<&Value>) -> bool {
        if self.auto && desired.is_none_or(Value::is_null) {
            return true;
        }
        let filled = |value: Option<&Value>| -> Value {
            let value = value.filter(|value| !value.is_null());
            value.or(self.default.as_ref()).cloned().unwrap_or_default()
        };
        let (desired, actual) = (filled(desired), filled(actual));
        if let Type::Record(record) = &self.kind {
            return record.is_same(Some(&desired), Some(&actual));
        }
        if is_empty(&desired) || is_empty(&actual) {
            return is_empty(&desired) && is_empty(&actual);
        }
        match (&self.kind, &desired, &actual) {
            (Type::List(element), Value::Array(desired), Value::Array(actual)) => {
                desired.len() == actual.len()
                    && desired
                        .iter()
                        .zip(actual)
                        .all(|(one, other)| element.is_same(Some(one), Some(other)))
            }
            (Type::Set(_), Value::Array(desired), Value::Array(actual)) => {
                desired.iter().all(|one| actual.contains(one))
                    && actual.iter().all(|one| desired.contains(one))
            }
            (Type::Map(element), Value::Object(desired), Value::Object(actual)) => {
                desired.len() == actual.len()
                    && desired
                        .iter()
                        .all(|(name, one)| element.is_same(Some(one), actual.get(name)))
            }
            (_, Value::Number(desired), Value::Number(actual)) => {
                desired == actual || desired.as_f64() == actual.as_f64()
            }
            (_, desired, actual) => desired == actual,
        }
    }
}

impl Type {
    const fn noun(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Boolean => "a boolean",
            Self::List(_) => "an array",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Record(_) => "a record",
            Self::Any => "a value",
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Null, an empty list and an empty object are one thing to a gateway written in Lua.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Remote {
        let answer = json!({"fields": [
            {"consumer": {"type": "foreign", "reference": "consumers", "eq": null}},
            {"config": {"type": "record", "fields": [
                {"minute": {"type": "number", "between": [1, 100]}},
                {"policy": {"type": "string", "default": "local", "one_of": ["local", "redis"]}},
                {"allow": {"type": "array", "elements": {"type": "string"}}},
                {"names": {"type": "array", "elements": {"type": "string"}, "default": ["a"]}},
                {"secret": {"type": "string", "auto": true, "encrypted": true}},
                {"redis": {"type": "record", "fields": [
                    {"host": {"type": "string"}},
                    {"port": {"type": "integer", "default": 6379}}
                ]}}
            ], "shorthand_fields": [
                {"redis_host": {"type": "string", "deprecation": {
                    "replaced_with": [{"path": ["redis", "host"]}]
                }}},
                {"old": {"type": "string"}}
            ]}}
        ]});
        Remote::new(&answer).unwrap()
    }

    fn convert(config: &Value) -> Result<Value, Faults> {
        let config = config.as_object().unwrap().clone();
        schema().convert(config).map(Value::Object)
    }

    #[test]
    fn configurations_are_brought_into_the_gateways_types_and_names() {
        let given = json!({"minute": "10", "allow": "a", "redis_host": "r", "old": "x"});
        let expected = json!({"minute": 10, "allow": ["a"], "old": "x", "redis": {"host": "r"}});
        assert_eq!(convert(&given).unwrap(), expected);
        for wrong in [
            json!({"minute": "many"}),
            json!({"minute": 1000}),
            json!({"policy": "else"}),
            json!({"nonsense": 1}),
            json!({"redis": {"nonsense": 1}}),
        ] {
            assert!(convert(&wrong).is_err(), "{wrong}");
        }
        assert!(!schema().accepts_consumer());
        assert_eq!(schema().secrets().collect::<Vec<_>>(), ["secret"]);
    }

    #[test]
    fn what_the_gateway_fills_in_is_no_difference() {
        let same = |one: &Value, other: &Value| schema().is_same(Some(one), Some(other));
        let full = json!({
            "minute": 10.0, "policy": "local", "allow": ["b", "a"], "names": ["a"],
            "secret": "made", "redis": {"host": null, "port": 6379}, "from_the_future": 1
        });
        assert!(same(&json!({"minute": 10, "allow": ["a", "b"]}), &full));
        assert!(!same(&json!({"minute": 11, "allow": ["a", "b"]}), &full));
        assert!(!same(&json!({"minute": 10}), &full));
        assert!(!same(
            &json!({"minute": 10, "allow": ["a", "b"], "redis": {"port": 1}}),
            &full
        ));
        assert!(!same(
            &json!({"minute": 10, "allow": ["a", "b"], "names": ["b"]}),
            &full
        ));
        assert!(same(&json!({"allow": null}), &json!({"allow": {}})));
    }
}
