//! The entry of an API as it is served.

use serde_json::{Map, Value};

use super::Lifecycle;

/// Addresses of helper services; not for everybody (portal-api D26).
const INTERNAL: &[&str] = &["scopeLookupUrl", "passthroughScopeUrl"];

/// The entry with its life cycle; `deprecated` says what old clients understand.
pub fn full(entry: &Map<String, Value>, lifecycle: &Lifecycle) -> Map<String, Value> {
    let mut shown = entry.clone();
    if lifecycle.is_deprecated() || shown.contains_key("deprecated") {
        shown.insert("deprecated".to_owned(), lifecycle.is_deprecated().into());
    }
    let lifecycle = serde_json::to_value(lifecycle).expect("it has text keys only");
    shown.insert("lifecycle".to_owned(), lifecycle);
    shown
}

pub fn public(full: &Map<String, Value>) -> Map<String, Value> {
    full.iter()
        .filter(|(key, _)| !INTERNAL.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
