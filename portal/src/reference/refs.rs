//! `$ref` inside one document.

use serde_json::Value;

const MAX_HOPS: usize = 16;

/// Follows references until there is something else. The second part is the last pointer followed.
/// References to other files, into nothing or in a circle give `None`.
pub fn resolve<'a>(root: &'a Value, value: &'a Value) -> Option<(&'a Value, Option<&'a str>)> {
    let (mut value, mut pointer) = (value, None);
    for _ in 0..MAX_HOPS {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Some((value, pointer));
        };
        pointer = Some(reference);
        value = at(root, reference)?;
    }
    None
}

/// What stands where a reference leads to.
pub fn at<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let path = reference.strip_prefix('#')?;
    match percent_decoded(path) {
        Some(decoded) => root.pointer(&decoded),
        None => root.pointer(path),
    }
}

/// The last part of a pointer: the name of a schema.
pub fn name(pointer: &str) -> String {
    let last = pointer.rsplit('/').next().unwrap_or(pointer);
    last.replace("~1", "/").replace("~0", "~")
}

/// Fragments may be percent-encoded (RFC 6901, 6); most are not.
fn percent_decoded(path: &str) -> Option<String> {
    if !path.contains('%') {
        return None;
    }
    // `form_urlencoded` would read a plus as a blank, which fragments do not.
    let query = format!("={}", path.replace('+', "%2B"));
    let (_, value) = url::form_urlencoded::parse(query.as_bytes()).next()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_and_circles_end() {
        let root = json!({
            "a": {"$ref": "#/b~1c"}, "b/c": {"$ref": "#/d%20e"}, "d e": {"type": "string"},
            "x": {"$ref": "#/y"}, "y": {"$ref": "#/x"}, "file": {"$ref": "other.json#/a"},
        });
        let (value, pointer) = resolve(&root, &root["a"]).unwrap();
        assert_eq!(
            (value, pointer),
            (&json!({"type": "string"}), Some("#/d%20e"))
        );
        assert!(resolve(&root, &root["x"]).is_none());
        assert!(resolve(&root, &root["file"]).is_none());
    }
}
