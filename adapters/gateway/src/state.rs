//! What the HTTP side may know of the control loop's work.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chrono::{DateTime, Utc};
use sdk::types::{Api, AuthServer, gateway::GatewayProblem};
use url::Url;
use uuid::Uuid;

use crate::auth_servers::base_url;

/// Shared between the control loop and the routes. Every lock is held for a few lines only.
#[derive(Default)]
pub struct Shared {
    health: RwLock<Health>,
    credentials: RwLock<HashMap<Uuid, String>>,
    published: RwLock<Arc<Published>>,
}

/// Which APIs there are.
#[derive(Default)]
pub struct Published {
    /// Of the configuration.
    pub hash: String,
    /// Paths of the routes, by API.
    pub routes: HashMap<String, Vec<String>>,
    /// Base URLs of the auth servers.
    pub auth_servers: BTreeSet<Url>,
    /// Scopes of those APIs for which another service defines them.
    pub looked_up_scopes: BTreeMap<String, BTreeSet<String>>,
}

impl Published {
    pub fn new(hash: &str, apis: &[Api], auth_servers: &[AuthServer]) -> Self {
        let paths = |api: &Api| {
            let routes = api.config.iter().flat_map(|config| &config.api.routes);
            routes.flat_map(|route| route.paths.clone()).collect()
        };
        Self {
            hash: hash.to_owned(),
            routes: apis
                .iter()
                .map(|api| (api.id.clone(), paths(api)))
                .collect(),
            auth_servers: auth_servers.iter().filter_map(base_url).collect(),
            looked_up_scopes: looked_up_scopes(apis),
        }
    }
}

/// Scopes that can change without the configuration.
pub fn looked_up_scopes(apis: &[Api]) -> BTreeMap<String, BTreeSet<String>> {
    let scopes = |api: &Api| -> BTreeSet<String> {
        let scopes = api.settings.iter().flat_map(|settings| settings.scopes());
        scopes.map(|(scope, _)| scope.to_owned()).collect()
    };
    let looked_up = apis.iter().filter(|api| api.scope_lookup_url.is_some());
    looked_up.map(|api| (api.id.clone(), scopes(api))).collect()
}

/// What `/ping` and `/problems` show.
#[derive(Clone, Default)]
pub struct Health {
    /// Whether the gateway was complete at least once.
    pub initialised: bool,
    /// Why work is not possible just now.
    pub error: Option<String>,
    pub problems: Vec<GatewayProblem>,
    /// Applications that still have to be brought to the gateway.
    pub waiting: usize,
    pub last_success: Option<DateTime<Utc>>,
    pub gateway_version: String,
    /// Whether another instance does the work.
    pub is_standby: bool,
    /// The gateway's own status, as JSON text.
    pub gateway_status: String,
}

impl Shared {
    pub fn health(&self) -> RwLockReadGuard<'_, Health> {
        self.health.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn update_health(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn published(&self) -> Arc<Published> {
        let published = self.published.read();
        published.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn publish(&self, published: Published) {
        let mut place = self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(published);
    }

    /// The portal's credential behind one of the gateway.
    pub fn credential(&self, entity: Uuid) -> Option<String> {
        let credentials = self
            .credentials
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        credentials.get(&entity).cloned()
    }

    /// Only grows between full runs: calls made with a credential just revoked still count for it.
    pub fn add_credentials(&self, known: HashMap<Uuid, String>) {
        self.credentials_mut().extend(known);
    }

    pub fn replace_credentials(&self, known: HashMap<Uuid, String>) {
        *self.credentials_mut() = known;
    }

    fn credentials_mut(&self) -> RwLockWriteGuard<'_, HashMap<Uuid, String>> {
        self.credentials
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
