//! Whether this process can do its own work, and if not, what it waits for.

use std::sync::{
    Arc, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::{sync::Notify, time::Instant};

/// What `/readyz` reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Cannot work yet; the text says what is missing.
    Waiting(String),
    Ready,
}

/// A shared flag with a reason. It means "own work done", never "my neighbour is ready":
/// services that wait for each other's readiness would flap in a ring.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: RwLock<State>,
    stopping: AtomicBool,
    changed: Notify,
    started: Instant,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            state: RwLock::new(State::Waiting("starting".to_owned())),
            stopping: AtomicBool::new(false),
            changed: Notify::new(),
            started: Instant::now(),
        }))
    }

    pub fn ready(&self) {
        self.set(State::Ready);
    }

    /// Says what the process waits for; logged when the reason changes.
    pub fn waiting(&self, reason: impl Into<String>) {
        self.set(State::Waiting(reason.into()));
    }

    /// It still works, and shall get nothing new. Nothing makes it ready again.
    pub fn stopping(&self) {
        self.waiting("its end");
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    pub fn state(&self) -> State {
        self.0
            .state
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    pub fn is_ready(&self) -> bool {
        self.state() == State::Ready
    }

    /// Completes as soon as the process is ready.
    pub async fn until_ready(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.is_ready() {
                return;
            }
            changed.await;
        }
    }

    /// Seconds since the process (or this part of it) started.
    pub fn uptime_seconds(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    fn set(&self, state: State) {
        let mut current = self.0.state.write().expect("no holder of this lock panics");
        if *current != state && !self.0.stopping.load(Ordering::Relaxed) {
            match &state {
                State::Ready => tracing::debug!("ready"),
                State::Waiting(reason) => tracing::info!("waiting: {reason}"),
            }
            *current = state;
            self.0.changed.notify_waiters();
        }
    }
}
