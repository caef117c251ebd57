//! Values of a row in few bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// One value. What rows have most of has a form of its own.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell<'a> {
    Null,
    Bool(bool),
    Whole(i64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
    /// `{"id": …}`
    Reference(Uuid),
    /// A text of hex digits: a digest.
    Digest([u8; 32]),
    /// Anything else, as JSON.
    Other(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    fn new(value: &'a Value, digests: bool) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::String(text) => match digest(text).filter(|_| digests) {
                Some(digest) => Self::Digest(digest),
                None => Self::Text(text.into()),
            },
            value => {
                let whole = value.as_i64().map(Self::Whole);
                let short = whole.or_else(|| reference(value).map(Self::Reference));
                short.unwrap_or_else(|| Self::Other(value.to_string().into()))
            }
        }
    }

    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Whole(value) => value.into(),
            Self::Text(text) => text.into(),
            Self::Reference(id) => json!({ "id": id.to_string() }),
            Self::Digest(bytes) => hex::encode(bytes).into(),
            Self::Other(json) => serde_json::from_str(&json).expect("it was written as JSON"),
        }
    }
}

/// What comes back as the same text.
fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes = <[u8; 32] as hex::FromHex>::from_hex(text).ok()?;
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(bytes)
}

/// What comes back as the same object.
fn reference(value: &Value) -> Option<Uuid> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let text = fields.get("id")?.as_str()?;
    let id = Uuid::try_parse(text).ok()?;
    (id.to_string() == text).then_some(id)
}

/// Writes one value after the other. `digests`: texts may be digests.
pub fn write<'a>(values: impl Iterator<Item = &'a Value>, digests: bool) -> Vec<u8> {
    values.fold(Vec::new(), |written, value| {
        let written = postcard::to_extend(&Cell::new(value, digests), written);
        written.expect("memory takes everything")
    })
}

/// Reads what [`write`] wrote.
pub fn read(written: &[u8]) -> impl Iterator<Item = Cell<'_>> {
    let mut rest = written;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (cell, behind) = postcard::take_from_bytes(rest).expect("it was written by `write`");
        rest = behind;
        Some(cell)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_in_few_bytes() {
        let id = "0189d3c2-7b1e-4c58-9a53-3f1d2b6e8a90";
        let digest = "00ff".repeat(16);
        for (value, bytes) in [
            (json!(null), 1),
            (json!(true), 2),
            (json!(1_763_000_000), 6),
            (json!(-1), 2),
            (json!("ä\"b"), 6),
            (json!({ "id": id }), 18),
            (json!(digest), 33),
            (json!(digest.to_uppercase()), 66),
            (json!("00ff"), 6),
            (json!({ "id": id.to_uppercase() }), 47),
            (json!({ "id": id, "name": "x" }), 58),
            (json!({ "id": 3 }), 10),
            (json!(["a", null, 0.5]), 16),
            (json!(u64::MAX), 22),
            (json!(1.5), 5),
            (json!({}), 4),
        ] {
            let written = write([&value, &json!(7)].into_iter(), true);
            let read: Vec<Value> = read(&written).map(Cell::into_value).collect();
            assert_eq!(read, [value.clone(), json!(7)]);
            assert_eq!(written.len() - 2, bytes, "{value}");
        }
        assert_eq!(read(&[]).count(), 0);
        assert_eq!(write(std::iter::once(&json!(digest)), false).len(), 66);
    }
}
