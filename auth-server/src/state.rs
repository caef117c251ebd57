//! What all handlers share.

use std::{ops::Deref, sync::Arc};

use arc_swap::ArcSwap;
use migrations::Database;
use service::{
    ServiceName,
    http::guarded_client,
    keys::{Key, Purpose},
    token::Verifier,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use ui::Languages;

use crate::{
    Settings,
    apis::ApiPolicy,
    configuration::{self, Appearance, Configuration, ConfigurationError},
    flows::FormKey,
    keys::{KeysError, SigningKeys},
    kong::{Kong, SetupError},
    pages::OwnPages,
    portal_api::{PortalApi, PortalApiError},
    records::tokens::Lately,
    tokens::{TokenMode, UnsupportedMode},
    upstream::Descriptions,
};

/// Shared state of one auth server. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub struct Inner {
    pub settings: Settings,
    pub database: Database,
    pub keys: SigningKeys,
    pub portal_api: PortalApi,
    pub form_key: FormKey,
    /// Makes each refresh token out of the one before it.
    pub refresh_key: Key,
    pub service_tokens: Verifier,
    pub kong: Kong,
    /// What OpenID Connect providers say about themselves.
    pub descriptions: Descriptions,
    /// Calls addresses that developers have chosen.
    pub receivers: reqwest::Client,
    /// Rung when something has been put on record.
    pub records: Notify,
    /// What was put on record lately, so that programs do not fill it.
    pub lately: Lately,
    /// The order to stop; whoever keeps a caller waiting listens to it.
    pub shutdown: CancellationToken,
    configuration: ArcSwap<Configuration>,
}

/// Why the state could not be made, or renewed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("portal-api: {0}")]
    PortalApi(#[from] PortalApiError),
    #[error("portal-api knows no auth server `{0}`")]
    UnknownServer(String),
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Kong(#[from] SetupError),
    #[error(transparent)]
    MissingKey(#[from] service::keys::MissingKey),
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    pub async fn new(
        settings: Settings,
        database: Database,
        portal_api: PortalApi,
        shutdown: CancellationToken,
    ) -> Result<Self, StateError> {
        let configuration = load(&settings, &portal_api).await?;
        Ok(Self(Arc::new(Inner {
            keys: SigningKeys::open(database.clone(), &settings.keys, configuration.algorithm)
                .await?,
            form_key: FormKey::new(&settings.keys)?,
            refresh_key: settings.keys.derive(&Purpose::RefreshToken)?,
            service_tokens: Verifier::new(ServiceName::AuthServer, settings.keys.clone()),
            kong: Kong::new(&settings)?,
            descriptions: Descriptions::default(),
            receivers: guarded_client(&settings.receiver_networks),
            records: Notify::new(),
            lately: Lately::default(),
            shutdown,
            configuration: ArcSwap::from_pointee(configuration),
            settings,
            database,
            portal_api,
        })))
    }

    /// The configuration in force.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.0.configuration.load_full()
    }

    /// How the tokens of an API are made.
    pub fn mode_of(&self, api: &ApiPolicy) -> Result<TokenMode, UnsupportedMode> {
        api.mode(self.configuration().mode)
    }

    /// Takes over what portal-api serves now; on failure the old configuration stays.
    pub async fn reload(&self) -> Result<(), StateError> {
        let configuration = load(&self.settings, &self.portal_api).await?;
        self.0.configuration.store(Arc::new(configuration));
        Ok(())
    }
}

async fn load(settings: &Settings, portal_api: &PortalApi) -> Result<Configuration, StateError> {
    let name = &settings.server_name;
    let definition = portal_api
        .auth_server(name)
        .await?
        .ok_or_else(|| StateError::UnknownServer(name.clone()))?;
    let globals = portal_api.globals().await?;
    let mut appearance = Appearance {
        has_style: portal_api.content(configuration::STYLE).await?.is_some(),
        logo: None,
        pages: OwnPages::read(portal_api.page_templates().await?),
        languages: Languages::of(portal_api.texts().await?),
    };
    for logo in configuration::LOGOS {
        if appearance.logo.is_none() && portal_api.content(logo).await?.is_some() {
            appearance.logo = Some(logo);
        }
    }
    Ok(Configuration::new(
        settings,
        &definition,
        &globals,
        appearance,
    )?)
}
