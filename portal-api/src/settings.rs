use std::{path::PathBuf, sync::Arc};

use config::Configuration;
use ipnet::IpNet;
use migrations::Location;
use service::keys::Keys;
use url::Url;

/// What portal-api needs to know to run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub database: Location,
    /// Connections to `PostgreSQL`; without meaning on `SQLite`.
    pub database_connections: u32,
    pub keys: Keys,
    /// The configuration to serve, already loaded and checked.
    pub configuration: Arc<Configuration>,
    /// Folder for files of this installation.
    pub data: PathBuf,
    /// Where the auth server answers inside the network, ending in `/`, base path included.
    /// Its key set verifies the access tokens of users.
    pub auth_server: Url,
    /// Callers that are believed with the bare headers of wicked (portal-api D1).
    pub trusted_peers: Vec<IpNet>,
    /// Listener addresses outside these networks are refused, so that a listener cannot be used to
    /// reach what only this process reaches (events-and-adapters B7). Empty: the default rule.
    pub listener_networks: Vec<IpNet>,
}
