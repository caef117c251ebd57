//! Error bodies of the Admin API: `{"code": 2, "name": "schema violation", …}`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The kinds of error that carry a number. Clients decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidPrimaryKey,
    SchemaViolation,
    PrimaryKeyViolation,
    ForeignKeyViolation,
    UniqueViolation,
    NotFound,
    InvalidOffset,
    InvalidSize,
    InvalidUnique,
    InvalidOptions,
    OperationUnsupported,
    ForeignKeysUnresolved,
    InvalidDocument,
    ReferencedByOthers,
}

impl Code {
    pub const fn number(self) -> u8 {
        match self {
            Self::InvalidPrimaryKey => 1,
            Self::SchemaViolation => 2,
            Self::PrimaryKeyViolation => 3,
            Self::ForeignKeyViolation => 4,
            Self::UniqueViolation => 5,
            Self::NotFound => 6,
            Self::InvalidOffset => 7,
            Self::InvalidSize => 9,
            Self::InvalidUnique => 10,
            Self::InvalidOptions => 11,
            Self::OperationUnsupported => 12,
            Self::ForeignKeysUnresolved => 13,
            Self::InvalidDocument => 14,
            Self::ReferencedByOthers => 19,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidPrimaryKey => "invalid primary key",
            Self::SchemaViolation => "schema violation",
            Self::PrimaryKeyViolation => "primary key violation",
            Self::ForeignKeyViolation => "foreign key violation",
            Self::UniqueViolation => "unique constraint violation",
            Self::NotFound => "not found",
            Self::InvalidOffset => "invalid offset",
            Self::InvalidSize => "invalid size",
            Self::InvalidUnique => "invalid unique",
            Self::InvalidOptions => "invalid options",
            Self::OperationUnsupported => "operation unsupported",
            Self::ForeignKeysUnresolved => "foreign keys unresolved",
            Self::InvalidDocument => "invalid declarative configuration",
            Self::ReferencedByOthers => "referenced by others",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::OperationUnsupported => 405,
            Self::UniqueViolation => 409,
            _ => 400,
        }
    }
}

/// An error body, as the gateway writes it and as the client reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiError {
    #[serde(skip)]
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub message: String,
    /// Field → text; nested records nest, list elements are keyed by position.
    #[serde(skip_serializing_if = "is_empty")]
    pub fields: Box<Map<String, Value>>,
    /// In the place of `fields` for faulty query options.
    #[serde(skip_serializing_if = "is_empty")]
    pub options: Box<Map<String, Value>>,
    /// Faults of a whole document, one element per entity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flattened_errors: Vec<Value>,
    /// Seconds after which the same call may be made again.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error without number.
    pub fn plain(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            ..Self::default()
        }
    }

    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code: Some(code.number()),
            name: Some(code.name().to_owned()),
            message: message.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_fields(mut self, fields: Map<String, Value>) -> Self {
        self.fields = fields.into();
        self
    }

    /// All faults of an entity, summed up in the message.
    pub fn schema(fields: Map<String, Value>) -> Self {
        let mut faults = Vec::new();
        flatten("", &Value::Object(fields.clone()), &mut faults);
        let message = match faults.as_slice() {
            [one] => format!("schema violation ({one})"),
            many => format!("{} schema violations ({})", many.len(), many.join("; ")),
        };
        Self::new(Code::SchemaViolation, message).with_fields(fields)
    }

    pub fn is_not_found(&self) -> bool {
        self.status == 404
    }
}

#[expect(clippy::borrowed_box, reason = "serde passes the field as it is")]
fn is_empty(fields: &Box<Map<String, Value>>) -> bool {
    fields.is_empty()
}

/// `config.minute: expected a number` for each leaf.
fn flatten(path: &str, value: &Value, into: &mut Vec<String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(name), value, into);
            }
        }
        Value::Array(texts) => {
            for text in texts {
                flatten(path, text, into);
            }
        }
        Value::String(text) => into.push(format!("{path}: {text}")),
        Value::Null => {}
        other => into.push(format!("{path}: {other}")),
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

impl std::error::Error for ApiError {}
