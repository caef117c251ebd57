//! How a target does, for operators.

use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::Serialize;

#[derive(Debug, Default)]
pub struct Status(Mutex<State>);

/// A copy of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Messages that wait.
    pub waiting: usize,
    /// Messages given up since the start.
    pub failed: u64,
    /// The hook does not exist any more; nothing is posted until the configuration changes.
    pub gone: bool,
    /// Whether the last try failed.
    pub failing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<DateTime<Utc>>,
}

impl Status {
    pub fn queued(&self, count: usize) {
        self.lock().waiting += count;
        metrics::gauge!("wicketgate_chat_queue").increment(float(count));
    }

    /// That many messages have their end.
    pub fn ended(&self, count: usize, has_failed: bool) {
        let mut state = self.lock();
        state.waiting = state.waiting.saturating_sub(count);
        if has_failed {
            state.failed += count as u64;
        }
        metrics::gauge!("wicketgate_chat_queue").decrement(float(count));
    }

    pub fn succeeded(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.failing = false;
        state.last_success = Some(now);
    }

    pub fn failing(&self, reason: &str) {
        let mut state = self.lock();
        state.failing = true;
        state.last_error = Some(reason.to_owned());
    }

    pub fn gone(&self, reason: &str) {
        let mut state = self.lock();
        state.gone = true;
        state.failing = false;
        state.last_error = Some(reason.to_owned());
    }

    /// The target is no more, and with it what waited in memory.
    pub fn leave(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        metrics::gauge!("wicketgate_chat_queue").decrement(float(waiting));
    }

    pub fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

#[expect(clippy::cast_precision_loss, reason = "queues are shorter than 2^52")]
const fn float(count: usize) -> f64 {
    count as f64
}
