//! OAuth 2.0 settings of an API (static-config 12.2).

use serde_json::Value;

use crate::{auth_servers::TokenMode, read::Object};

const DEFAULT_TOKEN_SECONDS: u64 = 3600;

/// A way to get a token, in the order in which definitions list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    AuthorizationCode,
    Implicit,
    Password,
    ClientCredentials,
}

/// How tokens for an API are given out.
#[derive(Clone, Debug, Default)]
pub struct OAuth2Settings {
    /// Whether the API has `settings` at all.
    pub is_given: bool,
    pub flows: Vec<Flow>,
    /// Lifetime of access tokens.
    pub token_seconds: u64,
    /// Lifetime of refresh tokens; `None` = the auth server's default.
    pub refresh_token_seconds: Option<u64>,
    /// A token request must name a scope.
    pub mandatory_scope: bool,
    /// Id and description, in order.
    pub scopes: Vec<(String, String)>,
    /// Token mode of this API, if it is not the auth server's.
    pub token_mode: Option<TokenMode>,
}

impl OAuth2Settings {
    /// Whether clients may get tokens this way.
    pub fn allows(&self, flow: Flow) -> bool {
        self.flows.contains(&flow)
    }

    pub(super) fn read(settings: &Object) -> Self {
        let flows = [
            ("enable_authorization_code", Flow::AuthorizationCode),
            ("enable_implicit_grant", Flow::Implicit),
            ("enable_password_grant", Flow::Password),
            ("enable_client_credentials", Flow::ClientCredentials),
        ];
        let modes = [("jwt", TokenMode::Jwt), ("opaque", TokenMode::Opaque)];
        let token_mode = settings.choice("token_mode", &modes);
        check_issuers(settings);
        Self {
            is_given: true,
            flows: flows
                .into_iter()
                .filter_map(|(key, flow)| settings.flag(key).then_some(flow))
                .collect(),
            token_seconds: token_seconds(settings),
            refresh_token_seconds: settings.number("refresh_token_ttl").filter(|ttl| *ttl > 0),
            mandatory_scope: settings.flag("mandatory_scope"),
            scopes: scopes(settings),
            token_mode,
        }
    }
}

/// Issuers beside our own, whose tokens the API takes.
fn check_issuers(settings: &Object) {
    let Some(list) = settings.get("trusted_issuers") else {
        return;
    };
    let is_written = |issuer: &Value, member: &str| {
        let text = issuer.get(member).and_then(Value::as_str);
        text.is_some_and(|text| !text.is_empty())
    };
    let is_complete = |issuer: &Value| is_written(issuer, "name") && is_written(issuer, "issuer");
    if !list
        .as_array()
        .is_some_and(|list| list.iter().all(is_complete))
    {
        let message = "has to be a list of objects with `name` and `issuer`";
        settings.error("trusted_issuers", message);
    }
}

fn token_seconds(settings: &Object) -> u64 {
    let seconds = settings.number("token_expiration");
    if seconds == Some(0) {
        settings.error(
            "token_expiration",
            "tokens have to end; give seconds above 0",
        );
    }
    seconds
        .filter(|seconds| *seconds > 0)
        .unwrap_or(DEFAULT_TOKEN_SECONDS)
}

fn scopes(settings: &Object) -> Vec<(String, String)> {
    let Some(scopes) = settings.object("scopes") else {
        return Vec::new();
    };
    let described = scopes.map.keys().filter_map(|id| {
        if id.is_empty() || id.contains(|c: char| c.is_whitespace() || c == '"' || c == '\\') {
            scopes.error(id, "a scope must not contain blanks, quotes or backslashes");
        }
        let scope = scopes.object(id)?;
        Some((id.clone(), scope.text_or("description", id)))
    });
    described.collect()
}
