//! Decisions about namespaces, without I/O.

use std::sync::Arc;

use config::{Configuration, pools::Pool};
use serde_json::{Map, Value};

use crate::{ApiError, registrations::rules::is_valid_name};

const MAX_DESCRIPTION: usize = 255;
/// Members that are not kept as further ones.
const FIXED: [&str; 6] = [
    "id",
    "poolId",
    "namespace",
    "description",
    "changedDate",
    "changedBy",
];

/// A pool with namespaces.
pub fn find_pool<'c>(
    configuration: &'c Configuration,
    id: &str,
) -> Result<&'c Arc<Pool>, ApiError> {
    let pool = configuration
        .pool(id)
        .ok_or_else(|| ApiError::not_found(format!("There is no pool `{id}`.")))?;
    if !pool.requires_namespace {
        return Err(ApiError::bad_request(
            "no-namespaces",
            format!("The pool `{id}` has no namespaces."),
        ));
    }
    Ok(pool)
}

/// Description and further members of a body, for the namespace named in the path.
pub fn check(
    pool: &str,
    namespace: &str,
    body: &Value,
) -> Result<(String, Map<String, Value>), ApiError> {
    let members = body.as_object().ok_or_else(|| {
        ApiError::bad_request("not-an-object", "Send the namespace as a JSON object.")
    })?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let description = text("description")
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            ApiError::invalid(
                "description",
                "required",
                "`description` is missing; say whose it is.",
            )
        })?;
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(ApiError::invalid(
            "description",
            "max-length",
            format!("`description` is limited to {MAX_DESCRIPTION} characters."),
        ));
    }
    if !is_valid_name(namespace) {
        return Err(ApiError::invalid(
            "namespace",
            "format",
            "A namespace has only a-z, 0-9, `_` and `-`, up to 128 characters.",
        ));
    }
    for (name, expected) in [("namespace", namespace), ("poolId", pool)] {
        if members
            .get(name)
            .is_some_and(|value| value.as_str() != Some(expected))
        {
            return Err(ApiError::invalid(
                name,
                "mismatch",
                format!("`{name}` in the body differs from the one in the address."),
            ));
        }
    }
    let mut extra = members.clone();
    extra.retain(|name, _| !FIXED.contains(&name.as_str()));
    Ok((description.to_owned(), extra))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn further_members_are_kept() {
        let (description, extra) = check(
            "p",
            "acme",
            &json!({"namespace": "acme", "description": "Acme", "vat": 7}),
        )
        .unwrap();
        assert_eq!(description, "Acme");
        assert_eq!(Value::Object(extra), json!({"vat": 7}));
    }

    #[test]
    fn bodies_that_are_refused() {
        for (namespace, body) in [
            ("acme", json!([])),
            ("acme", json!({})),
            ("ACME", json!({"description": "x"})),
            ("acme", json!({"description": "x", "namespace": "other"})),
            ("acme", json!({"description": "x", "poolId": "other"})),
            ("acme", json!({"description": "x".repeat(256)})),
        ] {
            assert!(check("p", namespace, &body).is_err(), "{namespace} {body}");
        }
    }
}
