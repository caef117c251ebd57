use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Faults, Field, Record, Type, reference};

impl Record {
    /// `input` with all fields present: defaults filled in, unset ones null. All faults at once.
    pub fn complete(&self, input: Map<String, Value>) -> Result<Map<String, Value>, Faults> {
        let (complete, faults) = self.examine(input);
        if faults.is_empty() {
            Ok(complete)
        } else {
            Err(faults)
        }
    }

    /// The completed record together with its faults, so that a caller can go on and find more.
    pub fn examine(&self, mut input: Map<String, Value>) -> (Map<String, Value>, Faults) {
        let mut faults = Faults::default();
        let mut complete = Map::new();
        for field in &self.fields {
            let given = input.remove(field.name);
            match field.examine(given) {
                Ok(value) => {
                    complete.insert(field.name.to_owned(), value);
                }
                Err(Fault::Here(fault)) => faults.field(field.name, fault),
                Err(Fault::Below(below)) => faults.below(field.name, below),
            }
        }
        for unknown in input.keys() {
            faults.field(unknown, "unknown field");
        }
        if let Some(check) = self.check {
            check(&complete, &mut faults);
        }
        (complete, faults)
    }

    /// `changes` merged into `stored`: records merge field by field at every depth, everything
    /// else is replaced.
    pub fn merge(&self, stored: &mut Map<String, Value>, changes: Map<String, Value>) {
        for (name, change) in changes {
            let record = match self.field(&name).map(|field| &field.value) {
                Some(Type::Record(record)) => Some(record),
                _ => None,
            };
            match (record, stored.get_mut(&name), change) {
                (Some(record), Some(Value::Object(old)), Value::Object(change)) => {
                    record.merge(old, change);
                }
                (_, _, change) => {
                    stored.insert(name, change);
                }
            }
        }
    }
}

enum Fault {
    Here(String),
    Below(Faults),
}

impl From<String> for Fault {
    fn from(fault: String) -> Self {
        Self::Here(fault)
    }
}

impl From<&str> for Fault {
    fn from(fault: &str) -> Self {
        Self::Here(fault.to_owned())
    }
}

impl Field {
    fn examine(&self, given: Option<Value>) -> Result<Value, Fault> {
        let value = match given {
            None => match (&self.default, &self.value) {
                (Some(default), _) => default.clone(),
                // A record is present whenever one of its fields has a default.
                (None, Type::Record(record)) if record.has_defaults() => Value::Object(Map::new()),
                (None, _) => Value::Null,
            },
            Some(value) => value,
        };
        if value.is_null() {
            if self.required && !self.auto {
                return Err("required field missing".into());
            }
            return Ok(Value::Null);
        }
        let value = self.value.examine(value)?;
        let length = match &value {
            Value::Array(list) => list.len(),
            Value::Object(map) if matches!(self.value, Type::Map(..)) => map.len(),
            _ => usize::MAX,
        };
        if length < self.len_min {
            return Err(format!("needs at least {} element(s)", self.len_min).into());
        }
        Ok(value)
    }
}

impl Record {
    fn has_defaults(&self) -> bool {
        self.fields.iter().any(|field| {
            field.default.is_some()
                || matches!(&field.value, Type::Record(record) if record.has_defaults())
        })
    }
}

