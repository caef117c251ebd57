//! Operating portal-api (portal-api 23).

use super::{Client, Error};
use crate::types::{
    Globals,
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

    /// `GET /systemhealth`
    pub async fn system_health(&self) -> Result<Vec<Health>, Error> {
        self.get(&["systemhealth"]).json().await
    }
}
