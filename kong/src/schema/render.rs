//! `GET /schemas/…`: the schema as tools read it to fill in defaults before they compare.

use serde_json::{Map, Value, json};

use super::{Field, Record, Type};

impl Record {
    /// `{"entity_checks": [], "fields": [{"<field>": {…}}]}`
    pub fn render(&self) -> Value {
        json!({ "entity_checks": [], "fields": self.render_fields() })
    }

    pub(crate) fn render_fields(&self) -> Vec<Value> {
        self.fields
            .iter()
            .map(|field| json!({ field.name: field.render() }))
            .collect()
    }
}

impl Field {
    fn render(&self) -> Value {
        let mut about = self.value.render();
        if self.required {
            about.insert("required".to_owned(), json!(true));
        }
        if let Some(default) = &self.default {
            about.insert("default".to_owned(), default.clone());
        }
        for (flag, name) in [
            (self.unique, "unique"),
            (self.auto, "auto"),
            (self.secret, "encrypted"),
        ] {
            if flag {
                about.insert(name.to_owned(), json!(true));
            }
        }
        if let Some(mark) = self.marked {
            about.insert(mark.to_owned(), json!(true));
        }
        if self.len_min > 0 {
            about.insert("len_min".to_owned(), json!(self.len_min));
        }
        Value::Object(about)
    }
}

impl Type {
    fn render(&self) -> Map<String, Value> {
        let about = match self {
            Self::Text {
                referenceable: true,
                ..
            } => json!({ "type": "string", "referenceable": true }),
            Self::Text { one_of: [], .. } => json!({ "type": "string" }),
            Self::Text { one_of, .. } => json!({ "type": "string", "one_of": one_of }),
            Self::Integer {
                between: Some((from, to)),
                ..
            } => {
                json!({ "type": "integer", "between": [from, to] })
            }
            Self::Integer { one_of, .. } if !one_of.is_empty() => {
                json!({ "type": "integer", "one_of": one_of })
            }
            Self::Integer { .. } => json!({ "type": "integer" }),
            Self::Number {
                between: Some((from, to)),
            } => {
                json!({ "type": "number", "between": [from, to] })
            }
            Self::Number { between: None } => json!({ "type": "number" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::List(element) => json!({ "type": "array", "elements": element.render() }),
            Self::Set(element) => json!({ "type": "set", "elements": element.render() }),
            Self::Map(_, element) => json!({
                "type": "map", "keys": { "type": "string" }, "values": element.render()
            }),
            Self::Record(record) => json!({ "type": "record", "fields": record.render_fields() }),
            Self::Json => json!({ "type": "any" }),
            Self::OnlyNull(_) => json!({ "type": "set", "eq": null }),
            Self::Reference(kind) => json!({ "type": "foreign", "reference": kind.name() }),
        };
        match about {
            Value::Object(about) => about,
            _ => Map::new(),
        }
    }
}
