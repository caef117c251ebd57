use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use sdk::listener::Access;
use service::{
    keys::Keys,
    settings::{self, SettingsError},
};
use url::Url;

/// What the chatbot needs to start. Targets come from `globals.chatbot`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of portal-api.
    pub portal_api: Url,
    /// Address at which portal-api reaches this chatbot; else `globals.network.chatbotUrl`.
    pub url: Option<Url>,
    pub keys: Keys,
    /// Folder of the messages that wait. Without it they wait at portal-api.
    pub state: Option<PathBuf>,
    /// Networks inside the installation in which hooks may lie; public addresses always may.
    pub allowed_networks: Vec<IpNet>,
    pub access: Access,
    /// How often the health of the system is looked at, where a target wants to know.
    pub look_every: Duration,
}

impl Settings {
    /// Settings with which a chatbot works for itself, beside portal-api on `portal_api`.
    pub fn new(portal_api: Url, keys: Keys) -> Self {
        Self {
            portal_api,
            url: None,
            keys,
            state: None,
            allowed_networks: Vec::new(),
            access: Access::default(),
            look_every: Duration::from_secs(30),
        }
    }

    /// Reads `PORTAL_API_URL`, `CHATBOT_URL`, `STATE_DIR` and what [`Self::apply_env`] reads.
    pub fn from_env(keys: Keys) -> Result<Self, SettingsError> {
        let portal_api = settings::parsed("PORTAL_API_URL")?
            .unwrap_or_else(|| Url::parse("http://portal-api:3001/").expect("a valid address"));
        let mut settings = Self::new(portal_api, keys);
        settings.url = settings::parsed("CHATBOT_URL")?;
        settings.state = settings::parsed::<PathBuf>("STATE_DIR")?.map(|dir| dir.join("chatbot"));
        settings.apply_env()?;
        Ok(settings)
    }

    /// Reads `EVENT_ALLOWED_NETWORKS`, `CHATBOT_ADMIN_TOKEN` and what [`Access::from_env`] reads.
    pub fn apply_env(&mut self) -> Result<(), SettingsError> {
        self.allowed_networks = networks("EVENT_ALLOWED_NETWORKS")?;
        self.access = Access::from_env("CHATBOT_ADMIN_TOKEN")?;
        Ok(())
    }
}

fn networks(name: &str) -> Result<Vec<IpNet>, SettingsError> {
    let list = settings::var(name).unwrap_or_default();
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse()
                .map_err(|error: ipnet::AddrParseError| SettingsError::Invalid {
                    name: name.to_owned(),
                    value: part.to_owned(),
                    reason: error.to_string(),
                })
        })
        .collect()
}
