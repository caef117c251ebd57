//! What the HTTP side may know of the control loop's work.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chrono::{DateTime, Utc};
use sdk::types::gateway::GatewayProblem;
use uuid::Uuid;

/// Shared between the control loop and the routes. Every lock is held for a few lines only.
#[derive(Default)]
pub struct Shared {
    health: RwLock<Health>,
    credentials: RwLock<HashMap<Uuid, String>>,
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
