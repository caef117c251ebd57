//! Operating portal-api (portal-api 23).

use super::{Client, Error};
use crate::types::{
    Globals,
    configuration::ConfigStatus,
    health::{Health, Ping},
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
}
