//! Whether callers are being served right now. Work that can wait gives way to them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Callers who come one after the other leave shorter gaps.
const GAP: Duration = Duration::from_millis(100);

/// When the last request came in.
pub struct Traffic {
    started: Instant,
    /// Milliseconds after `started`; 0 before the first request.
    last: AtomicU64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            last: AtomicU64::new(0),
        }
    }
}

impl Traffic {
    pub fn note(&self, now: Instant) {
        self.last.store(self.millis(now).max(1), Ordering::Relaxed);
    }

    pub fn is_flowing(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let gap = self.millis(Instant::now()).saturating_sub(last);
        last > 0 && u128::from(gap) < GAP.as_millis()
    }

    fn millis(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
