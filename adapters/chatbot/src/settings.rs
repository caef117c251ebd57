use ipnet::IpNet;
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
    /// Networks inside the installation in which hooks may lie; public addresses always may.
    pub allowed_networks: Vec<IpNet>,
}

impl Settings {
    /// Reads `PORTAL_API_URL`, `CHATBOT_URL` and `EVENT_ALLOWED_NETWORKS`.
    pub fn from_env(keys: Keys) -> Result<Self, SettingsError> {
        Ok(Self {
            portal_api: settings::parsed("PORTAL_API_URL")?
                .unwrap_or_else(|| Url::parse("http://portal-api:3001/").expect("a valid address")),
            url: settings::parsed("CHATBOT_URL")?,
            keys,
            allowed_networks: networks("EVENT_ALLOWED_NETWORKS")?,
        })
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
