//! What the adapter must be told.

use std::time::Duration;

use sdk::types::Secret;
use service::{
    keys::Keys,
    settings::{SettingsError, parsed, secret, var},
};
use url::Url;

/// Settings of the gateway adapter.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of portal-api.
    pub portal_api_url: Url,
    /// Admin API addresses. Each is a gateway of its own.
    pub gateway_admin_urls: Vec<Url>,
    /// Sent as `Kong-Admin-Token`.
    pub gateway_admin_token: Option<Secret>,
    /// Where portal-api and the gateways reach this process.
    pub own_url: Url,
    pub keys: Keys,
    /// Tag and seed of ids; tells installations apart that share a gateway.
    pub instance: String,
    /// Opens `POST /resync` for everybody who reaches this port.
    pub allow_resync: bool,
    /// Pause between full comparisons, which find what was changed by hand.
    pub reconcile_every: Duration,
    /// A full run that would remove more of the services, consumers or credentials than this, and
    /// more than ten, stops.
    pub max_delete_percent: u8,
}

impl Settings {
    /// Settings with the defaults of everything that has one.
    pub fn new(portal_api_url: Url, gateway_admin_url: Url, own_url: Url, keys: Keys) -> Self {
        Self {
            portal_api_url,
            gateway_admin_urls: vec![gateway_admin_url],
            gateway_admin_token: None,
            own_url,
            keys,
            instance: "main".to_owned(),
            allow_resync: false,
            reconcile_every: Duration::from_mins(10),
            max_delete_percent: 30,
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
        if let Some(seconds) = parsed("RECONCILE_SECONDS")? {
            self.reconcile_every = Duration::from_secs(seconds);
        }
        if let Some(percent) = parsed("MAX_DELETE_PERCENT")? {
            self.max_delete_percent = percent;
        }
        Ok(())
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
