//! APIs and their gateway configuration (portal-api 18, static-config 12).
//!
//! portal-api serves what the configuration says; members that are not named here travel in
//! `extra`, so that a client which passes an API on does not lose them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Extra, Plan, Role, Subscription, Timestamp, lenient};

/// Answer of `GET /apis`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Apis {
    pub apis: Vec<Api>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// An entry of `apis.json`.
#[expect(clippy::struct_excessive_bools, reason = "the file has these flags")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Markdown.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub desc: String,
    /// `key-auth`, `oauth2` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub plans: Vec<String>,
    /// Empty is the same as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_group: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub partner: bool,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub deprecated: bool,
    /// APIs with the same value share credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// `<server>:<method>`.
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub auth_methods: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_pool: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Box<ApiSettings>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_lookup_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough_scope_url: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub passthrough_users: bool,
    /// One of the built-in APIs.
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "lenient::is_false"
    )]
    pub internal: bool,
    /// Versions of one API belong to one family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    /// Only in the gateway snapshot: what `GET /apis/{api}/config` answers to an administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<ApiConfig>>,
    #[serde(flatten)]
    pub extra: Extra,
}

impl Api {
    /// Whether callers need a token.
    pub fn is_oauth2(&self) -> bool {
        self.auth
            .as_deref()
            .is_some_and(|auth| auth.starts_with("oauth2"))
    }

    /// The group one needs; empty counts as absent.
    pub fn group(&self) -> Option<&str> {
        self.required_group
            .as_deref()
            .filter(|group| !group.is_empty())
    }
}

/// OAuth 2.0 settings of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiSettings {
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_client_credentials: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_implicit_grant: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_authorization_code: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_password_grant: Option<bool>,
    /// Seconds, as number or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiration: Option<Value>,
    /// Seconds, as number or text; the text `"0"` means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_ttl: Option<Value>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub mandatory_scope: Option<bool>,
    /// `jwt` or `opaque`, where it differs from the auth server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_mode: Option<String>,
    /// Only members of the API's `requiredGroup` (and administrators) get tokens.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub restrict_to_group: Option<bool>,
    /// Only users whose mail address is confirmed get tokens.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub needs_confirmed_address: Option<bool>,
    /// In the order of definition.
    #[serde(default, deserialize_with = "scopes")]
    pub scopes: serde_json::Map<String, Value>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// Scopes as a map; the old forms (list or text) become one without descriptions.
fn scopes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, Value>, D::Error> {
    let without_description = |id: &str| (id.to_owned(), Value::Object(serde_json::Map::new()));
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(map) => map,
        Value::Array(ids) => ids
            .iter()
            .filter_map(Value::as_str)
            .map(without_description)
            .collect(),
        Value::String(ids) => ids
            .split([' ', ','])
            .filter(|id| !id.is_empty())
            .map(without_description)
            .collect(),
        _ => serde_json::Map::new(),
    })
}

impl ApiSettings {
    /// Scope and description in the order of definition.
    pub fn scopes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.scopes.iter().map(|(id, scope)| {
            let description = scope.get("description").and_then(Value::as_str);
            (id.as_str(), description.unwrap_or_default())
        })
    }

    /// Lifetime of access tokens in seconds, if it is a number above 0.
    pub fn token_expiration_seconds(&self) -> Option<u64> {
        seconds(self.token_expiration.as_ref()?).filter(|seconds| *seconds > 0)
    }

    /// Lifetime of refresh tokens, however it is written.
    pub fn refresh_token_ttl_seconds(&self) -> Option<u64> {
        seconds(self.refresh_token_ttl.as_ref()?)
    }
}

fn seconds(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// The life cycle of an API (static-config 24.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    #[serde(default)]
    pub state: LifecycleState,
    /// `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What can be done with an API now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LifecycleState {
    Created,
    #[default]
    Published,
    Deprecated,
    Retired,
}

/// `config.json` of an API, or the reduced form that others than administrators get.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiConfig {
    #[serde(default)]
    pub api: GatewayApi,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub plugins: Vec<Plugin>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// How the gateway reaches the backend, and under which paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayApi {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_url: Option<String>,
    /// Only in the reduced form: scheme of the backend with colon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub hide_credentials: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub retries: Option<u32>,
    /// Milliseconds, like the other two.
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub connect_timeout: Option<u64>,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub write_timeout: Option<u64>,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub read_timeout: Option<u64>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub routes: Vec<GatewayRoute>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which requests belong to an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayRoute {
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub paths: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub strip_path: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub preserve_host: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub hosts: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub methods: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub protocols: Vec<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// A gateway plugin of an API, a plan or an auth server (static-config 11.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plugin {
    pub name: String,
    #[serde(default)]
    pub config: Extra,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enabled: Option<bool>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// Chat message templates by message name (`GET /templates/chatbot`).
pub type ChatTemplates = BTreeMap<String, String>;

/// Answer of `GET /apis/{api}/plans`.
pub type PlansOfApi = Vec<Plan>;

/// Body of `POST /apis/{api}/announcements`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewAnnouncement {
    #[serde(default)]
    pub subject: String,
    #[serde(default)]
    pub text: String,
}

/// What was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    pub id: String,
    pub subject: String,
    pub text: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// Answer of `GET /apis/{api}/context`: what the page of an API needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiContext {
    pub api: Api,
    /// Those that the caller may take.
    pub plans: Vec<Plan>,
    /// Those in which he has a role.
    pub applications: Vec<ApplicationOfContext>,
    pub rights: ApiRights,
}

/// An application of the caller, with its subscription to the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationOfContext {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Whether the role suffices to subscribe.
    pub may_subscribe: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// The last request of the application for this API, if it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<DeclinedRequest>,
}

/// A request that was declined, as those see it who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclinedRequest {
    pub plan: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the caller may do with an API.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each right is a claim of its own"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiRights {
    pub subscribe: bool,
    /// Decide about requests for it.
    pub approve: bool,
    pub see_usage: bool,
    pub announce: bool,
    /// Change its files.
    pub edit: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_survive_a_round_trip() {
        let text = serde_json::json!({
            "id": "pets", "name": "Pets", "desc": "", "auth": "oauth2", "tags": [], "plans": ["basic"],
            "settings": {"enable_implicit_grant": true, "token_expiration": "1800",
                "scopes": {"read": {"description": "Read"}}, "custom": 1},
            "x-team": {"a": [1]}
        });
        let api: Api = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(
            api.settings.as_ref().unwrap().token_expiration_seconds(),
            Some(1800)
        );
        assert_eq!(serde_json::to_value(&api).unwrap(), text);
    }

    #[test]
    fn numbers_and_flags_are_read_from_text_too() {
        let api: GatewayApi = serde_json::from_str(
            r#"{"retries": "3", "read_timeout": "", "hide_credentials": "true", "routes": null}"#,
        )
        .unwrap();
        assert_eq!(api.retries, Some(3));
        assert_eq!(api.read_timeout, None);
        assert_eq!(api.hide_credentials, Some(true));
    }

    #[test]
    fn old_forms_of_scopes_become_a_map() {
        let settings: ApiSettings = serde_json::from_str(r#"{"scopes": "read write"}"#).unwrap();
        assert_eq!(
            settings.scopes().map(|(id, _)| id).collect::<Vec<_>>(),
            ["read", "write"]
        );
    }
}
