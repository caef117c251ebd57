//! What one portal process has to be told.

use std::num::NonZeroU16;

use chrono::TimeDelta;
use service::{
    keys::Keys,
    settings::{SettingsError, parsed, var},
};
use url::Url;

/// Addresses of the neighbours and the keys.
#[derive(Clone, Debug)]
pub struct Settings {
    /// portal-api, as this process reaches it.
    pub api_url: Url,
    /// The auth server with its base path, as this process reaches it: `http://localhost:3010/auth/`.
    pub auth_url: Url,
    /// Derives the cookie key, the portal's client and its service tokens.
    pub keys: Keys,
    /// The portal as browsers see it; `network.portalHost` of the configuration if absent.
    pub external_url: Option<Url>,
    /// How long after a log-in secrets are shown and things deleted without another one.
    pub fresh_login: TimeDelta,
    /// How long after a log-in a session ends, however much it is used.
    pub session_limit: TimeDelta,
    /// The auth server as browsers see it; `network.apiHost` with the base path if absent.
    pub issuer: Option<Url>,
}

impl Settings {
    /// Unless somebody wants it otherwise.
    pub const FRESH_LOGIN: TimeDelta = TimeDelta::minutes(10);
    /// Unless `PORTAL_SESSION_HOURS` says otherwise.
    pub const SESSION_LIMIT: TimeDelta = TimeDelta::hours(12);

    /// `PORTAL_SESSION_HOURS`
    pub fn session_limit_from_env() -> Result<TimeDelta, SettingsError> {
        let hours: Option<NonZeroU16> = parsed("PORTAL_SESSION_HOURS")?;
        Ok(hours.map_or(Self::SESSION_LIMIT, |hours| {
            TimeDelta::hours(i64::from(hours.get()))
        }))
    }

    /// Reads the variables that original installations set.
    pub fn from_env(keys: Keys) -> Result<Self, SettingsError> {
        let auth_server =
            parsed("PORTAL_AUTHSERVER_URL")?.unwrap_or_else(|| url("http://portal-auth:3010"));
        let base_path = var("AUTH_SERVER_BASEPATH").unwrap_or_else(|| "/auth".to_owned());
        Ok(Self {
            api_url: parsed("PORTAL_API_URL")?.unwrap_or_else(|| url("http://portal-api:3001/")),
            auth_url: below(&auth_server, &base_path),
            keys,
            external_url: None,
            fresh_login: Self::FRESH_LOGIN,
            session_limit: Self::session_limit_from_env()?,
            issuer: None,
        })
    }
}

/// `base` with `path` as its path and a slash at the end, so that joining appends.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/", path.trim_end_matches('/')));
    url
}

fn url(text: &str) -> Url {
    text.parse().expect("a literal address is valid")
}
