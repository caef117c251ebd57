//! Decisions about registrations, without I/O.

use std::sync::Arc;

use config::{
    Configuration,
    pools::{Pool, PoolProperty},
};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use crate::ApiError;

/// Members of a registration that are not properties of its pool.
pub const FIXED: [&str; 8] = [
    "id",
    "poolId",
    "userId",
    "namespace",
    "email",
    "customId",
    "changedDate",
    "changedBy",
];

/// Whether a text may be the id of a pool or of a namespace.
pub fn is_valid_name(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_allowed)
}

/// The pool with this id: 400 for what cannot be one, 404 for what is none.
pub fn find_pool<'c>(
    configuration: &'c Configuration,
    id: &str,
) -> Result<&'c Arc<Pool>, ApiError> {
    if !is_valid_name(id) {
        return Err(ApiError::invalid(
            "pool",
            "format",
            "The id of a pool has only a-z, 0-9, `_` and `-`.",
        ));
    }
    configuration
        .pool(id)
        .ok_or_else(|| ApiError::not_found(format!("There is no pool `{id}`.")))
}

/// Pool and namespace of a call, checked in the order of the contract. The namespace is empty where
/// the pool has none.
pub fn find_place<'c, 'n>(
    configuration: &'c Configuration,
    pool: &str,
    namespace: Option<&'n str>,
) -> Result<(&'c Arc<Pool>, &'n str), ApiError> {
    if !is_valid_name(pool) {
        find_pool(configuration, pool)?;
    }
    let namespace = namespace.unwrap_or_default();
    if !namespace.is_empty() && !is_valid_name(namespace) {
        return Err(ApiError::invalid(
            "namespace",
            "format",
            "A namespace has only a-z, 0-9, `_` and `-`, up to 128 characters.",
        ));
    }
    let pool = find_pool(configuration, pool)?;
    match (pool.requires_namespace, namespace.is_empty()) {
        (false, false) => Err(ApiError::invalid(
            "namespace",
            "absent",
            format!(
                "The pool `{}` has no namespaces; leave `namespace` out.",
                pool.id
            ),
        )),
        (true, true) => Err(ApiError::invalid(
            "namespace",
            "required",
            format!(
                "The pool `{}` has namespaces; name one as `namespace`.",
                pool.id
            ),
        )),
        _ => Ok((pool, namespace)),
    }
}

/// The properties of a body that the pool defines, checked in its order; others are dropped.
pub fn properties(pool: &Pool, body: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let mut kept = Map::new();
    for property in pool
        .properties
        .iter()
        .filter(|property| !FIXED.contains(&property.id.as_str()))
    {
        if let Some(text) = checked(property, body.get(&property.id))? {
            kept.insert(property.id.clone(), Value::String(text));
        }
    }
    Ok(kept)
}

fn checked(property: &PoolProperty, value: Option<&Value>) -> Result<Option<String>, ApiError> {
    let id = &property.id;
    let refuse = |rule, message: String| Err(ApiError::invalid(id, rule, message));
    let text = match value {
        None if property.required => return refuse("required", format!("`{id}` is missing.")),
        None => return Ok(None),
        Some(Value::String(text)) => text.nfc().collect::<String>(),
        Some(_) => return refuse("type", format!("`{id}` has to be a text.")),
    };
    if property.required && text.is_empty() {
        return refuse(
            "required",
            format!("`{id}` is empty, but has to be filled in."),
        );
    }
    let length = text.chars().count();
    if !text.is_empty() && length < property.min_length {
        let least = property.min_length;
        return refuse(
            "min-length",
            format!("`{id}` needs at least {least} characters."),
        );
    }
    if length > property.max_length {
        let most = property.max_length;
        return refuse(
            "max-length",
            format!("`{id}` has {length} characters, at most {most} are allowed."),
        );
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use config::Rendered;
    use serde_json::json;

    use super::*;

    fn pool() -> Pool {
        let property = |id: &str, required, min_length, max_length| PoolProperty {
            id: id.to_owned(),
            description: id.to_owned(),
            required,
            min_length,
            max_length,
            oidc_claim: None,
        };
        Pool {
            id: "wicked".to_owned(),
            name: "Users".to_owned(),
            requires_namespace: false,
            disable_register: false,
            properties: vec![
                property("name", true, 2, 10),
                property("company", false, 3, 255),
            ],
            rendered: Rendered::json(&json!({})),
        }
    }

    fn check(body: &Value) -> Result<Map<String, Value>, ApiError> {
        properties(&pool(), body.as_object().unwrap())
    }

    #[test]
    fn unknown_members_are_dropped_and_optional_ones_may_be_absent_or_empty() {
        let kept = check(&json!({"name": "Ada", "shoe": "7", "id": "x"})).unwrap();
        assert_eq!(Value::Object(kept), json!({"name": "Ada"}));
        assert!(check(&json!({"name": "Ada", "company": ""})).is_ok());
    }

    #[test]
    fn required_and_length_rules() {
        for refused in [
            json!({}),
            json!({"name": ""}),
            json!({"name": "A"}),
            json!({"name": "A very long name"}),
            json!({"name": 7}),
            json!({"name": "Ada", "company": "ab"}),
        ] {
            assert!(check(&refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn names_of_pools_and_namespaces() {
        assert!(is_valid_name("acme_1-a"));
        for bad in ["", "Acme", "a/b", "ä", &"a".repeat(129)] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }
}
