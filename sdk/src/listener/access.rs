use service::settings::{self, SettingsError};

use crate::{signature::Secrets, types::Secret};

/// Whom a service that lives on events lets in, beside what its keys say (events-and-adapters F3).
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Secrets of deliveries, in the place of the derived ones.
    pub webhook_secrets: Option<Secrets>,
    /// Opens the end points for operators, as a service token does.
    pub admin_token: Option<Secret>,
    /// Opens `POST /kill`.
    pub allow_kill: bool,
}

impl Access {
    /// Reads `WEBHOOK_SECRET`, the one before it while they change, `ALLOW_KILL`, and the
    /// operators' token from the variable of that name.
    pub fn from_env(admin_token: &str) -> Result<Self, SettingsError> {
        Ok(Self {
            webhook_secrets: webhook_secrets()?,
            admin_token: settings::secret(admin_token)?.map(Secret::from),
            allow_kill: settings::var("ALLOW_KILL").is_some_and(|flag| flag != "false"),
        })
    }
}

fn webhook_secrets() -> Result<Option<Secrets>, SettingsError> {
    let Some(current) = settings::secret("WEBHOOK_SECRET")? else {
        return Ok(None);
    };
    let previous = settings::secret("WEBHOOK_SECRET_PREVIOUS")?;
    let mut secrets = Secrets::default();
    for text in [Some(current), previous].into_iter().flatten() {
        secrets
            .push(&text)
            .map_err(|error| SettingsError::Invalid {
                name: "WEBHOOK_SECRET".to_owned(),
                value: "…".to_owned(),
                reason: error.to_string(),
            })?;
    }
    Ok(Some(secrets))
}
