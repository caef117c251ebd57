//! Removes what the author wrote about security and servers: the gateway decides both.

use serde_json::{Map, Value, json};

/// Members under which any name may stand as data, so `security` there is not OpenAPI's.
const DATA: &[&str] = &[
    "properties",
    "patternProperties",
    "example",
    "examples",
    "default",
    "enum",
];

/// What replaces the `security` of a single operation: the author's scopes with our schemes.
pub struct OperationScopes<'a> {
    pub schemes: Vec<&'a str>,
    /// Ids of the scopes that the API has.
    pub known: Vec<&'a str>,
}

/// Clears `security` at every depth; with `scopes`, an operation that named known scopes keeps
/// them.
pub fn security(value: &mut Value, scopes: Option<&OperationScopes>) {
    match value {
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| security(element, scopes)),
        Value::Object(members) => {
            if let Some(old) = members.get("security") {
                match scopes.and_then(|scopes| scopes.translate(old)) {
                    Some(new) => drop(members.insert("security".to_owned(), new)),
                    None => drop(members.shift_remove("security")),
                }
            }
            let inner = members.iter_mut().filter(|(key, _)| is_structure(key));
            inner.for_each(|(_, member)| security(member, scopes));
        }
        _ => {}
    }
}

/// Removes `servers` below the top level: they would lead past the gateway.
pub fn servers(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(servers),
        Value::Object(members) => {
            members.shift_remove("servers");
            members
                .iter_mut()
                .filter(|(key, _)| is_structure(key))
                .for_each(|(_, member)| servers(member));
        }
        _ => {}
    }
}

fn is_structure(key: &str) -> bool {
    !DATA.contains(&key) && !key.starts_with("x-")
}

impl OperationScopes<'_> {
    fn translate(&self, old: &Value) -> Option<Value> {
        let mut wanted: Vec<&str> = Vec::new();
        let requirements = old
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object);
        for scope in requirements
            .flat_map(Map::values)
            .filter_map(Value::as_array)
            .flatten()
        {
            let scope = self
                .known
                .iter()
                .find(|known| Some(**known) == scope.as_str());
            wanted.extend(
                scope
                    .filter(|scope| !wanted.contains(scope))
                    .copied()
                    .as_slice(),
            );
        }
        if wanted.is_empty() {
            return None;
        }
        let schemes = self.schemes.iter().map(|scheme| json!({*scheme: wanted}));
        Some(schemes.collect())
    }
}
