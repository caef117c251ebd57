//! Waiting times between tries.

use std::time::Duration;

/// Doubling waiting times with jitter, from `first` up to `max`.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { next: first, max }
    }

    /// How start-up waits for a neighbour: 10 ms doubling to 2 s (architecture, decision 11).
    pub const fn for_start() -> Self {
        Self::new(Duration::from_millis(10), Duration::from_secs(2))
    }

    /// The next waiting time: between half of the step and the whole of it, so that many waiters
    /// do not come back at once.
    pub fn next_delay(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.max);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Sleeps for the next waiting time.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_delay()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_double_up_to_the_maximum() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40));
        for step in [10, 20, 40, 40, 40] {
            let delay = backoff.next_delay();
            assert!(delay >= Duration::from_millis(step / 2));
            assert!(delay <= Duration::from_millis(step));
        }
    }
}
