//! Authorization servers (portal-api 19.3, static-config 13).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiConfig, Extra, lenient};

/// The definition of an auth server. Secrets of its methods come only to the server itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthServer {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub auth_methods: Vec<AuthMethod>,
    #[serde(default)]
    pub config: ApiConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSettings>,
    #[serde(flatten)]
    pub extra: Extra,
}

impl AuthServer {
    /// The base path `{B}`: first path of the first route, without a slash at the end.
    pub fn base_path(&self) -> Option<&str> {
        let path = self.config.api.routes.first()?.paths.first()?;
        Some(path.trim_end_matches('/'))
    }

    /// The method with this name.
    pub fn method(&self, name: &str) -> Option<&AuthMethod> {
        self.auth_methods.iter().find(|method| method.name == name)
    }
}

/// How the auth server makes its tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TokenSettings {
    /// `jwt`, `opaque` or `kong-oauth2`; answers show the one in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What signed tokens are signed with: `ES256` (if nothing is written) or `RS256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// A way to log in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthMethod {
    pub name: String,
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub enabled: Option<bool>,
    /// Not offered on pages; no security measure.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub protected: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_short: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_long: Option<String>,
    /// Settings of the type, and the endpoint templates.
    #[serde(default)]
    pub config: Extra,
    #[serde(flatten)]
    pub extra: Extra,
}

impl AuthMethod {
    /// Whether people can log in with it; on if nothing is said.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Whether only those see it who know it.
    pub fn is_protected(&self) -> bool {
        self.protected.unwrap_or(false)
    }
}
