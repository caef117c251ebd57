//! What the static configuration says about this server: its names, methods and token mode.
//! Read at start and again every few seconds, swapped as a whole.

use std::sync::Arc;

use sdk::types::{AuthMethod, AuthServer, Globals};
use serde_json::Value;

use crate::{
    Settings,
    cookies::CookiePolicy,
    passwords::PasswordRule,
    tokens::{TokenMode, UnsupportedMode},
};

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `<schema>://<apiHost>{B}`, without a slash at the end.
    pub issuer: String,
    /// Title of the installation.
    pub title: String,
    /// External URL of the portal, with a slash at the end.
    pub portal_url: String,
    pub cookies: CookiePolicy,
    /// What the frame of every page shows.
    pub site: Arc<ui::Site>,
    pub methods: Vec<Method>,
    pub password_rule: PasswordRule,
}

/// A login method.
#[derive(Clone, Debug)]
pub struct Method {
    pub id: String,
    pub title: String,
    /// Not offered where methods are listed.
    pub protected: bool,
    pub kind: MethodKind,
}

/// What a method does.
#[derive(Clone, Debug)]
pub enum MethodKind {
    /// Accounts of this installation, with a password.
    Local(LocalSettings),
}

/// Settings of local accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSettings {
    /// Addresses count as confirmed, no mail is sent.
    pub trust_users: bool,
    pub disable_signup: bool,
}

/// Why a configuration cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error(
        "auth-servers/{server}.json: the first path of the first route is `{found}`, but this server serves `{expected}`"
    )]
    BasePath {
        server: String,
        found: String,
        expected: String,
    },
    #[error("globals.json: network.schema and network.{0} do not make an external URL")]
    Network(&'static str),
    #[error(transparent)]
    TokenMode(#[from] UnsupportedMode),
}

impl Configuration {
    /// Reads the definition of this server and the globals.
    pub fn new(
        settings: &Settings,
        definition: &AuthServer,
        globals: &Globals,
    ) -> Result<Self, ConfigurationError> {
        let found = definition.base_path().unwrap_or_default();
        if found != settings.base_path {
            return Err(ConfigurationError::BasePath {
                server: settings.server_name.clone(),
                found: found.to_owned(),
                expected: settings.base_path.clone(),
            });
        }
        let network = &globals.network;
        let external = match &settings.external_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => network
                .gateway()
                .ok_or(ConfigurationError::Network("apiHost"))?,
        };
        let portal = network
            .portal()
            .ok_or(ConfigurationError::Network("portalHost"))?;
        let mode = definition
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.mode.as_deref());
        // The only mode there is; another one will not compile before it is decided about here.
        let TokenMode::Jwt = TokenMode::parse(mode)?;
        let title = Some(globals.title.clone()).filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| "Wicketgate".to_owned());
        let secure = external.starts_with("https:");
        Ok(Self {
            cookies: CookiePolicy { secure },
            issuer: format!("{external}{}", settings.base_path),
            site: Arc::new(ui::Site {
                title: title.clone(),
                company: globals.company.clone().unwrap_or_else(|| title.clone()),
                portal: portal.clone(),
                base: settings.base_path.clone(),
                development: !secure,
                version: service::VERSION,
                ..ui::Site::default()
            }),
            title,
            portal_url: format!("{portal}/"),
            methods: definition.auth_methods.iter().filter_map(method).collect(),
            password_rule: PasswordRule::named(globals.password_strategy.as_deref()),
        })
    }

    /// The enabled method with this id.
    pub fn method(&self, id: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }
}

fn method(definition: &AuthMethod) -> Option<Method> {
    if !definition.is_enabled() {
        return None;
    }
    let flag = |name: &str| is_true(definition.config.get(name));
    let kind = match definition.kind.as_str() {
        "local" => MethodKind::Local(LocalSettings {
            trust_users: flag("trustUsers"),
            disable_signup: flag("disableSignup"),
        }),
        other => {
            tracing::error!(
                method = definition.name,
                "login method of type `{other}` is not offered by this server and left out"
            );
            return None;
        }
    };
    Some(Method {
        id: definition.name.clone(),
        title: definition
            .friendly_short
            .clone()
            .unwrap_or_else(|| definition.name.clone()),
        protected: definition.is_protected(),
        kind,
    })
}

/// Flags may be texts (2.3).
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true" || text == "yes",
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        _ => false,
    }
}

impl Method {
    pub const fn local(&self) -> &LocalSettings {
        match &self.kind {
            MethodKind::Local(settings) => settings,
        }
    }
}