impl Type {
    fn examine(&self, value: Value) -> Result<Value, Fault> {
        match (self, value) {
            (
                Self::Text {
                    one_of,
                    check,
                    may_be_empty,
                    referenceable,
                },
                Value::String(text),
            ) => {
                if reference::is_reference(&text) {
                    if !referenceable {
                        return Err("no reference is possible here".into());
                    }
                    reference::variable(&text)?;
                    return Ok(Value::String(text));
                }
                if text.is_empty() && !may_be_empty {
                    return Err("must not be empty".into());
                }
                if !one_of.is_empty() && !one_of.contains(&text.as_str()) {
                    return Err(format!("expected one of: {}", one_of.join(", ")).into());
                }
                if let Some(check) = check {
                    check(&text)?;
                }
                Ok(Value::String(text))
            }
            (Self::Integer { between, one_of }, Value::Number(number)) => {
                let Some(integer) = whole(&number) else {
                    return Err("expected an integer".into());
                };
                if let Some((from, to)) = between
                    && !(*from..=*to).contains(&integer)
                {
                    return Err(format!("must be between {from} and {to}").into());
                }
                if !one_of.is_empty() && !one_of.contains(&integer) {
                    let listed: Vec<String> = one_of.iter().map(i64::to_string).collect();
                    return Err(format!("expected one of: {}", listed.join(", ")).into());
                }
                Ok(Value::from(integer))
            }
            (Self::Number { between }, Value::Number(number)) => {
                let float = number.as_f64().unwrap_or(f64::NAN);
                if let Some((from, to)) = between
                    && !(float >= *from && float <= *to)
                {
                    return Err(format!("must be between {from} and {to}").into());
                }
                // 10 and 10.0 are one number; stored as the shorter one, so that tools that
                // compare see no difference.
                Ok(whole(&number).map_or(Value::Number(number), Value::from))
            }
            (Self::Boolean, Value::Bool(flag)) => Ok(Value::Bool(flag)),
            (Self::List(element), Value::Array(list)) => examine_elements(element, list),
            (Self::Set(element), Value::Array(list)) => {
                let mut unique = Vec::with_capacity(list.len());
                for value in list {
                    if !unique.contains(&value) {
                        unique.push(value);
                    }
                }
                examine_elements(element, unique)
            }
            // An empty list and an empty object are one thing to clients written in Lua.
            (Self::List(_) | Self::Set(_), Value::Object(map)) if map.is_empty() => {
                Ok(Value::Array(Vec::new()))
            }
            (Self::Map(names, element), Value::Object(map)) => {
                let mut faults = Faults::default();
                let mut complete = Map::new();
                for (name, value) in map {
                    if let Some(check) = names
                        && let Err(fault) = check(&name)
                    {
                        faults.field(&name.replace('.', "_"), fault);
                        continue;
                    }
                    match element.examine(value) {
                        Ok(value) => {
                            complete.insert(name, value);
                        }
                        Err(Fault::Here(fault)) => faults.field(&name, fault),
                        Err(Fault::Below(below)) => faults.below(&name, below),
                    }
                }
                if faults.is_empty() {
                    Ok(Value::Object(complete))
                } else {
                    Err(Fault::Below(faults))
                }
            }
            (Self::Record(record), Value::Object(map)) => record
                .complete(map)
                .map(Value::Object)
                .map_err(Fault::Below),
            (Self::Reference(_), Value::Object(map)) => examine_reference(&map),
            (Self::Json, value) => Ok(value),
            (Self::OnlyNull(reason), _) => Err((*reason).into()),
            (expected, _) => Err(format!("expected {}", expected.noun()).into()),
        }
    }

    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text { .. } => "a string",
            Self::Integer { .. } => "an integer",
            Self::Number { .. } => "a number",
            Self::Boolean => "a boolean",
            Self::List(_) => "an array",
            Self::Set(_) => "a set",
            Self::Map(..) => "a map",
            Self::Record(_) => "a record",
            Self::Reference(_) => "a reference such as {\"id\": \"…\"}",
            Self::Json => "JSON",
            Self::OnlyNull(_) => "null",
        }
    }
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only whole numbers in range get here"
    )]
    number.as_i64().or_else(|| {
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
            .map(|float| float as i64)
    })
}

fn examine_elements(element: &Type, list: Vec<Value>) -> Result<Value, Fault> {
    let mut faults = Faults::default();
    let mut complete = Vec::with_capacity(list.len());
    for (position, value) in list.into_iter().enumerate() {
        match element.examine(value) {
            Ok(value) => complete.push(value),
            // Positions count from 1, as in the forms of the Admin API.
            Err(Fault::Here(fault)) => faults.field(&(position + 1).to_string(), fault),
            Err(Fault::Below(below)) => faults.below(&(position + 1).to_string(), below),
        }
    }
    if faults.is_empty() {
        Ok(Value::Array(complete))
    } else {
        Err(Fault::Below(faults))
    }
}

/// `{"id": "…"}`, lower case. References by natural key are resolved before, by whoever knows the
/// entities.
fn examine_reference(map: &Map<String, Value>) -> Result<Value, Fault> {
    let id = match map.get("id") {
        Some(Value::String(id)) if map.len() == 1 => Uuid::try_parse(id).ok(),
        _ => None,
    };
    match id {
        Some(id) => Ok(serde_json::json!({ "id": id.hyphenated().to_string() })),
        None => Err("expected a reference such as {\"id\": \"<uuid>\"}".into()),
    }
}
