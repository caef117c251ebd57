//! The outcomes of one delivery: collecting them, and waiting for what is not finished.

use tokio::{task::JoinSet, time::Instant};

use super::{Outcome, Receiver, seen::State};
use crate::types::listeners::Failure;

/// The outcomes of a delivery in work.
pub(super) struct Work {
    receiver: Receiver,
    unfinished: JoinSet<Option<Failure>>,
    failures: Vec<Failure>,
}

impl Work {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            unfinished: JoinSet::new(),
            failures: Vec::new(),
        }
    }

    /// Takes down an outcome, or starts to wait for it.
    pub(super) fn settle(&mut self, id: &str, outcome: Outcome) {
        if let Outcome::When(rest) = outcome {
            let (receiver, id) = (self.receiver.clone(), id.to_owned());
            self.unfinished.spawn(async move {
                // A task of its own, so that a panic becomes an outcome like any other.
                let outcome = tokio::spawn(rest).await.unwrap_or_else(|_| no_outcome());
                remember(&receiver, &id, outcome)
            });
            return;
        }
        self.failures.extend(remember(&self.receiver, id, outcome));
    }

    /// Waits for unfinished work until the time is over, then lets it go on alone.
    pub(super) async fn finish(mut self, deadline: Instant) -> Vec<Failure> {
        while let Ok(Some(finished)) =
            tokio::time::timeout_at(deadline, self.unfinished.join_next()).await
        {
            self.failures.extend(finished.ok().flatten());
        }
        self.unfinished.detach_all();
        self.failures
    }
}

/// Keeps what became of an event. Only failures that may be tried again are answered from here.
fn remember(receiver: &Receiver, id: &str, outcome: Outcome) -> Option<Failure> {
    let labels = [
        ("listener", receiver.id().to_owned()),
        ("result", outcome.label().to_owned()),
    ];
    metrics::counter!("wicketgate_events_handled_total", &labels).increment(1);
    let mut seen = receiver.seen();
    match outcome {
        Outcome::Done => seen.set(id, State::Done),
        Outcome::Dead(reason) => {
            tracing::error!(event.id = %id, "event given up: {reason}");
            seen.set(id, State::Dead(reason));
        }
        Outcome::Retry(reason) => {
            tracing::warn!(event.id = %id, "event shall come again: {reason}");
            seen.forget(id);
            return Some(Failure {
                id: id.to_owned(),
                retry: true,
                reason,
            });
        }
        Outcome::When(_) => {
            seen.forget(id);
            return Some(Failure {
                id: id.to_owned(),
                retry: true,
                reason: "still not finished".to_owned(),
            });
        }
    }
    None
}

/// For handlers that panicked or answered too little.
pub(super) fn no_outcome() -> Outcome {
    Outcome::Retry("the handler gave no outcome".to_owned())
}
