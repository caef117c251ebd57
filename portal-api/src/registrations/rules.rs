//! Decisions about registrations, without I/O.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use config::{
    Configuration,
    pools::{CONSENTS, Pool, PoolProperty},
};
use sdk::types::Timestamp;
use serde_json::{Map, Value, json};

use super::value;
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
/// `before` is what the user has said until now.
pub fn properties(
    pool: &Pool,
    body: &Map<String, Value>,
    before: Option<&Map<String, Value>>,
    now: DateTime<Utc>,
) -> Result<Map<String, Value>, ApiError> {
    let mut kept = Map::new();
    for property in pool
        .properties
        .iter()
        .filter(|property| !FIXED.contains(&property.id.as_str()))
    {
        let earlier = before.and_then(|before| before.get(&property.id)?.as_str());
        if let Some(text) = value::checked(property, body.get(&property.id), earlier)? {
            kept.insert(property.id.clone(), Value::String(text));
        }
    }
    if pool.properties.iter().any(PoolProperty::is_consent) {
        let consents = consents(pool, &kept, before, now);
        kept.insert(CONSENTS.to_owned(), Value::Object(consents));
    }
    Ok(kept)
}

/// Which version of each text was accepted, and when: at the first time, however often the
/// registration is saved afterwards.
fn consents(
    pool: &Pool,
    kept: &Map<String, Value>,
    before: Option<&Map<String, Value>>,
    now: DateTime<Utc>,
) -> Map<String, Value> {
    let earlier = before.and_then(|before| before.get(CONSENTS)?.as_object());
    let asked = pool.properties.iter().filter(|one| one.is_consent());
    let accepted = asked.filter_map(|property| {
        let version = kept.get(&property.id)?;
        let known = earlier.and_then(|earlier| earlier.get(&property.id));
        let consent = known
            .filter(|known| known["version"] == *version)
            .cloned()
            .unwrap_or_else(|| json!({"version": version, "acceptedAt": Timestamp(now)}));
        Some((property.id.clone(), consent))
    });
    accepted.collect()
}

#[cfg(test)]
mod tests {
    use config::{
        Rendered,
        pools::{Consent, Kind},
    };
    use proptest::prelude::*;

    use super::*;

    fn pool() -> Pool {
        let property = |id: &str, required, min_length, max_length| PoolProperty {
            id: id.to_owned(),
            description: id.to_owned(),
            kind: Kind::Text(None),
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
            requires_invitation: false,
            properties: vec![
                property("name", true, 2, 10),
                property("company", false, 3, 255),
            ],
            rendered: Rendered::json(&json!({})),
        }
    }

    fn check(body: &Value) -> Result<Map<String, Value>, ApiError> {
        let now = DateTime::UNIX_EPOCH;
        properties(&pool(), body.as_object().unwrap(), None, now)
    }

    #[test]
    fn the_time_of_a_consent_stays_until_another_version_is_accepted() {
        let mut pool = pool();
        let terms = |version: &str| {
            Kind::Consent(Consent {
                version: version.to_owned(),
                link: None,
            })
        };
        pool.properties[1].kind = terms("1");
        let body = json!({"name": "Ada", "company": true});
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let save = |pool: &Pool, before: Option<&Map<String, Value>>, seconds| {
            properties(pool, body.as_object().unwrap(), before, at(seconds)).unwrap()
        };
        let first = save(&pool, None, 100);
        assert_eq!(first["company"], "1");
        let again = save(&pool, Some(&first), 200);
        assert_eq!(first, again);
        pool.properties[1].kind = terms("2");
        let newer = save(&pool, Some(&again), 300);
        assert_eq!(newer["consents"]["company"]["version"], "2");
        assert_ne!(newer["consents"], again["consents"]);
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

    proptest! {
        #[test]
        fn names_are_accepted_by_their_form_alone(text in "[a-z0-9_-]{0,130}[A-Z./ä\u{0}]?") {
            let form = regex::Regex::new("^[a-z0-9_-]{1,128}$").unwrap();
            prop_assert_eq!(is_valid_name(&text), form.is_match(&text));
        }
    }
}
