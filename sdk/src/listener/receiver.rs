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

/// Read at a time from the queue when deliveries are not signed.
const PORTION: u32 = 100;

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
}

impl Receiver {
    pub(super) fn new(
        registration: ListenerRegistration,
        client: Client,
        secrets: Secrets,
        handler: Arc<Handler>,
        patience: Option<Duration>,
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
        let client = self.0.client.clone().with_patience(Duration::ZERO);
        let mut backoff = Backoff::for_start();
        loop {
            let Err(error) = client.put_listener(registration).await else {
                return true;
            };
            readiness.waiting(format!("registration of listener `{}`: {error}", self.id()));
            tokio::select! {
                () = backoff.wait() => {}
                () = shutdown.cancelled() => return false,
            }
        }
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
        self.0.seen.lock().expect("no holder of this lock panics")
    }

    /// Handles the new ones among `events` and reports about all that are finished.
    ///
    /// The work goes on when the sender hangs up: half a mail is worse than a late report.
    pub(super) async fn work(&self, events: Vec<Event>) -> AckReport {
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        // While an earlier delivery is in work, this one only learns what is finished already.
        let Ok(turn) = self.0.turn.clone().try_lock_owned() else {
            return self.report(&ids, Vec::new());
        };
        let receiver = self.clone();
        let correlation = CorrelationId(current_correlation_id().unwrap_or_default());
        let work = async move {
            let failures = receiver.handle(events).await;
            drop(turn);
            failures
        };
        let failures = tokio::spawn(with_correlation_id(correlation, work)).await;
        self.report(&ids, failures.unwrap_or_default())
    }

    /// The compatible mode: what is done is acknowledged, all at once.
    pub(super) async fn work_and_delete(&self, events: Vec<Event>) -> Result<(), Error> {
        let report = self.work(events).await;
        let dead = report
            .failed
            .iter()
            .filter(|failure| !failure.retry)
            .map(|failure| &failure.id);
        let done: Vec<String> = report.acked.iter().chain(dead).cloned().collect();
        if done.is_empty() {
            return Ok(());
        }
        let result = self.0.client.ack_events(self.id(), &done).await;
        self.count_acked(done.len(), result.is_ok());
        result
    }

    pub(super) fn count_acked(&self, events: usize, is_ok: bool) {
        let result = if is_ok { "ok" } else { "failed" };
        metrics::counter!("wicketgate_ack_total", "listener" => self.id().to_owned(), "result" => result)
            .increment(events as u64);
    }

    /// For unsigned deliveries: works until the queue is empty or nothing more gets done.
    pub(super) async fn work_through_queue(&self) -> Result<(), Error> {
        loop {
            metrics::counter!("wicketgate_queue_poll_total", "listener" => self.id().to_owned())
                .increment(1);
            let events = self.0.client.events(self.id(), Some(PORTION)).await?;
            let finished = self.work(events.clone()).await;
            let progress = !finished.acked.is_empty();
            self.work_and_delete(events).await?;
            if !progress {
                return Ok(());
            }
        }
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

    fn report(&self, ids: &[String], failed: Vec<Failure>) -> AckReport {
        let mut seen = self.seen();
        let mut report = AckReport {
            acked: Vec::new(),
            failed,
        };
        for id in ids {
            match seen.state(id).cloned() {
                Some(State::Done) => report.acked.push(id.clone()),
                Some(State::Dead(reason)) => {
                    seen.forget(id);
                    report.failed.push(Failure {
                        id: id.clone(),
                        retry: false,
                        reason,
                    });
                }
                Some(State::InWork) | None => {}
            }
        }
        report
    }
}
