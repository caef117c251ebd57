//! Scopes: what is asked for, what a subscription may have, what groups add (section 11).

use sdk::types::grants::IDENTITY_SCOPES;

use crate::clients::ScopeLimit;

/// Prefix of scopes that stand for groups of the user. They are never requested, only added.
const GROUP_PREFIX: &str = "wicked:";
/// Makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";

/// What came out of looking at a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub scope: Vec<String>,
}

/// A scope that the API does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the API has no scope `{0}`")]
pub struct UnknownScope(pub String);

/// The scopes in a request: separated by blanks, else by commas, else by semicolons.
pub fn parse(text: &str) -> Vec<String> {
    let separator = [' ', ',', ';']
        .into_iter()
        .find(|separator| text.contains(*separator))
        .unwrap_or(' ');
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(separator).map(str::trim) {
        if !scope.is_empty() && !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// The scopes a client gets: all of the API for a trusted one that names none, else those it
/// names as far as its subscription allows them. Dropped ones do not fail the request.
pub fn filter(
    requested: &[String],
    defined: &[String],
    trusted: bool,
    limit: &ScopeLimit,
) -> Result<Granted, UnknownScope> {
    if trusted && requested.is_empty() {
        return Ok(Granted {
            scope: defined.to_vec(),
        });
    }
    if let Some(unknown) = requested.iter().find(|scope| !defined.contains(scope)) {
        return Err(UnknownScope(unknown.clone()));
    }
    let scope = requested
        .iter()
        .filter(|scope| limit.allows(scope))
        .cloned()
        .collect();
    Ok(Granted { scope })
}

/// As [`filter`], for a request about a user: those of OpenID Connect stand beside the API's own. They
/// are about the user and not about the API, so no subscription limits them.
pub fn filter_with_identity(
    requested: &[String],
    defined: &[String],
    trusted: bool,
    limit: &ScopeLimit,
) -> Result<Granted, UnknownScope> {
    if !contains(requested, OPENID) {
        return filter(requested, defined, trusted, limit);
    }
    let (of_api, mut scope): (Vec<String>, Vec<String>) = requested
        .iter()
        .cloned()
        .partition(|scope| is_of_api(scope, defined));
    if !of_api.is_empty() {
        scope.extend(filter(&of_api, defined, trusted, limit)?.scope);
    }
    Ok(Granted { scope })
}

fn is_of_api(scope: &str, defined: &[String]) -> bool {
    !IDENTITY_SCOPES.contains(&scope) || contains(defined, scope)
}

/// Those that are not OpenID Connect's: what the API and a gateway in front of it know.
pub fn of_api(scope: &[String], defined: &[String]) -> Vec<String> {
    let of_api = scope.iter().filter(|scope| is_of_api(scope, defined));
    of_api.cloned().collect()
}

pub fn contains(scope: &[String], one: &str) -> bool {
    scope.iter().any(|scope| scope == one)
}

/// Adds the scopes of the user's groups as they are now.
pub fn with_groups(scope: &[String], groups: &[String]) -> Vec<String> {
    let groups = groups.iter().map(|group| format!("{GROUP_PREFIX}{group}"));
    scope.iter().cloned().chain(groups).collect()
}

/// The scopes that were granted, without those of groups.
pub fn without_groups(scope: &[String]) -> Vec<String> {
    let granted = scope.iter().filter(|one| !one.starts_with(GROUP_PREFIX));
    granted.cloned().collect()
}

/// Whether both hold the same scopes, in whatever order.
pub fn are_equal(one: &[String], other: &[String]) -> bool {
    let set = |list: &[String]| {
        list.iter()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
    };
    set(one) == set(other)
}

/// One text, as in tokens and answers.
pub fn join(scope: &[String]) -> String {
    scope.join(" ")
}

/// The stored form back into a list.
pub fn split(stored: &str) -> Vec<String> {
    stored.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        split(text)
    }

    #[test]
    fn requested_scopes_may_be_separated_in_three_ways() {
        for text in ["a b c", "a,b,c", "a;b;c", " a  b c ", "a b c a"] {
            assert_eq!(parse(text), list("a b c"), "{text}");
        }
        assert_eq!(parse("a,b c"), list("a,b c"));
    }

    #[test]
    fn the_subscription_limits_what_a_client_gets() {
        let defined = list("read write");
        let cases = [
            (false, "read write", ScopeLimit::All, Ok("read write")),
            (false, "write read", ScopeLimit::All, Ok("write read")),
            (false, "read write", ScopeLimit::None, Ok("")),
            (
                false,
                "read write",
                ScopeLimit::Select(list("write")),
                Ok("write"),
            ),
            (false, "", ScopeLimit::All, Ok("")),
            (true, "", ScopeLimit::All, Ok("read write")),
            (true, "write", ScopeLimit::All, Ok("write")),
            (true, "wicked:admin", ScopeLimit::All, Err("wicked:admin")),
        ];
        for (trusted, requested, limit, expected) in cases {
            let got = filter(&list(requested), &defined, trusted, &limit);
            let expected = expected
                .map(|scope| Granted { scope: list(scope) })
                .map_err(|scope| UnknownScope(scope.to_owned()));
            assert_eq!(got, expected, "{trusted} {requested} {limit:?}");
        }
    }

    #[test]
    fn scopes_of_openid_stand_beside_those_of_the_api() {
        let defined = list("read email");
        let cases = [
            ("openid profile", ScopeLimit::None, Ok("openid profile")),
            ("openid read", ScopeLimit::None, Ok("openid")),
            (
                "read openid email",
                ScopeLimit::All,
                Ok("openid read email"),
            ),
            ("openid fly", ScopeLimit::All, Err("fly")),
            ("profile", ScopeLimit::All, Err("profile")),
            ("", ScopeLimit::All, Ok("")),
        ];
        for (requested, limit, expected) in cases {
            let got = filter_with_identity(&list(requested), &defined, false, &limit);
            let got = got.map(|granted| join(&granted.scope)).map_err(|e| e.0);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(got, expected, "{requested} {limit:?}");
        }
        assert!(filter(&list("openid"), &defined, true, &ScopeLimit::All).is_err());
        let all = list("openid profile email read wicked:dev");
        assert_eq!(of_api(&all, &defined), list("email read wicked:dev"));
    }
}
