//! When to try again (events-and-adapters B3).

use std::time::Duration;

use http::{HeaderMap, header};

const FLOOR: Duration = Duration::from_secs(1);
const BASE: Duration = Duration::from_secs(5);
/// Response-acknowledging listeners: up to an hour between tries.
const CAP_ACK: Duration = Duration::from_hours(1);
/// Old consumers rely on being woken up again soon.
const CAP_EXPLICIT: Duration = Duration::from_mins(1);
const MAX_RETRY_AFTER: u64 = 3600;

/// Delay before the next attempt after `attempts` failed ones: full jitter above a floor.
/// `jitter` is a number from 0 to 1.
pub fn after_failure(attempts: u32, explicit: bool, jitter: f64) -> Duration {
    let cap = if explicit { CAP_EXPLICIT } else { CAP_ACK };
    let step = BASE
        .saturating_mul(1 << attempts.saturating_sub(1).min(20))
        .min(cap);
    FLOOR + step.mul_f64(jitter)
}

/// Delay before an explicit listener is reminded of what it was told `attempts` times and has not
/// acknowledged: 10, 20, 40, then every 60 s.
pub fn reminder(attempts: u32) -> Duration {
    Duration::from_secs(10 << attempts.saturating_sub(1).min(3)).min(CAP_EXPLICIT)
}

/// What the listener asks for with `Retry-After`, up to an hour.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_the_cap_of_the_mode() {
        assert_eq!(after_failure(1, false, 1.0), Duration::from_secs(6));
        assert_eq!(after_failure(3, false, 1.0), Duration::from_secs(21));
        assert_eq!(after_failure(50, false, 1.0), Duration::from_secs(3601));
        assert_eq!(after_failure(50, true, 1.0), Duration::from_secs(61));
        assert_eq!(after_failure(9, true, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn reminders_come_after_10_20_40_and_60_seconds() {
        let seconds: Vec<_> = (1..6)
            .map(|attempts| reminder(attempts).as_secs())
            .collect();
        assert_eq!(seconds, [10, 20, 40, 60, 60]);
    }
}
