//! When a mail that did not leave is tried again.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The pauses after the first tries; the last one is repeated.
#[derive(Clone, Debug)]
pub struct Schedule(Vec<Duration>);

impl Default for Schedule {
    /// 1, 5, 15 and 60 minutes, then hourly.
    fn default() -> Self {
        Self([1, 5, 15, 60].map(Duration::from_mins).to_vec())
    }
}

impl Schedule {
    pub fn new(pauses: Vec<Duration>) -> Self {
        Self(pauses)
    }

    /// When the next try after `attempts` failed ones is, or nothing when it would come too late.
    /// `random` is a number from 0 to 1: mails that failed together do not all come back at once.
    pub fn next(
        &self,
        attempts: u32,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        random: f64,
    ) -> Option<DateTime<Utc>> {
        let index = usize::try_from(attempts).unwrap_or(usize::MAX);
        let pause = self.0.get(index).or(self.0.last()).copied()?;
        let next = now + pause.mul_f64(1.0 + 0.2 * random);
        if next < expires_at {
            return Some(next);
        }
        // One last try while the receiver can still make use of it.
        let last = expires_at - pause.min(Duration::from_mins(10));
        (last > now + pause.min(Duration::from_mins(1))).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes after the event at which a mail is tried that never gets through.
    fn tries(lifetime: i64) -> Vec<i64> {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let end = start + chrono::TimeDelta::minutes(lifetime);
        let schedule = Schedule::default();
        let (mut now, mut minutes) = (start, vec![0]);
        while let Some(next) =
            schedule.next(u32::try_from(minutes.len()).unwrap() - 1, now, end, 0.0)
        {
            now = next;
            minutes.push((now - start).num_minutes());
        }
        minutes
    }

    #[test]
    fn pauses_grow_to_an_hour_and_end_with_the_sense_of_the_mail() {
        assert_eq!(tries(60), [0, 1, 6, 21, 50]);
        let two_days = tries(48 * 60);
        assert_eq!(two_days[..6], [0, 1, 6, 21, 81, 141]);
        assert!(*two_days.last().unwrap() < 48 * 60);
        assert!(two_days.len() > 45);
    }
}
