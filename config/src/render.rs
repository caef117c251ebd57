//! JSON that was rendered once, with the validator that HTTP needs for it.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A body and its strong `ETag` (with quotes). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub bytes: Bytes,
    pub etag: String,
}

impl Rendered {
    /// Bytes with the `ETag` that belongs to them.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = Sha256::digest(&bytes);
        let mut etag = String::with_capacity(34);
        etag.push('"');
        for byte in &digest[..16] {
            write!(etag, "{byte:02x}").expect("writing to a String");
        }
        etag.push('"');
        Self { bytes, etag }
    }

    /// A value as JSON text.
    pub fn json(value: &impl Serialize) -> Self {
        Self::new(serde_json::to_vec(value).expect("our values have text keys only"))
    }

    /// `{"<member>": [<parts>], …}` out of parts that are JSON already.
    pub fn list<'p>(member: &str, parts: impl IntoIterator<Item = &'p Self>, tail: &str) -> Bytes {
        let mut body = format!("{{\"{member}\":[").into_bytes();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&part.bytes);
        }
        body.push(b']');
        body.extend_from_slice(tail.as_bytes());
        body.push(b'}');
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Rendered;

    #[test]
    fn equal_content_has_an_equal_validator() {
        let (one, same, other) = (
            Rendered::json(&json!([1])),
            Rendered::json(&json!([1])),
            Rendered::json(&json!([2])),
        );
        assert_eq!(one.etag, same.etag);
        assert_ne!(one.etag, other.etag);
    }

    #[test]
    fn parts_are_joined_to_valid_json() {
        let parts = [
            Rendered::json(&json!({"id": 1})),
            Rendered::json(&json!({"id": 2})),
        ];
        let body = Rendered::list("items", &parts, r#","n":2"#);
        assert_eq!(body, r#"{"items":[{"id":1},{"id":2}],"n":2}"#);
    }
}
