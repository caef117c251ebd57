use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use service::{
    keys::Keys,
    settings::{self, SettingsError},
};
use url::Url;

/// What the mailer needs to start. Senders and the mail server come from `globals.mailer`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of portal-api.
    pub portal_api: Url,
    /// Address at which portal-api reaches this mailer; else `globals.network.mailerUrl`.
    pub url: Option<Url>,
    pub keys: Keys,
    /// Data folder; without a mail server mails are written to `outbox` in it.
    pub data: PathBuf,
    /// Mails that leave per minute.
    pub rate_per_minute: NonZeroU32,
}

impl Settings {
    /// Reads `PORTAL_API_URL`, `MAILER_URL` and `MAIL_RATE_PER_MINUTE`.
    pub fn from_env(keys: Keys, data: &Path) -> Result<Self, SettingsError> {
        Ok(Self {
            portal_api: settings::parsed("PORTAL_API_URL")?
                .unwrap_or_else(|| Url::parse("http://portal-api:3001/").expect("a valid address")),
            url: settings::parsed("MAILER_URL")?,
            keys,
            data: data.to_owned(),
            rate_per_minute: settings::parsed("MAIL_RATE_PER_MINUTE")?
                .unwrap_or(NonZeroU32::new(60).expect("not zero")),
        })
    }
}
