//! A typed client for portal-api. One method per operation, grouped by resource in the files below.
//!
//! Calls that may be repeated are repeated on connection errors and 5xx with growing pauses, within
//! a total time: readings, and creations, which carry an idempotency key. All others are repeated
//! only when the connection was never made, so nothing happens twice.

mod apis;
mod application_listeners;
mod applications;
mod approvals;
mod archive;
mod audit;
mod call;
mod catalogue;
mod configuration;
mod credentials;
mod error;
mod gateway;
mod grants;
mod invitations;
mod namespaces;
mod operations;
mod people;
mod registrations;
mod subscriptions;
mod teams;
mod usage;
mod users;
mod verifications;
mod watch;
mod webhooks;

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use http::Method;
use service::{ServiceName, backoff::Backoff, health::Readiness, token::Identity};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::types::Secret;
use call::Call;
pub use catalogue::ContentAnswer;
pub use error::{ApiError, Error, FieldError, Optional};
pub use gateway::SnapshotAnswer;
pub use people::Person;
pub use watch::ConfigurationWatch;

/// How the client proves who calls.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A service acting as itself, or for a user by [`Client::as_user`].
    Service(Identity),
    /// A user's own access token; portal-api takes user and scopes from it.
    Bearer(Secret),
    /// Nobody: for what is open to everyone.
    Anonymous,
}

/// Gets another token when portal-api does not take the present one any more.
pub trait Renew: Send + Sync + fmt::Debug {
    /// The token to try instead of `refused`; nothing if there is none.
    fn renew<'a>(
        &'a self,
        refused: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send + 'a>>;
}

/// A user in whose name a service acts.
#[derive(Clone, Debug)]
struct OnBehalf {
    user: String,
    scopes: String,
}

/// Calls portal-api. Cheap to clone; all clients of a process share one connection pool.
#[derive(Clone, Debug)]
pub struct Client {
    base: Arc<Url>,
    auth: Auth,
    on_behalf: Option<Arc<OnBehalf>>,
    patience: Duration,
    renew: Option<Arc<dyn Renew>>,
    /// `User-Agent`, where portal-api is to know which component asks.
    agent: Option<&'static str>,
    /// The configuration that the caller works with; portal-api refuses an outdated one (428).
    config_hash: Option<Arc<str>>,
    /// Of the reader, for what has translations.
    language: Option<&'static str>,
}

impl Client {
    /// `base` is the address of portal-api, with or without a slash at the end.
    pub fn new(base: Url, auth: Auth) -> Self {
        Self {
            base: Arc::new(base),
            auth,
            on_behalf: None,
            patience: Duration::from_secs(15),
            renew: None,
            agent: None,
            config_hash: None,
            language: None,
        }
    }

    /// The same portal-api with another proof, such as the token of the user of a session.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Self {
        Self {
            auth,
            on_behalf: None,
            ..self.clone()
        }
    }

    /// Acts with the rights of a user. Only auth server and portal may do this, with a service
    /// identity.
    #[must_use]
    pub fn as_user(&self, user_id: &str, scopes: &[&str]) -> Self {
        let on_behalf = OnBehalf {
            user: user_id.to_owned(),
            scopes: scopes.join(" "),
        };
        Self {
            on_behalf: Some(Arc::new(on_behalf)),
            ..self.clone()
        }
    }

    /// How long one call may take with all its repetitions; 15 s if nothing else is said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// When the token is refused (401), the call is made once more with another one.
    #[must_use]
    pub fn with_renewal(mut self, renew: Arc<dyn Renew>) -> Self {
        self.renew = Some(renew);
        self
    }

    /// Says which component asks: `<name>/<version>`.
    #[must_use]
    pub fn with_agent(mut self, agent: &'static str) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Says with which configuration the caller works.
    #[must_use]
    pub fn with_config_hash(mut self, hash: Arc<str>) -> Self {
        self.config_hash = Some(hash);
        self
    }

    /// Says in which language pages are wanted (`de`).
    #[must_use]
    pub fn with_language(mut self, tag: &'static str) -> Self {
        self.language = Some(tag);
        self
    }

    /// The address of portal-api.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Waits until portal-api answers, showing in `readiness` what it waits for.
    /// Returns false when `shutdown` came first.
    pub async fn until_up(&self, readiness: &Readiness, shutdown: &CancellationToken) -> bool {
        let client = self.clone().with_patience(Duration::ZERO);
        let mut backoff = Backoff::for_start();
        loop {
            let Err(error) = client.ping().await else {
                return true;
            };
            readiness.waiting(format!("portal-api: {error}"));
            tokio::select! {
                () = backoff.wait() => {}
                () = shutdown.cancelled() => return false,
            }
        }
    }

    fn get(&self, segments: &[&str]) -> Call<'_> {
        Call::new(self, Method::GET, segments)
    }

    fn put(&self, segments: &[&str]) -> Call<'_> {
        Call::new(self, Method::PUT, segments)
    }

    fn post(&self, segments: &[&str]) -> Call<'_> {
        Call::new(self, Method::POST, segments)
    }

    fn patch(&self, segments: &[&str]) -> Call<'_> {
        Call::new(self, Method::PATCH, segments)
    }

    fn delete(&self, segments: &[&str]) -> Call<'_> {
        Call::new(self, Method::DELETE, segments)
    }

    /// The bearer token for one attempt; service tokens live for a minute only.
    fn bearer(&self) -> Result<Option<String>, Error> {
        match &self.auth {
            Auth::Service(identity) => Ok(Some(identity.token_for(ServiceName::PortalApi)?)),
            Auth::Bearer(token) => Ok(Some(token.expose().to_owned())),
            Auth::Anonymous => Ok(None),
        }
    }
}
