//! Operating portal-api (portal-api 23).

use serde_json::Value;

use super::{Client, Error};
use crate::types::{
    Globals,
    configuration::ConfigStatus,
    health::{Health, Ping},
    setup::{PutSetup, Setup},
};

impl Client {
    /// `GET /ping`
    pub async fn ping(&self) -> Result<Ping, Error> {
        self.get(&["ping"]).json().await
    }

    /// `GET /confighash`: changes whenever new configuration is in force.
    pub async fn config_hash(&self) -> Result<String, Error> {
        self.get(&["confighash"]).text().await
    }

    /// `GET /globals`: the caller's view.
    pub async fn globals(&self) -> Result<Globals, Error> {
        self.get(&["globals"]).json().await
    }

    /// `GET /config/status`
    pub async fn config_status(&self) -> Result<ConfigStatus, Error> {
        self.get(&["config", "status"]).json().await
    }

    /// `POST /config/fetch`: have portal-api look for a newer configuration at once.
    pub async fn fetch_configuration(&self) -> Result<(), Error> {
        self.post(&["config", "fetch"]).empty().await
    }

    /// `GET /systemhealth`
    pub async fn system_health(&self) -> Result<Vec<Health>, Error> {
        self.get(&["systemhealth"]).json().await
    }

    /// `GET /randomId`
    pub async fn random_id(&self) -> Result<String, Error> {
        self.get(&["randomId"]).text().await
    }

    /// `GET /health/ping`: with a key of the gateway, or as a service.
    pub async fn gateway_ping(&self) -> Result<(), Error> {
        self.get(&["health", "ping"]).empty().await
    }

    /// `GET /health/systemhealth`: with a key of the gateway, or as a service.
    pub async fn gateway_system_health(&self) -> Result<Vec<Health>, Error> {
        self.get(&["health", "systemhealth"]).json().await
    }

    /// `GET /openapi.json`
    pub async fn openapi(&self) -> Result<Value, Error> {
        self.get(&["openapi.json"]).json().await
    }

    /// `GET /openapi.yaml`
    pub async fn openapi_yaml(&self) -> Result<String, Error> {
        self.get(&["openapi.yaml"]).text().await
    }

    /// `GET /setup`
    pub async fn setup(&self) -> Result<Setup, Error> {
        self.get(&["setup"]).json().await
    }

    /// `PUT /setup`
    pub async fn put_setup(&self, hidden: bool) -> Result<Setup, Error> {
        self.put(&["setup"]).body(&PutSetup { hidden }).json().await
    }

    /// `POST /kill`: takes over the newest configuration.
    pub async fn kill(&self) -> Result<(), Error> {
        self.post(&["kill"]).empty().await
    }
}
