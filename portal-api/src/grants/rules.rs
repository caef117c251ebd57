//! Decisions about grants, without I/O.

use chrono::{DateTime, Utc};
use sdk::types::grants::{GrantedScope, IDENTITY_SCOPES};
use serde_json::Value;

use crate::ApiError;

/// The scopes of a body, each once; all of them have to be among the `known` ones of `api`, or
/// OpenID Connect's.
pub fn wanted(api: &str, known: &[String], body: &Value) -> Result<Vec<String>, ApiError> {
    let refuse = |rule, message: String| Err(ApiError::invalid("grants", rule, message));
    let Some(grants) = body.get("grants") else {
        return refuse(
            "required",
            "`grants` is missing; send a list of scopes.".to_owned(),
        );
    };
    let Some(entries) = grants.as_array() else {
        return refuse("type", "`grants` has to be a list.".to_owned());
    };
    let mut wanted: Vec<String> = Vec::new();
    for entry in entries {
        let Some(scope) = entry.get("scope").and_then(Value::as_str) else {
            return refuse(
                "type",
                "Each entry of `grants` is an object with a `scope`.".to_owned(),
            );
        };
        let is_known = IDENTITY_SCOPES.contains(&scope) || known.iter().any(|id| id == scope);
        if !is_known && known.is_empty() {
            return refuse("no-scopes", format!("The API `{api}` has no scopes."));
        }
        if !is_known {
            return refuse(
                "unknown-scope",
                format!("The API `{api}` has no scope `{scope}`."),
            );
        }
        if !wanted.iter().any(|other| other == scope) {
            wanted.push(scope.to_owned());
        }
    }
    Ok(wanted)
}

/// The new list: what was allowed before keeps its date.
pub fn merged(
    stored: &[GrantedScope],
    wanted: Vec<String>,
    now: DateTime<Utc>,
) -> Vec<GrantedScope> {
    let date = |scope: &str| {
        let before = stored.iter().find(|granted| granted.scope == scope);
        before.map_or_else(|| now.into(), |granted| granted.granted_date)
    };
    wanted
        .into_iter()
        .map(|scope| GrantedScope {
            granted_date: date(&scope),
            scope,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_openid_are_known_to_every_api() {
        let body = |scope: &str| serde_json::json!({"grants": [{"scope": scope}]});
        let read = ["read".to_owned()];
        assert_eq!(wanted("orders", &[], &body("openid")).unwrap(), ["openid"]);
        assert_eq!(wanted("orders", &read, &body("email")).unwrap(), ["email"]);
        assert!(wanted("orders", &[], &body("read")).is_err());
        assert!(wanted("orders", &read, &body("phone")).is_err());
    }

    #[test]
    fn scopes_that_stay_keep_their_date() {
        let (then, now) = (
            DateTime::UNIX_EPOCH,
            DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1),
        );
        let stored = [GrantedScope {
            scope: "read".to_owned(),
            granted_date: then.into(),
        }];
        let merged = merged(&stored, vec!["write".to_owned(), "read".to_owned()], now);
        let dates: Vec<_> = merged
            .iter()
            .map(|g| (g.scope.as_str(), g.granted_date.0))
            .collect();
        assert_eq!(dates, [("write", now), ("read", then)]);
    }
}
