//! `GET /globals` (static-config 8). Every service gets its own view: members it has no use for,
//! and all secrets of others, are absent (portal-api D23).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Extra, Secret, lenient};

/// The settings of the installation as one service sees them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Globals {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default)]
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_strategy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_user_group: Option<String>,
    #[serde(default)]
    pub api: ApiGlobals,
    #[serde(default)]
    pub network: Network,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal: Option<PortalGlobals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayGlobals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_store: Option<SessionStore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_adapter: Option<KongAdapter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailer: Option<MailerGlobals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chatbot: Option<ChatbotGlobals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_commit: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.api`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiGlobals {
    /// The header that carries API keys.
    #[serde(default = "default_header")]
    pub header_name: String,
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for ApiGlobals {
    fn default() -> Self {
        Self {
            header_name: default_header(),
            extra: Extra::default(),
        }
    }
}

fn default_header() -> String {
    "X-ApiKey".to_owned()
}

/// `globals.network`: external names and internal addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// `https` or `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// External `host[:port]` of the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_host: Option<String>,
    /// External `host[:port]` of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_adapter_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_admin_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_proxy_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailer_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chatbot_url: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub force_redirect_to_https: Option<bool>,
    #[serde(flatten)]
    pub extra: Extra,
}

impl Network {
    /// `<schema>://<portalHost>`, without a slash at the end.
    pub fn portal(&self) -> Option<String> {
        self.external(self.portal_host.as_deref()?)
    }

    /// `<schema>://<apiHost>`, without a slash at the end.
    pub fn gateway(&self) -> Option<String> {
        self.external(self.api_host.as_deref()?)
    }

    fn external(&self, host: &str) -> Option<String> {
        let schema = self.schema.as_deref().unwrap_or("https");
        let url = Url::parse(&format!("{schema}://{host}")).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    }
}

/// `globals.portal`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalGlobals {
    /// `<server>:<method>`.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub auth_methods: Vec<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.gateway`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayGlobals {
    /// `embedded` or `kong`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.sessionStore`; only its address of a Redis for shared rate limits has an effect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionStore {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.kongAdapter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KongAdapter {
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub use_kong_adapter: Option<bool>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub ignore_list: Vec<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.mailer`; the view of the mailer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailerGlobals {
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub use_mailer: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp_host: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub smtp_port: Option<u16>,
    /// No SMTP login.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub anonymous: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Old form of `tls`: true is `implicit`, false is `opportunistic`.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub force_secure: Option<bool>,
    /// `implicit`, `starttls`, `opportunistic` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub tls_verify: Option<bool>,
    /// Certificate (PEM) that signs the mail server's, where the system does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<String>,
    /// Mail → whether it is sent; those that are not named are sent as usual.
    #[serde(default, deserialize_with = "lenient::booleans")]
    pub events: BTreeMap<String, bool>,
    /// `admin`, `approvers` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_recipients: Option<String>,
    /// Requests for approval of this time are told of in one mail; 0 is off.
    #[serde(
        default,
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub approval_digest_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_name: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// `globals.chatbot`; the view of the chatbot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatbotGlobals {
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub use_chatbot: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(rename = "icon_url", default, skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub targets: Vec<ChatTarget>,
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where chat messages go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatTarget {
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Whoever knows this URL can post, so it is a secret.
    #[serde(default)]
    pub hook_url: Secret,
    /// Message name → whether it is sent here.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub events: BTreeMap<String, serde_json::Value>,
    /// Signs what a receiver of type `webhook` gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Whether a `slack` hook takes blocks; by default those of Slack itself do.
    #[serde(
        default,
        deserialize_with = "lenient::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub blocks: Option<bool>,
    /// Another channel than the hook's own (`mattermost`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Message name → text of this target.
    #[serde(
        default,
        deserialize_with = "lenient::null_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub templates: BTreeMap<String, String>,
    #[serde(flatten)]
    pub extra: Extra,
}

impl ChatTarget {
    /// Whether the message is switched on; `"true"` as text counts too.
    pub fn wants(&self, message: &str) -> bool {
        match self.events.get(message) {
            Some(serde_json::Value::Bool(on)) => *on,
            Some(serde_json::Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let globals: Globals = serde_json::from_str(
            r#"{"title": "T", "mailer": {"password": "hush", "smtpPort": "25"},
                "chatbot": {"targets": [{"type": "slack", "hookUrl": "https://x/hush"}]},
                "storage": {"pgPassword": "hush"}}"#,
        )
        .unwrap();
        assert!(!format!("{globals:?}").contains("hush"));
        assert_eq!(globals.mailer.unwrap().smtp_port, Some(25));
    }

    #[test]
    fn external_addresses_are_built_from_scheme_and_host() {
        let network = Network {
            schema: Some("http".to_owned()),
            portal_host: Some("localhost:3000".to_owned()),
            ..Network::default()
        };
        assert_eq!(network.portal().as_deref(), Some("http://localhost:3000"));
        assert_eq!(network.gateway(), None);
    }
}
