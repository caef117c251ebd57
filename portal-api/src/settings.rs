use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use config::{Configuration, Environment, Origin, Trouble};
use ipnet::IpNet;
use migrations::Location;
use sdk::types::Secret;
use service::keys::Keys;
use url::Url;

use crate::RateLimits;
pub use crate::events::Pace;

/// What portal-api needs to know to run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub database: Location,
    /// Connections to `PostgreSQL`; without meaning on `SQLite`.
    pub database_connections: u32,
    pub keys: Keys,
    /// The configuration to start with, already loaded and checked.
    pub configuration: Arc<Configuration>,
    pub source: ConfigurationSource,
    /// What hashing a password costs.
    pub password_cost: crate::passwords::Cost,
    /// Folder for files of this installation.
    pub data: PathBuf,
    pub neighbours: Neighbours,
    /// Callers that are believed with the bare headers of wicked (portal-api D1).
    pub trusted_peers: Vec<IpNet>,
    /// Applications may register any redirect URI without a fragment (portal-api 2.1).
    pub allow_any_redirect_uri: bool,
    /// Accounts whose address is not confirmed after so many days end; absent: they stay.
    pub unconfirmed_days: Option<NonZeroU32>,
    /// How often callers may call.
    pub rate_limits: RateLimits,
    /// How events are delivered.
    pub events: EventSettings,
    /// Pause between two rounds of health checks; zero switches them off.
    pub health_interval: Duration,
    /// Makes this address the first administrator if there is none yet; the generated password
    /// comes out of the channel, once.
    pub first_admin: Option<FirstAdmin>,
}

/// How events are delivered, and where to.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// Open requests to one listener that takes its events singly.
    pub max_parallel: usize,
    /// Acknowledged events are kept this long for replay.
    pub retention_days: u32,
    /// Listeners may be in these networks although they are not public: else a listener could be used
    /// to reach what only this process reaches (events-and-adapters B7).
    pub networks: Vec<IpNet>,
    /// Hosts inside that listeners may have; absent: those of our own components.
    pub hosts: Option<Vec<String>>,
    /// Ports that listeners may have; absent: all.
    pub ports: Option<Vec<u16>>,
    /// How long a listener may fail before it is switched off.
    pub disable_after: Duration,
    /// How fast everything goes.
    pub pace: Pace,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            max_parallel: 4,
            retention_days: 7,
            networks: Vec::new(),
            hosts: None,
            ports: Some(vec![80, 443, 3002, 3003, 3004, 8080, 8443]),
            disable_after: Duration::from_hours(5 * 24),
            pace: Pace::default(),
        }
    }
}

/// Where newer configurations come from.
#[derive(Clone, Debug)]
pub struct ConfigurationSource {
    pub origin: Origin,
    /// What they are resolved with.
    pub environment: Environment,
    /// Why the start is not with the newest one.
    pub trouble: Option<Trouble>,
    /// How often a repository is asked; zero = only when somebody says so.
    pub poll: Duration,
    /// Shared with the git host; without it its notices are refused.
    pub hook_secret: Option<Secret>,
}

/// Where the other services answer inside the network. Every URL ends in `/`.
#[derive(Clone, Debug)]
pub struct Neighbours {
    pub portal: Url,
    /// Base path included. Its key set verifies the access tokens of users.
    pub auth_server: Url,
    /// Where the gateway takes calls.
    pub gateway: Url,
}

/// Who becomes administrator of an empty installation.
#[derive(Clone, Debug)]
pub struct FirstAdmin {
    pub email: String,
    /// Receives the generated password.
    pub password: tokio::sync::mpsc::UnboundedSender<String>,
}

impl Settings {
    /// For tools that work on the database and serve nobody.
    pub(crate) fn for_tools(
        database: Location,
        keys: Keys,
        configuration: Arc<Configuration>,
    ) -> Self {
        let nowhere = || Url::parse("http://localhost:9/").expect("a literal address is valid");
        Self {
            database,
            database_connections: 2,
            keys,
            configuration,
            source: ConfigurationSource {
                origin: Origin::sample(),
                environment: Environment::default(),
                trouble: None,
                poll: Duration::ZERO,
                hook_secret: None,
            },
            password_cost: crate::passwords::Cost::default(),
            data: PathBuf::new(),
            neighbours: Neighbours {
                portal: nowhere(),
                auth_server: nowhere(),
                gateway: nowhere(),
            },
            trusted_peers: Vec::new(),
            allow_any_redirect_uri: false,
            unconfirmed_days: None,
            events: EventSettings::default(),
            health_interval: Duration::ZERO,
            rate_limits: RateLimits::OFF,
            first_admin: None,
        }
    }
}
