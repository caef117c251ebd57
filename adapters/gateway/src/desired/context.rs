//! What the pure functions read: the configuration of a snapshot, indexed, and the few values that
//! only this process knows.

use std::collections::{BTreeMap, HashMap};

use sdk::types::{
    Api, AuthServer, Plan, Secret, Snapshot,
    apis::{Lifecycle, LifecycleState},
    snapshot::SnapshotApplication,
};
use serde_json::Value;
use service::keys::{Key, provision_key};
use url::Url;

use crate::{
    auth_servers::base_url,
    ids::Ids,
    keys::SigningKey,
    redis::Redis,
    target::{Gateway, Target},
};

/// What does not come from the configuration.
#[derive(Clone)]
pub struct Settings {
    pub ids: Ids,
    /// By it the gateway turns an API key into its digest.
    pub digest_key: String,
    /// Where the gateway sends usage records, and how it proves itself.
    pub usage_endpoint: String,
    pub usage_token: String,
    /// By it the gateway proves itself when it asks an auth server about tokens.
    pub introspection_token: String,
    /// Where several embedded gateways count calls together.
    pub redis: Option<Redis>,
    /// Makes the keys by which the auth server proves itself to Kong's OAuth 2.0 plugin.
    pub provision: Key,
}

impl Settings {
    /// What the auth server shows to Kong's OAuth 2.0 plugin; it computes the same one.
    pub fn provision_key(&self, api: &str) -> String {
        provision_key(&self.provision, api)
    }
}

/// Configuration and settings, ready for questions.
pub struct Context<'a> {
    pub settings: &'a Settings,
    pub config: &'a Snapshot,
    pub target: &'a Target,
    /// Published signing keys by auth server.
    pub keys: &'a BTreeMap<String, Vec<SigningKey>>,
    apis: BTreeMap<&'a str, &'a Api>,
    plans: BTreeMap<&'a str, &'a Plan>,
    servers: BTreeMap<&'a str, &'a AuthServer>,
    redirect_uris: HashMap<&'a str, &'a [String]>,
}

/// How it is found out what an access token says (auth-server, Part 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// The gateway verifies a signature.
    Jwt,
    /// The gateway asks the auth server: the token itself says nothing, or may be of an issuer whose keys
    /// the gateway does not know.
    Asked,
    /// Kong's own plugin makes and keeps it.
    KongOauth2,
}

/// How an API checks its tokens.
pub struct TokenRules<'a> {
    pub mode: TokenMode,
    /// Names of the auth servers that issue them.
    pub servers: Vec<&'a str>,
    pub issuers: Vec<String>,
    /// Where to ask about them, if that is what the gateway does.
    pub introspection: Option<Url>,
}

impl<'a> Context<'a> {
    pub fn new(
        settings: &'a Settings,
        config: &'a Snapshot,
        keys: &'a BTreeMap<String, Vec<SigningKey>>,
        target: &'a Target,
    ) -> Self {
        Self {
            settings,
            config,
            target,
            keys,
            redirect_uris: HashMap::new(),
            apis: config
                .apis
                .iter()
                .map(|api| (api.id.as_str(), api))
                .collect(),
            plans: config
                .plans
                .iter()
                .map(|plan| (plan.id.as_str(), plan))
                .collect(),
            servers: config
                .auth_servers
                .iter()
                .map(|server| (server_name(server), server))
                .collect(),
        }
    }

    #[must_use]
    pub fn with_applications(mut self, applications: &'a [SnapshotApplication]) -> Self {
        self.redirect_uris = applications
            .iter()
            .map(|application| {
                (
                    application.id.as_str(),
                    application.redirect_uris.as_slice(),
                )
            })
            .collect();
        self
    }

    /// What portal-api says, since it may have a key that outlived its master key.
    pub fn digest_key(&self) -> &str {
        let told = self.config.digest_key.as_ref();
        told.map_or(self.settings.digest_key.as_str(), Secret::expose)
    }

