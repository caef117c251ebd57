//! Decisions about grants, without I/O.

use chrono::{DateTime, Utc};
use sdk::types::{
    Timestamp,
    grants::{GrantedScope, IDENTITY_SCOPES, ScopeToGrant},
};
use serde_json::Value;

use crate::ApiError;

/// The scopes of a body, each once; all of them have to be among the `known` ones of `api`, or
/// OpenID Connect's, and none may have ended at `now`.
pub fn wanted(
    api: &str,
    known: &[String],
    body: &Value,
    now: DateTime<Utc>,
) -> Result<Vec<ScopeToGrant>, ApiError> {
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
    let mut wanted: Vec<ScopeToGrant> = Vec::new();
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
        let expires_date = match entry.get("expiresDate") {
            None | Some(Value::Null) => None,
            Some(written) => match serde_json::from_value::<Timestamp>(written.clone()) {
                Ok(end) if end.0 > now => Some(end),
                _ => {
                    let message = "`expiresDate` of a scope is a moment to come, such as \
                        `2026-12-24T08:30:00.000Z`; leave it out where there is no end.";
                    return refuse("expires-date", message.to_owned());
                }
            },
        };
        if !wanted.iter().any(|other| other.scope == scope) {
            wanted.push(ScopeToGrant {
                scope: scope.to_owned(),
                expires_date,
            });
        }
    }
    Ok(wanted)
}

/// The new list: what was allowed before keeps its date.
pub fn merged(
    stored: &[GrantedScope],
    wanted: Vec<ScopeToGrant>,
    now: DateTime<Utc>,
) -> Vec<GrantedScope> {
    let date = |scope: &str| {
        let before = stored.iter().find(|granted| granted.scope == scope);
        before.map_or_else(|| now.into(), |granted| granted.granted_date)
    };
    wanted
        .into_iter()
        .map(|wanted| GrantedScope {
            granted_date: date(&wanted.scope),
            scope: wanted.scope,
            expires_date: wanted.expires_date,
        })
        .collect()
}

/// What counts of a list at `now`.
pub fn living(mut granted: Vec<GrantedScope>, now: DateTime<Utc>) -> Vec<GrantedScope> {
    granted.retain(|one| one.expires_date.is_none_or(|end| end.0 > now));
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn granted(scope: &str, seconds: Option<i64>) -> GrantedScope {
        let end = |seconds| NOW + chrono::TimeDelta::seconds(seconds);
        GrantedScope {
            scope: scope.to_owned(),
            granted_date: NOW.into(),
            expires_date: seconds.map(|seconds| end(seconds).into()),
        }
    }

    #[test]
    fn what_has_an_end_counts_until_then() {
        let list = vec![granted("a", None), granted("b", Some(10))];
        assert_eq!(living(list.clone(), NOW).len(), 2);
        let later = living(list, NOW + chrono::TimeDelta::seconds(10));
        assert_eq!(later, [granted("a", None)]);
    }

    #[test]
    fn an_end_is_a_moment_to_come() {
        let known = ["read".to_owned()];
        for (end, is_good) in [
            (serde_json::json!("1970-01-01T00:00:01Z"), true),
            (serde_json::json!(null), true),
            (serde_json::json!("1970-01-01T00:00:00Z"), false),
            (serde_json::json!("tomorrow"), false),
            (serde_json::json!(30), false),
        ] {
            let body = serde_json::json!({"grants": [{"scope": "read", "expiresDate": end}]});
            assert_eq!(
                wanted("orders", &known, &body, NOW).is_ok(),
                is_good,
                "{end}"
            );
        }
    }

    #[test]
    fn scopes_of_openid_are_known_to_every_api() {
        let body = |scope: &str| serde_json::json!({"grants": [{"scope": scope}]});
        let read = ["read".to_owned()];
        for (known, scope) in [(&[] as &[String], "openid"), (&read, "email")] {
            let wanted = wanted("orders", known, &body(scope), NOW).unwrap();
            assert_eq!(wanted[0].scope, scope);
        }
        assert!(wanted("orders", &[], &body("read"), NOW).is_err());
        assert!(wanted("orders", &read, &body("phone"), NOW).is_err());
    }

    #[test]
    fn scopes_that_stay_keep_their_date() {
        let (then, now) = (
            DateTime::UNIX_EPOCH,
            DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1),
        );
        let stored = [granted("read", None)];
        let wanted = ["write", "read"].map(|scope| ScopeToGrant {
            scope: scope.to_owned(),
            expires_date: None,
        });
        let merged = merged(&stored, wanted.into(), now);
        let dates: Vec<_> = merged
            .iter()
            .map(|g| (g.scope.as_str(), g.granted_date.0))
            .collect();
        assert_eq!(dates, [("write", now), ("read", then)]);
    }
}
