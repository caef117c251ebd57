//! Token mode `kong-oauth2`: Kong's `oauth2` plugin makes and keeps the tokens, this server decides
//! who gets one and passes it on (section 15).
//!
//! Kong finds a token by itself or by its id only. So a table of our own says, by digests, which
//! authorization a token belongs to: for refreshing, for profiles, and to end tokens. What has ended
//! here is deleted at Kong afterwards, as soon as Kong can be reached.

mod adoption;
mod calls;
mod error;
mod place;
mod row;
mod store;
mod tend;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kong::{Oauth2, admin::Client};
use service::{
    http::{AuthoritiesError, authorities, client_with},
    keys::{Key, MissingKey, Purpose, provision_key},
};

use crate::{Settings, cache::Cache, configuration::KongAddresses};

pub use calls::{Kept, Order, Passed};
pub use error::KongError;
pub use store::{end_of_families, end_token, find_by_access, forget_refreshed, insert, is_known};
pub use tend::{TendError, sweep, tend};

use place::Place;

/// How long it is remembered where Kong issues tokens, and for whom. Short: the adapter may change it
/// at any time (F25).
const PLACES: Duration = Duration::from_secs(30);
const CREDENTIALS: Duration = Duration::from_secs(2);
/// A provision key that is on Kong since before ours; one that Kong refuses is read again anyway.
const PROVISION_KEYS: Duration = Duration::from_hours(1);

/// Access to Kong.
pub struct Kong {
    http: reqwest::Client,
    token: Option<String>,
    workspace: Option<String>,
    provision: Key,
    places: Cache<String, Arc<Place>>,
    credentials: Cache<String, Arc<Oauth2>>,
    provision_keys: Cache<String, String>,
    /// Whether the tokens that Kong had before this process started are in our table.
    is_read: AtomicBool,
}

/// Why there is no access to Kong.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("KONG_ADMIN_CA: {0}")]
    Authorities(#[from] AuthoritiesError),
    #[error("KONG_ADMIN_CA: {0}")]
    Certificates(#[from] reqwest::Error),
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
}

impl Kong {
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let reached = &settings.kong;
        let http = match &reached.authorities {
            Some(path) => client_with(authorities(path)?)?,
            None => service::http::client(),
        };
        let token = reached.admin_token.as_ref();
        Ok(Self {
            http,
            token: token.map(|token| token.expose().to_owned()),
            workspace: reached.workspace.clone(),
            provision: settings.keys.derive(&Purpose::Provision)?,
            places: Cache::new(PLACES, 10_000),
            credentials: Cache::new(CREDENTIALS, 1000),
            provision_keys: Cache::new(PROVISION_KEYS, 10_000),
            is_read: AtomicBool::new(false),
        })
    }

    /// The Admin API.
    pub fn admin(&self, addresses: &KongAddresses) -> Client {
        Client::new(
            self.http.clone(),
            addresses.admin.clone(),
            self.token.clone(),
        )
        .in_workspace(self.workspace.clone())
    }

    /// Whether a token that our table does not have is unknown to Kong, too.
    pub fn knows_all(&self) -> bool {
        self.is_read.load(Ordering::Acquire)
    }

    /// The key that Kong's plugin wants to see for an API.
    fn provision_key(&self, api: &str) -> String {
        self.provision_keys
            .get(api)
            .unwrap_or_else(|| provision_key(&self.provision, api))
    }
}

/// Whether a text can be one of Kong's tokens. Nothing else is asked for, or put into a path.
pub fn is_token(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
