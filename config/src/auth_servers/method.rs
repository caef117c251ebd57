//! One log-in method of an auth server.

use super::endpoints::{self, EndpointTemplates};
use serde_json::{Map, Value};

use crate::read::{Object, is_safe_id};

/// Types that there are, or were in wicked; the auth server decides which of them it offers.
const TYPES: &[&str] = &[
    "local", "github", "google", "twitter", "facebook", "oauth2", "adfs", "oidc", "saml", "ldap",
    "external", "dummy",
];

/// A way to log in, with the paths of its pages below the auth server.
#[derive(Debug)]
pub struct AuthMethod {
    pub name: String,
    /// `local`, `github`, …
    pub kind: String,
    pub enabled: bool,
    /// Hidden from API pages, definitions and the log-in page.
    pub protected: bool,
    /// Text of the button.
    pub friendly_short: String,
    pub friendly_long: String,
    endpoints: EndpointTemplates,
}

impl AuthMethod {
    /// Path below the base path where users of an API log in.
    pub fn authorize_path(&self, api: &str) -> String {
        endpoints::fill(&self.endpoints.authorize, &self.name, api)
    }

    /// Path below the base path where clients of an API get tokens.
    pub fn token_path(&self, api: &str) -> String {
        endpoints::fill(&self.endpoints.token, &self.name, api)
    }

    /// Where tokens are exchanged for the profile of their user.
    pub fn profile_path(&self) -> String {
        endpoints::fill(&self.endpoints.profile, &self.name, "")
    }

    /// The page that mails with a verification link lead to.
    pub fn verify_email_path(&self) -> String {
        endpoints::fill(&self.endpoints.verify_email, &self.name, "")
    }

    /// The page on which users see and revoke what they have granted.
    pub fn grants_path(&self) -> String {
        endpoints::fill(&self.endpoints.grants, &self.name, "")
    }

    /// May be shown to developers and used by them.
    pub fn is_usable(&self) -> bool {
        self.enabled && !self.protected
    }
}

pub(super) fn read(object: &Object) -> Option<AuthMethod> {
    let name = object.required("name")?;
    if !is_safe_id(&name) {
        object.error(
            "name",
            "letters, digits, `_` and `-` only: the name is part of URLs",
        );
    }
    let kind = object.required("type").unwrap_or_default();
    if !kind.is_empty() && !TYPES.contains(&kind.as_str()) {
        object.warn(
            "type",
            format!("type `{kind}` is unknown; the method is skipped"),
        );
    }
    let none = Value::Object(Map::new());
    let config = match object.get("config") {
        Some(_) => object.object("config")?,
        None => object.sub("config", &none)?,
    };
    Some(AuthMethod {
        enabled: object.flag_or("enabled", true),
        protected: object.flag("protected"),
        friendly_short: object.text_or("friendlyShort", &name),
        friendly_long: object.text_or("friendlyLong", ""),
        endpoints: EndpointTemplates::read(&config),
        kind,
        name,
    })
}
