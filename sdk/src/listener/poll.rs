//! When no deliveries come: the queue at portal-api is the truth, so it is read now and then. That
//! helps where portal-api does not reach this listener, and finds out that it was forgotten.

use std::time::Duration;

use tokio::time::Instant;

use super::Receiver;
use crate::{
    Error,
    types::{Event, Mode},
};

/// Read at a time.
const PORTION: u32 = 100;
/// How long no delivery comes before the queue is read, where nothing else is said.
pub(super) const EVERY: Duration = Duration::from_secs(30);

impl Receiver {
    /// Reads the queue whenever no delivery has come for a while. Goes on until it is dropped.
    pub async fn poll(&self) {
        loop {
            let next = self.last_delivery() + self.poll_every();
            if next > Instant::now() {
                tokio::time::sleep_until(next).await;
                continue;
            }
            self.poll_once().await;
            tokio::time::sleep(self.poll_every()).await;
        }
    }

    async fn poll_once(&self) {
        let Some(registration) = self.registered() else {
            return;
        };
        match self.work_through_queue().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(
                "{count} events were found by reading the queue; does portal-api reach this \
                 listener at its address?"
            ),
            Err(error) if error.is_not_found() => {
                tracing::warn!(
                    "portal-api does not know this listener any more; registering again"
                );
                if let Err(error) = self.put_once(&registration).await {
                    tracing::warn!("registration of listener `{}`: {error}", self.id());
                }
            }
            Err(error) => tracing::debug!("the queue cannot be read: {error}"),
        }
    }

    /// Works until the queue is empty or nothing more gets done. Says how many were acknowledged.
    pub(super) async fn work_through_queue(&self) -> Result<usize, Error> {
        let mut all = 0;
        loop {
            let done = self.work_and_delete(self.queued().await?).await?;
            if done == 0 {
                return Ok(all);
            }
            all += done;
        }
    }

    async fn queued(&self) -> Result<Vec<Event>, Error> {
        let read = self.client().events(self.id(), Some(PORTION)).await;
        let result = if read.is_ok() { "ok" } else { "failed" };
        metrics::counter!(
            "wicketgate_queue_poll_total", "listener" => self.id().to_owned(), "result" => result
        )
        .increment(1);
        read
    }

    /// Handles events and acknowledges those that are done by a call.
    pub(super) async fn work_and_delete(&self, events: Vec<Event>) -> Result<usize, Error> {
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let failed = self.handle_in_turn(events).await;
        // In the mode that knows them, the next delivery carries them to the dead letters.
        let has_dead_letters = self.mode() == Mode::Ack;
        let report = self.report(&ids, failed, !has_dead_letters);
        let dead = report
            .failed
            .iter()
            .filter(|failure| !failure.retry)
            .map(|failure| &failure.id);
        let done: Vec<String> = report.acked.iter().chain(dead).cloned().collect();
        if done.is_empty() {
            return Ok(0);
        }
        let result = self.client().ack_events(self.id(), &done).await;
        self.count_acks(if result.is_ok() { "ok" } else { "failed" }, done.len());
        result.map(|()| done.len())
    }

    pub(super) fn count_acks(&self, result: &'static str, count: usize) {
        metrics::counter!(
            "wicketgate_ack_total", "listener" => self.id().to_owned(), "result" => result
        )
        .increment(count as u64);
    }
}
