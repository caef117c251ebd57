//! Receiving events: a listener that registers itself, checks signatures, works through deliveries
//! in order, does nothing twice and acknowledges only what is done. [`Receiver::poll`] reads the queue
//! when no deliveries come. [`EventService`] is the life of our own services that live on events.
//!
//! ```no_run
//! # use sdk::{Client, Listener, Outcome};
//! # async fn start(client: Client, keys: service::keys::Keys, url: url::Url) -> Result<(), service::keys::MissingKey> {
//! let receiver = Listener::new("crm-sync", client, &keys)?
//!     .at(url)
//!     .events(["subscription.*"])
//!     .on(|event| async move {
//!         println!("{}", event.kind());
//!         Outcome::Done
//!     });
//! let app = receiver.router();
//! # Ok(()) }
//! ```

mod access;
mod body;
mod event_service;
mod outcome;
mod poll;
mod receiver;
mod routes;
mod seen;

mod work;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use service::keys::{Keys, MissingKey};
use url::Url;

use crate::{
    Client,
    signature::Secrets,
    types::{Event, ListenerRegistration, Mode},
};
pub use access::Access;
pub use event_service::EventService;
pub use outcome::Outcome;
pub use receiver::Receiver;

/// A listener in the making; [`Listener::on`] completes it.
#[derive(Debug)]
pub struct Listener {
    registration: ListenerRegistration,
    client: Client,
    secrets: Secrets,
    patience: Option<Duration>,
    poll_every: Duration,
}

/// What is done with events.
enum Handler {
    /// One after the other.
    Each(Box<dyn Fn(Event) -> BoxFuture<'static, Outcome> + Send + Sync>),
    /// All new events of a delivery together; as many outcomes as events, in their order.
    Batch(Box<dyn Fn(Vec<Event>) -> BoxFuture<'static, Vec<Outcome>> + Send + Sync>),
}

impl Listener {
    /// A listener whose secret is derived from the keys of the installation. It uses mode `ack`
    /// and one minute per delivery.
    pub fn new(id: &str, client: Client, keys: &Keys) -> Result<Self, MissingKey> {
        let secrets = Secrets::of_listener(keys, id)?;
        Ok(Self::with_secrets(id, client, secrets))
    }

    /// A listener with secrets from elsewhere. Without any, deliveries are taken as a hint only
    /// and the queue is read from portal-api, because anybody could have sent them.
    pub fn with_secrets(id: &str, client: Client, secrets: Secrets) -> Self {
        let mut registration = ListenerRegistration {
            id: id.to_owned(),
            timeout_ms: Some(60_000),
            ..ListenerRegistration::default()
        };
        registration.mode = Some(if secrets.is_empty() {
            Mode::Explicit
        } else {
            Mode::Ack
        });
        Self {
            registration,
            client,
            secrets,
            patience: None,
            poll_every: poll::EVERY,
        }
    }

    /// The address at which portal-api reaches [`Receiver::router`].
    #[must_use]
    pub fn at(mut self, url: Url) -> Self {
        self.registration.url = Some(url.into());
        self
    }

    /// The kinds of events to get; without this the standard ones.
    #[must_use]
    pub fn events<K: Into<String>>(mut self, kinds: impl IntoIterator<Item = K>) -> Self {
        self.registration.events = Some(kinds.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for the secrets of verification events, which the mailer needs.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.registration.sensitive = Some(true);
        self
    }

    /// The compatible mode: each event is deleted from the queue when it is done.
    #[must_use]
    pub fn explicit(mut self) -> Self {
        self.registration.mode = Some(Mode::Explicit);
        self
    }

    /// How long a delivery waits for [`Outcome::When`], so that slow work of some events does not
    /// hold up the ones after them.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// After how long without deliveries [`Receiver::poll`] reads the queue; half a minute if
    /// nothing else is said.
    #[must_use]
    pub fn poll_every(mut self, pause: Duration) -> Self {
        self.poll_every = pause;
        self
    }

    /// Anything else that the registration can say.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ListenerRegistration)) -> Self {
        change(&mut self.registration);
        self
    }

    /// Handles events one after the other, in the order in which they happened.
    pub fn on<F, W>(self, handle: F) -> Receiver
    where
        F: Fn(Event) -> W + Send + Sync + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        self.receiver(Handler::Each(Box::new(move |event| handle(event).boxed())))
    }

    /// Handles all new events of a delivery together, for work that covers many of them at once.
    /// Events without an outcome stay pending.
    pub fn on_batch<F, W>(self, handle: F) -> Receiver
    where
        F: Fn(Vec<Event>) -> W + Send + Sync + 'static,
        W: Future<Output = Vec<Outcome>> + Send + 'static,
    {
        self.receiver(Handler::Batch(Box::new(move |events| {
            handle(events).boxed()
        })))
    }

    fn receiver(self, handler: Handler) -> Receiver {
        Receiver::new(
            self.registration,
            self.client,
            self.secrets,
            Arc::new(handler),
            self.patience,
            self.poll_every,
        )
    }
}
