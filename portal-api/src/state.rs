use std::{num::NonZeroU32, path::PathBuf, sync::Arc};

use config::Configuration;
use ipnet::IpNet;
use migrations::Database;
use sea_orm::DatabaseTransaction;
use service::{ServiceName, keys::Keys, token::Verifier};

use crate::{
    ApiError,
    apis::{FetchedDefinitions, LookedUpScopes},
    audit,
    configuration::InForce,
    events::{Acks, Bell, Doors},
    idempotency,
    limits::Limits,
    passwords::Passwords,
    settings::{EventSettings, Neighbours},
    systemhealth::SystemHealth,
    tokens::UserTokens,
    traffic::Traffic,
};

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The parts behind [`AppState`].
pub struct Shared {
    pub db: Database,
    pub keys: Keys,
    pub(crate) in_force: InForce,
    pub service_tokens: Verifier,
    pub user_tokens: UserTokens,
    pub passwords: Passwords,
    pub trusted_peers: Vec<IpNet>,
    pub allow_any_redirect_uri: bool,
    pub unconfirmed_days: Option<NonZeroU32>,
    pub events: EventSettings,
    /// Ways to webhook listeners.
    pub doors: Doors,
    /// Acknowledgements of events that wait to be written down.
    pub acks: Acks,
    /// Wakes the deliverers after a commit.
    pub bell: Bell,
    pub data: PathBuf,
    pub neighbours: Neighbours,
    pub limits: Limits,
    pub(crate) traffic: Traffic,
    pub health: SystemHealth,
    pub(crate) looked_up_scopes: LookedUpScopes,
    pub(crate) fetched_definitions: FetchedDefinitions,
    pub(crate) refused_lately: audit::Lately,
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// For tools that serve nobody.
    pub(crate) fn for_tools(settings: &crate::Settings, db: Database) -> Self {
        let service_tokens = Verifier::new(ServiceName::PortalApi, settings.keys.clone());
        let user_tokens = UserTokens::new(&settings.neighbours.auth_server, &settings.keys);
        Self::new(Shared::new(settings, db, service_tokens, user_tokens))
    }

    /// The configuration in force. Hold it for one request, not longer.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.in_force.current()
    }

    /// Commits a change and wakes whoever delivers its events. The only way to commit here: a bare
    /// `commit` would leave events lying until the next poll.
    pub async fn commit(&self, txn: DatabaseTransaction) -> Result<(), ApiError> {
        idempotency::mark(&txn).await?;
        txn.commit().await?;
        self.bell.ring();
        Ok(())
    }
}

impl Shared {
    pub(crate) fn new(
        settings: &crate::Settings,
        db: Database,
        service_tokens: Verifier,
        user_tokens: UserTokens,
    ) -> Self {
        Self {
            db,
            keys: settings.keys.clone(),
            in_force: InForce::new(settings.configuration.clone(), &settings.source),
            service_tokens,
            user_tokens,
            passwords: Passwords::new(settings.password_cost),
            trusted_peers: settings.trusted_peers.clone(),
            allow_any_redirect_uri: settings.allow_any_redirect_uri,
            unconfirmed_days: settings.unconfirmed_days,
            events: settings.events.clone(),
            doors: Doors::new(&settings.events, &settings.configuration),
            acks: Acks::default(),
            bell: Bell::default(),
            data: settings.data.clone(),
            neighbours: settings.neighbours.clone(),
            limits: Limits::new(settings.rate_limits),
            traffic: Traffic::default(),
            health: SystemHealth::default(),
            looked_up_scopes: LookedUpScopes::default(),
            fetched_definitions: FetchedDefinitions::default(),
            refused_lately: audit::Lately::default(),
        }
    }
}
