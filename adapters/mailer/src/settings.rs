use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use sdk::listener::Access;
use service::{
    keys::Keys,
    settings::{self, SettingsError},
};
use url::Url;

use crate::{queue::Schedule, transport::Limits};

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
    /// Folder of the mails that wait. Without it they wait at portal-api.
    pub state: Option<PathBuf>,
    /// Mails that leave per minute.
    pub rate_per_minute: NonZeroU32,
    /// When a mail that did not leave is tried again.
    pub retries: Schedule,
    /// How long the mail server is waited for.
    pub limits: Limits,
    /// Write mails to files whatever the configuration says.
    pub always_outbox: bool,
    pub access: Access,
}

impl Settings {
    /// Settings with which a mailer works for itself, beside portal-api on `portal_api`.
    pub fn new(portal_api: Url, keys: Keys, data: &Path) -> Self {
        Self {
            portal_api,
            url: None,
            keys,
            data: data.to_owned(),
            state: None,
            rate_per_minute: NonZeroU32::new(60).expect("not zero"),
            retries: Schedule::default(),
            limits: Limits::default(),
            always_outbox: false,
            access: Access::default(),
        }
    }

    /// Reads `PORTAL_API_URL`, `MAILER_URL` and what [`Self::apply_env`] reads.
    pub fn from_env(keys: Keys, data: &Path) -> Result<Self, SettingsError> {
        let portal_api = settings::parsed("PORTAL_API_URL")?
            .unwrap_or_else(|| Url::parse("http://portal-api:3001/").expect("a valid address"));
        let mut settings = Self::new(portal_api, keys, data);
        settings.url = settings::parsed("MAILER_URL")?;
        settings.state = settings::parsed::<PathBuf>("STATE_DIR")?.map(|dir| dir.join("mailer"));
        settings.apply_env()?;
        Ok(settings)
    }

    /// Reads `MAIL_RATE_PER_MINUTE`, `MAIL_TRANSPORT`, `MAILER_ADMIN_TOKEN` and what
    /// [`Access::from_env`] reads.
    pub fn apply_env(&mut self) -> Result<(), SettingsError> {
        if let Some(rate) = settings::parsed("MAIL_RATE_PER_MINUTE")? {
            self.rate_per_minute = rate;
        }
        self.always_outbox = match settings::var("MAIL_TRANSPORT").as_deref() {
            None | Some("smtp") => false,
            Some("file") => true,
            Some(other) => {
                return Err(SettingsError::Invalid {
                    name: "MAIL_TRANSPORT".to_owned(),
                    value: other.to_owned(),
                    reason: "use `smtp` or `file`".to_owned(),
                });
            }
        };
        self.access = Access::from_env("MAILER_ADMIN_TOKEN")?;
        Ok(())
    }
}
