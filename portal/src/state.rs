//! What all requests share.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use sdk::{Auth, Client};
use service::{
    ServiceName,
    health::{Readiness, State},
    keys::{Key, MissingKey, Purpose},
    token::Identity,
};
use tokio::sync::Notify;

use crate::{
    Settings,
    failure::Failure,
    installation::Installation,
    login::{OAuth, PersonalTokens},
    reference::Definitions,
    search::Library,
};

/// By user.
type Pace = DefaultKeyedRateLimiter<String>;

/// Application ids that a user may try in a minute (portal-ui 8.4).
const CHECKS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Calls that a user may make from the pages of APIs in a minute.
const TRIALS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Users that are remembered before those of before are forgotten.
const MAX_PACED: usize = 10_000;

/// Cheap to clone; handed to every handler.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    settings: Settings,
    service: Client,
    cookie_key: Key,
    oauth: OAuth,
    definitions: Definitions,
    library: Library,
    checks: Pace,
    trials: Pace,
    installation: ArcSwapOption<Installation>,
    outdated: Notify,
    personal: PersonalTokens,
    readiness: Readiness,
}

impl App {
    pub fn new(settings: Settings, readiness: Readiness) -> Result<Self, MissingKey> {
        let identity = Identity::new(ServiceName::Portal, settings.keys.clone());
        let service = Client::new(settings.api_url.clone(), Auth::Service(identity));
        // A person waits for the page, so giving up early beats trying for long (portal-ui 2.1).
        let service = service
            .with_patience(Duration::from_secs(5))
            .with_agent(concat!("wicked.portal/", env!("CARGO_PKG_VERSION")));
        Ok(Self(Arc::new(Inner {
            cookie_key: settings.keys.derive(&Purpose::Cookie)?,
            oauth: OAuth::new(&settings)?,
            definitions: Definitions::default(),
            library: Library::default(),
            checks: RateLimiter::keyed(Quota::per_minute(CHECKS)),
            trials: RateLimiter::keyed(Quota::per_minute(TRIALS)),
            installation: ArcSwapOption::empty(),
            outdated: Notify::new(),
            personal: PersonalTokens::default(),
            readiness,
            service,
            settings,
        })))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// portal-api as the portal itself sees it: what is open to everybody.
    pub fn service(&self) -> &Client {
        &self.0.service
    }

    pub fn cookie_key(&self) -> &Key {
        &self.0.cookie_key
    }

    pub fn oauth(&self) -> &OAuth {
        &self.0.oauth
    }

    pub fn definitions(&self) -> &Definitions {
        &self.0.definitions
    }

    /// What the search knows.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// Lets a user try some application ids a minute, and no more.
    pub fn check_pace(&self, user: &str) -> Result<(), Failure> {
        pace(&self.0.checks, user)
    }

    /// Lets a user call APIs from their pages some times a minute.
    pub fn trial_pace(&self, user: &str) -> Result<(), Failure> {
        pace(&self.0.trials, user)
    }

    /// What the process waits for, if it does.
    pub fn awaited(&self) -> Option<String> {
        match self.0.readiness.state() {
            State::Waiting(reason) => Some(reason),
            State::Ready => None,
        }
    }

    /// Exchanged personal tokens.
    pub fn personal(&self) -> &PersonalTokens {
        &self.0.personal
    }

    /// Says that portal-api has other configuration than this process, so that it reads it at once.
    pub fn is_outdated(&self) {
        self.0.outdated.notify_one();
    }

    /// Completes when somebody has said so.
    pub async fn until_outdated(&self) {
        self.0.outdated.notified().await;
    }

    /// The configuration in force; nothing before portal-api was reached for the first time.
    pub fn installation(&self) -> Option<Arc<Installation>> {
        self.0.installation.load_full()
    }

    pub fn install(&self, installation: Installation) {
        self.0.installation.store(Some(Arc::new(installation)));
    }
}

fn pace(limiter: &Pace, user: &str) -> Result<(), Failure> {
    if limiter.len() > MAX_PACED {
        limiter.retain_recent();
    }
    limiter.check_key(&user.to_owned()).map_err(|refused| {
        let wait = refused.wait_time_from(DefaultClock::default().now());
        Failure::TooMany(wait.max(Duration::from_secs(1)))
    })
}
