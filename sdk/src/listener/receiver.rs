//! Working through deliveries.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use service::{
    backoff::Backoff,
    health::Readiness,
    http::{CorrelationId, current_correlation_id, with_correlation_id},
};
use tokio::{sync::Mutex as Turn, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Handler, Outcome, routes,
    seen::{Seen, State},
    work::{Work, no_outcome},
};
use crate::{
    Client, Error,
    signature::Secrets,
    types::{
        Event, ListenerRegistration, Mode,
        listeners::{AckReport, Failure},
    },
};

/// A complete listener. Cheap to clone.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    registration: ListenerRegistration,
    client: Client,
    secrets: Secrets,
    handler: Arc<Handler>,
    /// How long unfinished work is waited for; else as long as the delivery may take.
    patience: Option<Duration>,
    /// False until the service can work; deliveries are answered 503.
    open: AtomicBool,
    /// Deliveries are worked through one at a time, which keeps the order.
    turn: Arc<Turn<()>>,
    seen: Mutex<Seen>,
    /// How this listener is registered, as long as it wants to be.
    registered: Mutex<Option<ListenerRegistration>>,
    last_delivery: Mutex<Instant>,
    poll_every: Duration,
}

impl Receiver {
    pub(super) fn new(
        registration: ListenerRegistration,
        client: Client,
        secrets: Secrets,
        handler: Arc<Handler>,
        patience: Option<Duration>,
        poll_every: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            registration,
            client,
            secrets,
            handler,
            patience,
            open: AtomicBool::new(false),
            turn: Arc::default(),
            seen: Mutex::default(),
            registered: Mutex::default(),
            last_delivery: Mutex::new(Instant::now()),
            poll_every,
        }))
    }

    /// `POST /`, to be merged with the other routes of the service.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// Opens the door for deliveries and registers at portal-api, trying until it works. To be
    /// called when the service can do its work. Returns false when `shutdown` came first.
    pub async fn register(&self, readiness: &Readiness, shutdown: &CancellationToken) -> bool {
        self.put(&self.0.registration, readiness, shutdown).await
    }

    /// As [`Receiver::register`], for an address that is known only now.
    pub async fn register_at(
        &self,
        url: &Url,
        readiness: &Readiness,
        shutdown: &CancellationToken,
    ) -> bool {
        let registration = ListenerRegistration {
            url: Some(url.to_string()),
            ..self.0.registration.clone()
        };
        self.put(&registration, readiness, shutdown).await
    }

    async fn put(
        &self,
        registration: &ListenerRegistration,
        readiness: &Readiness,
        shutdown: &CancellationToken,
    ) -> bool {
        // portal-api may deliver before its answer to the registration is here.
        self.0.open.store(true, Ordering::Release);
        let mut backoff = Backoff::for_start();
        loop {
            let Err(error) = self.put_once(registration).await else {
                *lock(&self.0.registered) = Some(registration.clone());
                return true;
            };
            readiness.waiting(format!("registration of listener `{}`: {error}", self.id()));
            tokio::select! {
                () = backoff.wait() => {}
                () = shutdown.cancelled() => return false,
            }
        }
    }

    pub(super) async fn put_once(&self, registration: &ListenerRegistration) -> Result<(), Error> {
        let client = self.0.client.clone().with_patience(Duration::ZERO);
        client.put_listener(registration).await.map(drop)
    }

    /// Somebody else does the work under the same id: the queue is not read until
    /// [`Receiver::register`] is called again.
    pub fn stand_by(&self) {
        *lock(&self.0.registered) = None;
    }

    pub(super) fn registered(&self) -> Option<ListenerRegistration> {
        lock(&self.0.registered).clone()
    }

    pub(super) fn delivered(&self) {
        *lock(&self.0.last_delivery) = Instant::now();
    }

    pub(super) fn last_delivery(&self) -> Instant {
        *lock(&self.0.last_delivery)
    }

    pub(super) fn poll_every(&self) -> Duration {
        self.0.poll_every
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    pub(super) fn mode(&self) -> Mode {
        self.0.registration.mode.unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        &self.0.registration.id
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.0.seen)
    }

    /// Handles the new ones among `events` and reports about all that are finished.
    pub(super) async fn work(&self, events: Vec<Event>) -> AckReport {
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let failed = self.handle_in_turn(events).await;
        let report = self.report(&ids, failed, true);
        self.count_acks("ok", report.acked.len());
        report
    }

    /// Handles the new ones among `events`; says which failed and may come again.
    ///
    /// The work goes on when the sender hangs up: half a mail is worse than a late report.
    pub(super) async fn handle_in_turn(&self, events: Vec<Event>) -> Vec<Failure> {
        // While an earlier delivery is in work, this one only learns what is finished already.
        let Ok(turn) = self.0.turn.clone().try_lock_owned() else {
            return Vec::new();
        };
        let receiver = self.clone();
        let correlation = CorrelationId(current_correlation_id().unwrap_or_default());
        let work = async move {
            let failures = receiver.handle(events).await;
            drop(turn);
            failures
        };
        let failures = tokio::spawn(with_correlation_id(correlation, work)).await;
        failures.unwrap_or_default()
    }

    async fn handle(&self, events: Vec<Event>) -> Vec<Failure> {
        let deadline = Instant::now() + self.budget();
        let mut work = Work::new(self.clone());
        let new: Vec<Event> = events
            .into_iter()
            .filter(|event| self.is_new(event))
            .collect();
        match &*self.0.handler {
            Handler::Each(_) => {
                for event in new {
                    if Instant::now() >= deadline {
                        break;
                    }
                    self.seen().set(&event.id, State::InWork);
                    let id = event.id.clone();
                    let outcome = self.call(vec![event]).await.pop();
                    work.settle(&id, outcome.unwrap_or_else(no_outcome));
                }
            }
            Handler::Batch(_) if new.is_empty() => {}
            Handler::Batch(_) => {
                let ids: Vec<String> = new.iter().map(|event| event.id.clone()).collect();
                for id in &ids {
                    self.seen().set(id, State::InWork);
                }
                let mut outcomes = self.call(new).await.into_iter();
                for id in &ids {
                    work.settle(id, outcomes.next().unwrap_or_else(no_outcome));
                }
            }
        }
        let patience = self.0.patience.map(|patience| Instant::now() + patience);
        work.finish(patience.map_or(deadline, |end| end.min(deadline)))
            .await
    }

    /// Calls the handler. A panic in it fails its events and nothing else.
    async fn call(&self, mut events: Vec<Event>) -> Vec<Outcome> {
        let handler = self.0.handler.clone();
        let correlation = CorrelationId(current_correlation_id().unwrap_or_default());
        let work = async move {
            match &*handler {
                Handler::Batch(handle) => handle(events).await,
                Handler::Each(handle) => match events.pop() {
                    Some(event) => vec![handle(event).await],
                    None => Vec::new(),
                },
            }
        };
        tokio::spawn(with_correlation_id(correlation, work))
            .await
            .unwrap_or_default()
    }

    /// Whether the event needs the handler. Test pings are done by having arrived.
    fn is_new(&self, event: &Event) -> bool {
        let mut seen = self.seen();
        if event.is("ping.test") {
            seen.set(&event.id, State::Done);
        }
        seen.state(&event.id).is_none()
    }

    /// How long the handler may begin with events: some seconds less than the sender waits.
    fn budget(&self) -> Duration {
        let timeout =
            Duration::from_millis(self.0.registration.timeout_ms.unwrap_or(15_000).into());
        timeout.mul_f64(0.5)
    }

    /// What became of events. `tells_dead`: those given up are told of, and forgotten with that.
    pub(super) fn report(
        &self,
        ids: &[String],
        failed: Vec<Failure>,
        tells_dead: bool,
    ) -> AckReport {
        let mut seen = self.seen();
        let mut report = AckReport {
            acked: Vec::new(),
            failed,
        };
        for id in ids {
            match seen.state(id).cloned() {
                Some(State::Done) => report.acked.push(id.clone()),
                Some(State::Dead(reason)) if tells_dead => {
                    seen.forget(id);
                    report.failed.push(Failure {
                        id: id.clone(),
                        retry: false,
                        reason,
                    });
                }
                Some(State::InWork | State::Dead(_)) | None => {}
            }
        }
        report
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
