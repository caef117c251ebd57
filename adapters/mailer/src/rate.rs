//! Not more mails per minute than the mail server likes.

use std::{num::NonZeroU32, time::Duration};

use tokio::{sync::Mutex, time::Instant};

/// Lets a minute's worth pass at once, then one after the other at an even pace.
#[derive(Debug)]
pub struct Rate {
    interval: Duration,
    burst: Duration,
    /// When the next one would be due if all came evenly.
    next: Mutex<Instant>,
}

impl Rate {
    pub fn per_minute(count: NonZeroU32) -> Self {
        let minute = Duration::from_mins(1);
        Self {
            interval: minute / count.get(),
            burst: minute,
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for one's turn.
    pub async fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let now = Instant::now();
            let turn = (*next).max(now);
            *next = turn + self.interval;
            turn.checked_sub(self.burst).unwrap_or(now)
        };
        tokio::time::sleep_until(turn).await;
    }
}
