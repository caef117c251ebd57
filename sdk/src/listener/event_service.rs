//! The life of a service whose work is events: it waits for portal-api, reads the configuration,
//! registers, and follows both until it is told to stop.

use std::time::Duration;

use axum::{Router, routing::post};
use http::StatusCode;
use service::{
    ServiceName,
    backoff::Backoff,
    health::Readiness,
    keys::{Keys, MissingKey},
    operator::Operators,
    ops,
    problem::Problem,
    token::Identity,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Access, Listener, Receiver};
use crate::{Auth, Client, types::Secret};

/// One of our own services that live on events, as it starts: mailer, chatbot, gateway adapter.
#[derive(Clone, Debug)]
pub struct EventService {
    name: ServiceName,
    client: Client,
    keys: Keys,
    access: Access,
    readiness: Readiness,
    shutdown: CancellationToken,
}

impl EventService {
    /// `shutdown` ends it; so does `POST /kill`, where that is open.
    pub fn new(
        name: ServiceName,
        portal_api: Url,
        keys: &Keys,
        access: &Access,
        readiness: Readiness,
        shutdown: &CancellationToken,
    ) -> Self {
        let identity = Identity::new(name, keys.clone());
        Self {
            name,
            client: Client::new(portal_api, Auth::Service(identity)),
            keys: keys.clone(),
            access: access.clone(),
            readiness,
            shutdown: shutdown.child_token(),
        }
    }

    /// Calls portal-api as this service.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it can do its work.
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The order to stop.
    pub const fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Lets operators in.
    pub fn operators(&self) -> Operators {
        let token = self.access.admin_token.as_ref().map(Secret::expose);
        Operators::new(self.name, self.keys.clone(), token)
    }

    /// Its listener in the making.
    pub fn listener(&self) -> Result<Listener, MissingKey> {
        let (id, client) = (self.name.wire_name(), self.client.clone());
        match &self.access.webhook_secrets {
            Some(secrets) => Ok(Listener::with_secrets(id, client, secrets.clone())),
            None => Listener::new(id, client, &self.keys),
        }
    }

    /// Registers the listener at this address; the service is ready then. Returns false when it
    /// was told to stop before that worked.
    pub async fn register(&self, receiver: &Receiver, url: &Url) -> bool {
        let is_registered = receiver
            .register_at(url, &self.readiness, &self.shutdown)
            .await;
        if is_registered {
            self.readiness.ready();
        }
        is_registered
    }

    /// Has `load` take over the configuration, trying until that works, then does what is to be
    /// done `first` (and ends if that says false), and from then on loads each new configuration.
    /// `beside` runs as soon as there is a configuration.
    pub async fn follow<L>(
        &self,
        load: impl Fn() -> L,
        first: impl Future<Output = bool>,
        beside: impl Future<Output = ()>,
    ) where
        L: Future<Output = Result<(), String>>,
    {
        let mut news = self.client.watch_configuration();
        if !self.client.until_up(&self.readiness, &self.shutdown).await
            || !news.changed(&self.shutdown).await
            || !self.load_first(&load).await
        {
            return;
        }
        let following = async {
            if !first.await {
                return;
            }
            while news.changed(&self.shutdown).await {
                if let Err(reason) = load().await {
                    tracing::error!("the old configuration stays in force: {reason}");
                    news.again();
                }
            }
        };
        tokio::join!(self.shutdown.run_until_cancelled(following), beside);
    }

    async fn load_first<L>(&self, load: &impl Fn() -> L) -> bool
    where
        L: Future<Output = Result<(), String>>,
    {
        let mut backoff = Backoff::for_start();
        while let Err(reason) = load().await {
            self.readiness.waiting(format!("configuration: {reason}"));
            tokio::select! {
                () = backoff.wait() => {}
                () = self.shutdown.cancelled() => return false,
            }
        }
        true
    }

    /// Serves until it is told to stop: deliveries, `routes` (with `/ping` among them) and what all
    /// services have. `work` goes on beside it, and has `grace` to come to an end afterwards.
    pub async fn serve(
        self,
        socket: TcpListener,
        receiver: Receiver,
        routes: Router,
        work: impl Future<Output = ()>,
        grace: Duration,
    ) -> anyhow::Result<()> {
        let app = routes
            .merge(ops::without_ping(
                self.name.wire_name(),
                self.readiness.clone(),
            ))
            .merge(receiver.router())
            .merge(self.kill())
            .fallback(async || not_found());
        let serving = service::http::serve(self.name, socket, app, self.shutdown.clone());
        let work = async {
            tokio::select! {
                () = work => {}
                () = async {
                    self.shutdown.cancelled().await;
                    tokio::time::sleep(grace).await;
                } => {}
            }
        };
        let polling = self.shutdown.run_until_cancelled(receiver.poll());
        let (served, (), _) = tokio::join!(serving, work, polling);
        served
    }

    /// `POST /kill`: for tests of restarts.
    fn kill(&self) -> Router {
        let (is_allowed, shutdown) = (self.access.allow_kill, self.shutdown.clone());
        Router::new().route(
            "/kill",
            post(async move || {
                if !is_allowed {
                    return Err(not_found());
                }
                tokio::spawn(async move {
                    // So that the answer arrives.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    shutdown.cancel();
                });
                Ok(StatusCode::NO_CONTENT)
            }),
        )
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found.")
}
