//! When a key begins and ends.

use chrono::{DateTime, TimeDelta, Utc};

/// How long one key signs.
const ROTATION: TimeDelta = TimeDelta::days(30);
/// How long before its first use a key is made and published.
const PREPARATION: TimeDelta = TimeDelta::days(1);
/// The promise to those who cache the key set.
const PUBLISHED_BEFORE_USE: TimeDelta = TimeDelta::minutes(15);
/// Longest life of a token, and leeway of whoever verifies it.
const LAST_TOKEN: TimeDelta = TimeDelta::minutes(65);

/// The life of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub active_from: DateTime<Utc>,
    pub active_until: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Life {
    fn starting(active_from: DateTime<Utc>) -> Self {
        Self::between(active_from, active_from + ROTATION)
    }

    /// The life of a key that signs during this time.
    pub fn between(active_from: DateTime<Utc>, active_until: DateTime<Utc>) -> Self {
        Self {
            active_from,
            active_until,
            expires_at: active_until + LAST_TOKEN,
        }
    }
}

/// The life of the key to make now, if one has to be made. `newest_end` is the end of the key
/// that signs last; it signs on until the new one begins.
pub fn next_key(newest_end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Life> {
    let Some(end) = newest_end.filter(|end| now < *end) else {
        // The first key, or the first after a long standstill: nobody else can sign, so it
        // begins at once.
        return Some(Life::starting(now));
    };
    if now < end - PREPARATION {
        return None;
    }
    Some(Life::starting(end.max(now + PUBLISHED_BEFORE_USE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hours * 3600, 0).unwrap()
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(next_key(None, at(0)).unwrap().active_from, at(0));
    }

    #[test]
    fn the_next_key_is_made_a_day_before_it_is_used() {
        let end = at(30 * 24);
        assert_eq!(next_key(Some(end), at(28 * 24)), None);
        let life = next_key(Some(end), at(29 * 24)).unwrap();
        assert_eq!(life.active_from, end);
        assert!(life.expires_at > life.active_until);
    }

    #[test]
    fn a_late_key_is_still_published_before_its_use() {
        let end = at(10);
        let now = end - TimeDelta::minutes(1);
        let life = next_key(Some(end), now).unwrap();
        assert_eq!(life.active_from, now + TimeDelta::minutes(15));
        assert_eq!(next_key(Some(end), at(11)).unwrap().active_from, at(11));
    }
}
