//! Error bodies as Kong writes them.

use serde_json::{Map, Value, json};

/// An answer that refuses.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub body: Value,
}

impl Refusal {
    pub fn plain(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            body: json!({"message": message.into()}),
        }
    }

    pub fn coded(status: u16, code: u8, name: &str, message: String, fields: Value) -> Self {
        Self {
            status,
            body: json!({"code": code, "name": name, "message": message, "fields": fields}),
        }
    }

    pub fn schema(fields: Map<String, Value>) -> Self {
        let message = format!("schema violation ({})", Value::Object(fields.clone()));
        Self::coded(400, 2, "schema violation", message, Value::Object(fields))
    }

    pub fn unique(fields: Value) -> Self {
        let message = format!("UNIQUE violation detected on '{fields}'");
        Self::coded(409, 5, "unique constraint violation", message, fields)
    }

    pub fn reference(fields: Value) -> Self {
        let message = format!("the foreign key '{fields}' does not reference an existing entity");
        Self::coded(400, 4, "foreign key violation", message, fields)
    }

    pub fn not_found() -> Self {
        Self::plain(404, "Not found")
    }

    pub fn unsupported() -> Self {
        let message = "cannot create or update entities when not using a database".to_owned();
        Self::coded(405, 12, "operation unsupported", message, json!({}))
    }
}