    pub fn redirect_uris(&self, application: &str) -> &'a [String] {
        self.redirect_uris
            .get(application)
            .copied()
            .unwrap_or_default()
    }

    pub fn api(&self, id: &str) -> Result<&'a Api, String> {
        self.apis
            .get(id)
            .copied()
            .ok_or_else(|| format!("the API `{id}` is not configured"))
    }

    pub fn plan(&self, id: &str) -> Result<&'a Plan, String> {
        self.plans
            .get(id)
            .copied()
            .ok_or_else(|| format!("the plan `{id}` is not configured"))
    }

    /// The APIs that accept the credentials of `api`: its bundle, or itself alone.
    pub fn bundle(&self, api: &'a Api) -> Vec<&'a Api> {
        match bundle_name(api) {
            Some(name) => {
                let members = self.config.apis.iter();
                members
                    .filter(|member| bundle_name(member) == Some(name))
                    .collect()
            }
            None => vec![api],
        }
    }

    /// Who issues the tokens for an OAuth API, and how they are checked: in one way for all.
    pub fn token_rules(&self, api: &'a Api) -> Result<TokenRules<'a>, String> {
        let mut servers = Vec::new();
        let mut modes = Vec::new();
        for method in &api.auth_methods {
            let name = method.split(':').next().unwrap_or_default();
            if servers.contains(&name) {
                continue;
            }
            let server = self.servers.get(name).ok_or_else(|| {
                format!("authMethods: the auth server `{name}` is not configured")
            })?;
            modes.push(self.token_mode(api, server)?);
            servers.push(name);
        }
        let mode = *modes
            .first()
            .ok_or("authMethods: an API with auth `oauth2` needs at least one")?;
        if modes.iter().any(|other| *other != mode) {
            return Err("authMethods: the auth servers have different token modes".to_owned());
        }
        let mut issuers = Vec::new();
        if mode != TokenMode::KongOauth2 {
            for name in &servers {
                issuers.push(self.issuer(self.servers[name])?);
            }
        }
        let introspection = match (mode, servers.as_slice()) {
            (TokenMode::Asked, [only]) => Some(introspection_url(only, self.servers[only])?),
            (TokenMode::Asked, _) => {
                return Err(
                    "authMethods: with token mode `opaque` or `trusted_issuers` they have to be of \
                     one auth server, which is asked about the tokens"
                        .to_owned(),
                );
            }
            _ => None,
        };
        Ok(TokenRules {
            mode,
            servers,
            issuers,
            introspection,
        })
    }

    fn token_mode(&self, api: &Api, server: &AuthServer) -> Result<TokenMode, String> {
        let of_api = api
            .settings
            .as_ref()
            .and_then(|settings| settings.token_mode.as_deref());
        let of_server = server
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.mode.as_deref());
        let mode = of_api.or(of_server).unwrap_or("jwt");
        match (mode, self.target.gateway) {
            ("jwt", _) if !trusts_others(api) => Ok(TokenMode::Jwt),
            ("jwt" | "opaque", Gateway::Embedded) => Ok(TokenMode::Asked),
            (_, Gateway::Kong { .. }) if trusts_others(api) => Err(
                "`trusted_issuers` does not work with Kong, which has nothing to ask the auth \
                 server with; take it out, or use the embedded gateway"
                    .to_owned(),
            ),
            ("kong-oauth2", Gateway::Kong { database: true }) => Ok(TokenMode::KongOauth2),
            ("kong-oauth2", Gateway::Kong { database: false }) => Err(
                "the token mode `kong-oauth2` needs a Kong with a database, which keeps the tokens"
                    .to_owned(),
            ),
            ("opaque", Gateway::Kong { .. }) => Err(
                "the token mode `opaque` does not work with Kong, which has nothing to ask the \
                 auth server with; take `jwt`"
                    .to_owned(),
            ),
            (mode, _) => Err(format!(
                "the token mode `{mode}` does not work with this gateway"
            )),
        }
    }

    /// The external address of an auth server, which is the `iss` of its tokens.
    fn issuer(&self, server: &AuthServer) -> Result<String, String> {
        let gateway =
            self.config.globals.network.gateway().ok_or(
                "globals.network: schema and apiHost give no external address of the gateway",
            )?;
        let base = server.base_path().ok_or_else(|| {
            format!(
                "the auth server `{}` has no route with a path",
                server_name(server)
            )
        })?;
        Ok(format!("{gateway}{base}"))
    }
}

/// Whether the API takes tokens of issuers beside ours.
fn trusts_others(api: &Api) -> bool {
    let settings = api.settings.as_ref();
    let written = settings.and_then(|settings| settings.extra.0.get("trusted_issuers"));
    written
        .and_then(Value::as_array)
        .is_some_and(|issuers| !issuers.is_empty())
}

fn introspection_url(name: &str, server: &AuthServer) -> Result<Url, String> {
    let url = base_url(server).and_then(|base| base.join("oauth2/introspect").ok());
    url.ok_or_else(|| format!("the auth server `{name}` has no usable upstream_url"))
}

/// The name by which APIs refer to an auth server.
pub fn server_name(server: &AuthServer) -> &str {
    if server.id.is_empty() {
        &server.name
    } else {
        &server.id
    }
}

/// Whether, and how, an API is on the gateway.
pub fn state(api: &Api) -> LifecycleState {
    let lifecycle: Option<&Lifecycle> = api.lifecycle.as_ref();
    lifecycle.map_or(LifecycleState::Published, |lifecycle| lifecycle.state)
}

fn bundle_name(api: &Api) -> Option<&str> {
    api.bundle.as_deref().filter(|bundle| !bundle.is_empty())
}

/// The group whose members may call the API.
pub fn group(api: &Api) -> &str {
    bundle_name(api).unwrap_or(&api.id)
}
