//! What the adapter must be told.

use std::{path::PathBuf, str::FromStr, time::Duration};

use sdk::{listener::Access, types::Secret};
use service::{
    keys::Keys,
    settings::{SettingsError, parsed, secret, var},
};
use url::Url;

use crate::{
    reconcile::{ConfigFile, Rules},
    redis::Redis,
};

/// Settings of the gateway adapter.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of portal-api.
    pub portal_api_url: Url,
    /// Admin API addresses. Each is a gateway of its own.
    pub gateway_admin_urls: Vec<Url>,
    /// Sent as `Kong-Admin-Token`.
    pub gateway_admin_token: Option<Secret>,
    /// Whether each name in these addresses stands for as many nodes as it has addresses.
    pub discovers_gateways: bool,
    /// File with the certificates that the Admin API's own is signed with.
    pub gateway_admin_ca: Option<PathBuf>,
    /// Workspace of entities, in Kong's commercial editions.
    pub workspace: Option<String>,
    /// Where portal-api and the gateways reach this process.
    pub own_url: Url,
    pub keys: Keys,
    /// Tag and seed of ids; tells installations apart that share a gateway.
    pub instance: String,
    /// Opens `POST /resync` for everybody who reaches this port.
    pub allow_resync: bool,
    /// Pause between full comparisons, which find what was changed by hand.
    pub reconcile_every: Duration,
    /// Pause between questions for scopes that other services define.
    pub look_up_scopes_every: Duration,
    pub rules: Rules,
    pub access: Access,
    /// Where several embedded gateways count calls together: a plugin's `redis`.
    pub redis: Option<Redis>,
    /// Where usage waits while portal-api is away.
    pub state_dir: Option<PathBuf>,
}

impl Settings {
    /// Settings with the defaults of everything that has one.
    pub fn new(portal_api_url: Url, gateway_admin_url: Url, own_url: Url, keys: Keys) -> Self {
        Self {
            portal_api_url,
            gateway_admin_urls: vec![gateway_admin_url],
            gateway_admin_token: None,
            discovers_gateways: false,
            gateway_admin_ca: None,
            workspace: None,
            own_url,
            keys,
            instance: "main".to_owned(),
            allow_resync: false,
            reconcile_every: Duration::from_mins(10),
            look_up_scopes_every: Duration::from_mins(5),
            rules: Rules::default(),
            access: Access::default(),
            redis: None,
            state_dir: None,
        }
    }

    /// Reads the environment (events-and-adapters F3); the defaults are those of containers.
    pub fn from_env(keys: Keys) -> Result<Self, SettingsError> {
        let address = |name: &str, default: &str| match parsed::<Url>(name) {
            Ok(url) => Ok(url.unwrap_or_else(|| Url::parse(default).expect("a valid default"))),
            Err(error) => Err(error),
        };
        let mut settings = Self::new(
            address("PORTAL_API_URL", "http://portal-api:3001/")?,
            address("PORTAL_KONG_ADMIN_URL", "http://kong:8001/")?,
            address(
                "PORTAL_KONG_ADAPTER_URL",
                "http://portal-kong-adapter:3002/",
            )?,
            keys,
        );
        if let Some(list) = var("KONG_ADMIN_URLS") {
            settings.gateway_admin_urls = urls("KONG_ADMIN_URLS", &list)?;
        }
        settings.apply_env()?;
        Ok(settings)
    }

    /// The part of the environment that does not concern addresses.
    pub fn apply_env(&mut self) -> Result<(), SettingsError> {
        if let Some(token) = secret("KONG_ADMIN_TOKEN")? {
            self.gateway_admin_token = Some(token.into());
        }
        if let Some(instance) = var("WICKETGATE_INSTANCE") {
            self.instance = instance;
        }
        if let Some(flag) = var("ALLOW_RESYNC") {
            self.allow_resync = flag != "false";
        }
        self.access = Access::from_env("ADAPTER_ADMIN_TOKEN")?;
        self.discovers_gateways = match var("KONG_ADMIN_DISCOVERY").as_deref() {
            None | Some("") => false,
            Some("dns") => true,
            Some(other) => return Err(invalid("KONG_ADMIN_DISCOVERY", other, "it can be `dns`")),
        };
        self.gateway_admin_ca = var("KONG_ADMIN_CA").map(PathBuf::from);
        self.workspace = var("KONG_WORKSPACE");
        self.redis = match secret("RATE_LIMIT_REDIS_URL")? {
            Some(url) => Some(Redis::parse(&url).map_err(|reason| {
                // The address may hold a password and is not repeated.
                invalid("RATE_LIMIT_REDIS_URL", "…", reason)
            })?),
            None => None,
        };
        self.state_dir = var("STATE_DIR").map(PathBuf::from);
        self.apply_rules()?;
        if let Some(seconds) = parsed("RECONCILE_SECONDS")? {
            self.reconcile_every = Duration::from_secs(seconds);
        }
        Ok(())
    }

    fn apply_rules(&mut self) -> Result<(), SettingsError> {
        let rules = &mut self.rules;
        if let Some(percent) = parsed("MAX_DELETE_PERCENT")? {
            rules.max_delete_percent = percent;
        }
        if let Some(mode) = word("KONG_MODE")? {
            rules.mode = mode;
        }
        if let Some(adopt) = word("KONG_ADOPT")? {
            rules.adopt = adopt;
        }
        if let Some(flag) = var("ROTATE_PROVISION_KEYS") {
            rules.rotate_provision_keys = flag != "false";
        }
        rules.base_config = var("KONG_BASE_CONFIG");
        let for_deck = match var("KONG_FILE_FLAVOR").as_deref() {
            None | Some("" | "kong") => false,
            Some("deck") => true,
            Some(other) => {
                return Err(invalid(
                    "KONG_FILE_FLAVOR",
                    other,
                    "it can be `kong` or `deck`",
                ));
            }
        };
        rules.file = var("KONG_CONFIG_FILE").map(|path| ConfigFile {
            path: path.into(),
            for_deck,
        });
        Ok(())
    }
}

fn word<T: FromStr<Err = String>>(name: &str) -> Result<Option<T>, SettingsError> {
    let Some(text) = var(name) else {
        return Ok(None);
    };
    let parsed = text.parse();
    parsed
        .map(Some)
        .map_err(|reason: String| invalid(name, &text, &reason))
}

fn invalid(name: &str, value: &str, reason: &str) -> SettingsError {
    SettingsError::Invalid {
        name: name.to_owned(),
        value: value.to_owned(),
        reason: reason.to_owned(),
    }
}

fn urls(name: &str, list: &str) -> Result<Vec<Url>, SettingsError> {
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let parse = |part: &str| {
        Url::parse(part).map_err(|error| SettingsError::Invalid {
            name: name.to_owned(),
            value: part.to_owned(),
            reason: error.to_string(),
        })
    };
    parts.map(parse).collect()
}
