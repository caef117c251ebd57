//! How sending goes, for `/ping`.

use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};

#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether the mail server could not be used at the last try.
    pub is_failing: bool,
    /// What went wrong last.
    pub error: Option<String>,
    pub last_success: Option<DateTime<Utc>>,
}

impl Health {
    pub fn succeeded(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        // What was wrong with one mail stays to be read; what was wrong with the server is over.
        if state.is_failing {
            state.error = None;
        }
        state.is_failing = false;
        state.last_success = Some(now);
    }

    pub fn unreachable(&self, reason: &str) {
        let mut state = self.lock();
        state.is_failing = true;
        state.error = Some(reason.to_owned());
    }

    pub fn gave_up(&self, reason: &str) {
        self.lock().error = Some(reason.to_owned());
    }

    pub fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}
