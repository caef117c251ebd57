//! Variables: where they come from, which one wins, and their replacement in configuration text.
//!
//! The process environment is handed in as a map; nothing here reads it. Precedence per variable:
//! process, `env/<NODE_ENV>.json`, `env/default.json`, built-in default. Empty values do not
//! override.

mod defaults;
mod substitute;
mod variables;

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

pub(crate) use substitute::is_variable_name;
pub(crate) use variables::Variables;

use crate::crypto::ConfigKey;

/// What the process adds to a configuration folder. Its `Debug` shows no values: some are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    process: BTreeMap<String, String>,
    local_ip: Option<Ipv4Addr>,
    pub overrides: Overrides,
    /// Key for the part of the configuration hash that depends on variables. Without it (in
    /// `config check`, for instance) the hash depends on files only: an unkeyed hash of values
    /// would help to guess short secrets.
    pub hash_key: Option<[u8; 32]>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Values that win over whatever the files say (`wicketgate up`, `--public-host`).
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Members of `globals.network`, for example `apiUrl` or `portalHost`.
    pub network: BTreeMap<String, String>,
    /// Backend of every auth server.
    pub auth_server_url: Option<String>,
    /// `gateway.type` when the configuration does not say: `embedded` under `up`, else `kong`.
    pub default_gateway: crate::globals::GatewayType,
}

impl Environment {
    /// `process` is the process environment; empty values count as absent.
    pub fn new(process: impl IntoIterator<Item = (String, String)>) -> Self {
        let process = process
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self {
            process,
            ..Self::default()
        }
    }

    /// Offers `LOCAL_IP`, `LOCAL_API_HOST` and the other helper variables of wicked.
    #[must_use]
    pub fn with_local_ip(mut self, address: Ipv4Addr) -> Self {
        self.local_ip = Some(address);
        self
    }

    /// `NODE_ENV`, else `default`: then only `env/default.json` applies.
    pub fn name(&self) -> &str {
        self.var("NODE_ENV").unwrap_or("default")
    }

    pub(crate) fn config_key(&self) -> Option<ConfigKey> {
        self.var("PORTAL_CONFIG_KEY").and_then(ConfigKey::new)
    }

    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.process.get(name).map(String::as_str)
    }

    /// The helper variables of wicked (static-config 3.2).
    fn local_variables(&self) -> Vec<(&'static str, String)> {
        let Some(ip) = self
            .local_ip
            .filter(|_| self.var("WICKED_IN_DOCKER").is_none())
        else {
            return Vec::new();
        };
        vec![
            ("LOCAL_IP", ip.to_string()),
            ("LOCAL_API_HOST", format!("{ip}:8000")),
            ("LOCAL_PORTAL_HOST", format!("{ip}:3000")),
            ("LOCAL_PORTAL_URL", format!("http://{ip}:3000")),
            ("LOCAL_API_URL", format!("http://{ip}:3001")),
        ]
    }
}
