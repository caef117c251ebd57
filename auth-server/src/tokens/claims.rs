//! The claims of an access token (Part 4), which are also the members of an introspection answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::NewToken;

/// Claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Copied by the gateway into `X-Authenticated-UserId`; absent without a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_userid: Option<String>,
    /// Name of the verification key at the gateway: `<client_id>.<kid>`.
    pub gateway_key: String,
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What the log-in is worth (RFC 9470).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

/// One API, or all APIs of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// The usual form: a single audience is a string.
    pub fn of(mut apis: Vec<String>) -> Self {
        match apis.pop() {
            Some(only) if apis.is_empty() => Self::One(only),
            Some(last) => {
                apis.push(last);
                Self::Many(apis)
            }
            None => Self::Many(apis),
        }
    }

    /// With one more, if there is one.
    #[must_use]
    pub fn with(&self, more: Option<&str>) -> Self {
        let mut all = match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        };
        all.extend(more.map(str::to_owned));
        Self::of(all)
    }

    pub fn contains(&self, api: &str) -> bool {
        match self {
            Self::One(one) => one == api,
            Self::Many(many) => many.iter().any(|one| one == api),
        }
    }
}

/// On whose behalf a token is issued.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Client credentials.
    Client,
    User {
        id: &'a str,
        /// As the backend is told (section 12).
        text: &'a str,
        session: Option<UserSession<'a>>,
    },
}

/// The login from which a user's token came.
#[derive(Clone, Copy, Debug)]
pub struct UserSession<'a> {
    pub sid: &'a str,
    pub auth_time: DateTime<Utc>,
    pub acr: Option<&'static str>,
}

impl Claims {
    /// The claims of `token`, issued at `now`.
    pub fn new(issuer: &str, kid: &str, token: NewToken, jti: String, now: DateTime<Utc>) -> Self {
        let (sub, authenticated_userid, session) = match token.subject {
            Subject::Client => (token.client_id, None, None),
            Subject::User { id, text, session } => (id, Some(text.to_owned()), session),
        };
        let iat = now.timestamp();
        Self {
            iss: issuer.to_owned(),
            sub: sub.to_owned(),
            aud: token.audience,
            client_id: token.client_id.to_owned(),
            scope: Some(token.scope.join(" ")).filter(|scope| !scope.is_empty()),
            authenticated_userid,
            gateway_key: format!("{}.{kid}", token.client_id),
            exp: iat + token.lifetime.as_secs().cast_signed(),
            iat,
            jti,
            auth_time: session.map(|session| session.auth_time.timestamp()),
            sid: session.map(|session| session.sid.to_owned()),
            acr: session.and_then(|session| session.acr).map(str::to_owned),
        }
    }

    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether a user stands behind the token.
    pub const fn is_of_user(&self) -> bool {
        self.authenticated_userid.is_some()
    }

    /// The tenant in `authenticated_userid`.
    pub fn namespace(&self) -> Option<&str> {
        self.authenticated_userid
            .as_deref()?
            .split_once(";namespace=")
            .map(|(_, namespace)| namespace)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn claims(subject: Subject, scope: &[String]) -> serde_json::Value {
        let token = NewToken {
            client_id: "client",
            audience: Audience::of(vec!["orders".to_owned()]),
            subject,
            scope,
            lifetime: Duration::from_mins(10),
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        serde_json::to_value(Claims::new("issuer", "kid", token, "jti".to_owned(), now)).unwrap()
    }

    #[test]
    fn a_client_token_names_no_user_and_no_empty_scope() {
        assert_eq!(
            claims(Subject::Client, &[]),
            serde_json::json!({
                "iss": "issuer", "sub": "client", "aud": "orders", "client_id": "client",
                "gateway_key": "client.kid", "exp": 1_800_000_600, "iat": 1_800_000_000,
                "jti": "jti"
            })
        );
    }

    #[test]
    fn a_user_token_carries_user_namespace_and_login() {
        let auth_time = DateTime::from_timestamp(1_799_999_000, 0).unwrap();
        let subject = Subject::User {
            id: "42",
            text: "sub=42;namespace=tenant",
            session: Some(UserSession {
                sid: "s",
                auth_time,
                acr: Some("urn:acr"),
            }),
        };
        let claims = claims(subject, &["read".to_owned(), "wicked:dev".to_owned()]);
        assert_eq!(claims["sub"], "42");
        assert_eq!(claims["authenticated_userid"], "sub=42;namespace=tenant");
        assert_eq!(claims["scope"], "read wicked:dev");
        assert_eq!(claims["auth_time"], 1_799_999_000);
        assert_eq!(claims["sid"], "s");
        assert_eq!(claims["acr"], "urn:acr");
    }

    #[test]
    fn a_bundle_is_a_list_of_audiences() {
        let bundle = Audience::of(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(serde_json::json!(bundle), serde_json::json!(["a", "b"]));
        assert!(bundle.contains("b") && !bundle.contains("c"));
        let one = Audience::of(vec!["a".to_owned()]);
        assert_eq!(one.with(None), one);
        assert_eq!(
            serde_json::json!(one.with(Some("r"))),
            serde_json::json!(["a", "r"])
        );
    }
}
