//! When to try again (events-and-adapters B3).

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, header};

/// Response-acknowledging listeners: up to an hour between tries.
const CAP_ACK: Duration = Duration::from_hours(1);
/// Old consumers rely on being woken up again soon.
const CAP_EXPLICIT: Duration = Duration::from_mins(1);
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
/// An event that was in so many failed requests goes alone, and a listener that failed so often is
/// sent single events, until one is accepted.
pub const PATIENCE: i32 = 3;

/// How fast everything goes. Tests are in more of a hurry than the world.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub floor: Duration,
    pub base: Duration,
    /// Before the first reminder of an explicit listener.
    pub reminder: Duration,
    /// How often due deliveries are looked for without a ring: when something was put off, and as
    /// the safety net for lost wake-ups.
    pub poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            floor: Duration::from_secs(1),
            base: Duration::from_secs(5),
            reminder: Duration::from_secs(10),
            poll: Duration::from_secs(1),
        }
    }
}

impl Pace {
    /// Delay before the next attempt after `attempts` failed ones: full jitter above a floor.
    /// `jitter` is a number from 0 to 1.
    pub fn after_failure(&self, attempts: u32, explicit: bool, jitter: f64) -> Duration {
        let cap = if explicit { CAP_EXPLICIT } else { CAP_ACK };
        let step = self
            .base
            .saturating_mul(1 << attempts.saturating_sub(1).min(20))
            .min(cap);
        self.floor + step.mul_f64(jitter)
    }

    /// Delay before an explicit listener is reminded of what it was told `attempts` times and has
    /// not acknowledged: 10, 20, 40, then every 60 s.
    pub fn reminder(&self, attempts: u32) -> Duration {
        let factor = 1 << attempts.saturating_sub(1).min(3);
        self.reminder.saturating_mul(factor).min(CAP_EXPLICIT)
    }
}

/// Which of the due events goes alone to a listener that failed `failures` times in a row.
pub const fn probe(failures: i32) -> Option<i32> {
    if failures >= PATIENCE {
        Some(failures - PATIENCE)
    } else {
        None
    }
}

/// What the listener asks for with `Retry-After`, in seconds or as a date, up to an hour.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wanted = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = DateTime::parse_from_rfc2822(text).ok()?;
        (date.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(wanted.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_the_cap_of_the_mode() {
        let pace = Pace::default();
        let after =
            |attempts, explicit, jitter| pace.after_failure(attempts, explicit, jitter).as_secs();
        assert_eq!(after(1, false, 1.0), 6);
        assert_eq!(after(3, false, 1.0), 21);
        assert_eq!(after(50, false, 1.0), 3601);
        assert_eq!(after(50, true, 1.0), 61);
        assert_eq!(after(9, true, 0.0), 1);
    }

    #[test]
    fn reminders_come_after_10_20_40_and_60_seconds() {
        let pace = Pace::default();
        let seconds: Vec<_> = (1..6)
            .map(|attempts| pace.reminder(attempts).as_secs())
            .collect();
        assert_eq!(seconds, [10, 20, 40, 60, 60]);
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_held_to_an_hour() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z")
            .unwrap()
            .to_utc();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("86400"), Some(3600));
        assert_eq!(read("Sat, 21 Nov 2026 08:00:30 GMT"), Some(30));
        assert_eq!(read("Sat, 21 Nov 2026 07:00:00 GMT"), Some(0));
        assert_eq!(read("soon"), None);
    }
}
