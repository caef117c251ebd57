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

/// The key that signs last, of those that are to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    pub active_until: DateTime<Utc>,
    /// Whether it is of the algorithm that is wanted.
    pub is_wanted: bool,
}

/// The life of the key to make now, if one has to be made. `last` signs on until the new one begins.
pub fn next_key(last: Option<Last>, now: DateTime<Utc>) -> Option<Life> {
    let Some(last) = last.filter(|last| now < last.active_until) else {
        // The first key, or the first after a long standstill: nobody else can sign, so it
        // begins at once.
        return Some(Life::starting(now));
    };
    let soonest = now + PUBLISHED_BEFORE_USE;
    if !last.is_wanted {
        return Some(Life::starting(soonest));
    }
    if now < last.active_until - PREPARATION {
        return None;
    }
    Some(Life::starting(last.active_until.max(soonest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hours * 3600, 0).unwrap()
    }

    fn until(end: DateTime<Utc>) -> Last {
        Last {
            active_until: end,
            is_wanted: true,
        }
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(next_key(None, at(0)).unwrap().active_from, at(0));
    }

    #[test]
    fn the_next_key_is_made_a_day_before_it_is_used() {
        let end = at(30 * 24);
        assert_eq!(next_key(Some(until(end)), at(28 * 24)), None);
        let life = next_key(Some(until(end)), at(29 * 24)).unwrap();
        assert_eq!(life.active_from, end);
        assert!(life.expires_at > life.active_until);
    }

    #[test]
    fn a_late_key_is_still_published_before_its_use() {
        let end = at(10);
        let now = end - TimeDelta::minutes(1);
        let life = next_key(Some(until(end)), now).unwrap();
        assert_eq!(life.active_from, now + TimeDelta::minutes(15));
        assert_eq!(
            next_key(Some(until(end)), at(11)).unwrap().active_from,
            at(11)
        );
    }

    #[test]
    fn a_key_of_another_algorithm_is_followed_at_once_but_not_without_notice() {
        let last = Last {
            active_until: at(30 * 24),
            is_wanted: false,
        };
        let life = next_key(Some(last), at(1)).unwrap();
        assert_eq!(life.active_from, at(1) + TimeDelta::minutes(15));
        // Nobody signs any more, so nobody has to wait.
        assert_eq!(
            next_key(Some(last), at(31 * 24)).unwrap().active_from,
            at(31 * 24)
        );
    }
}
