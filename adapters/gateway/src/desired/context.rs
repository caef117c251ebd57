//! What the pure functions read: the configuration of a snapshot, indexed, and the few values that
//! only this process knows.

use std::collections::BTreeMap;

use sdk::types::{
    Api, AuthServer, Plan, Snapshot,
    apis::{Lifecycle, LifecycleState},
};

use crate::{ids::Ids, keys::SigningKey};

/// What does not come from the configuration.
#[derive(Clone)]
pub struct Settings {
    pub ids: Ids,
    /// By it the gateway turns an API key into its digest.
    pub digest_key: String,
    /// Where the gateway sends usage records, and how it proves itself.
    pub usage_endpoint: String,
    pub usage_token: String,
}

/// Configuration and settings, ready for questions.
pub struct Context<'a> {
    pub settings: &'a Settings,
    pub config: &'a Snapshot,
    /// Published signing keys by auth server.
    pub keys: &'a BTreeMap<String, Vec<SigningKey>>,
    apis: BTreeMap<&'a str, &'a Api>,
    plans: BTreeMap<&'a str, &'a Plan>,
    servers: BTreeMap<&'a str, &'a AuthServer>,
}

/// How an API checks its tokens.
pub struct TokenRules<'a> {
    /// Names of the auth servers that issue them.
    pub servers: Vec<&'a str>,
    pub issuers: Vec<String>,
}

impl<'a> Context<'a> {
    pub fn new(
        settings: &'a Settings,
        config: &'a Snapshot,
        keys: &'a BTreeMap<String, Vec<SigningKey>>,
    ) -> Self {
        Self {
            settings,
            config,
            keys,
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

    /// Who issues the tokens for an OAuth API. All of its servers must issue JWTs, because that is
    /// what this gateway verifies by itself.
    pub fn token_rules(&self, api: &'a Api) -> Result<TokenRules<'a>, String> {
        let mut rules = TokenRules {
            servers: Vec::new(),
            issuers: Vec::new(),
        };
        for method in &api.auth_methods {
            let name = method.split(':').next().unwrap_or_default();
            if rules.servers.contains(&name) {
                continue;
            }
            let server = self.servers.get(name).ok_or_else(|| {
                format!("authMethods: the auth server `{name}` is not configured")
            })?;
            let api_mode = api
                .settings
                .as_ref()
                .and_then(|settings| settings.token_mode.as_deref());
            let server_mode = server
                .tokens
                .as_ref()
                .and_then(|tokens| tokens.mode.as_deref());
            let mode = api_mode.or(server_mode).unwrap_or("jwt");
            if mode != "jwt" {
                return Err(format!(
                    "the token mode `{mode}` does not work with this gateway"
                ));
            }
            rules.issuers.push(self.issuer(server)?);
            rules.servers.push(name);
        }
        if rules.servers.is_empty() {
            return Err("authMethods: an API with auth `oauth2` needs at least one".to_owned());
        }
        Ok(rules)
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
