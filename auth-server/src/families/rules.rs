//! What a presented refresh token means.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after its replacement a token may be repeated once (Part 4): the answer was lost, or
/// two requests of one client ran side by side.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// A refresh token as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    pub generation: i64,
    /// The youngest generation of its family.
    pub newest: i64,
    pub replaced_at: Option<DateTime<Utc>>,
    pub repeated_at: Option<DateTime<Utc>>,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The current token: replace it.
    Rotate,
    /// The one just replaced, within the grace time: its replacement is given once more.
    Repeat,
    /// Stolen, by whom is unknown: end the family.
    Reused,
}

impl Presented {
    pub fn verdict(self, now: DateTime<Utc>) -> Verdict {
        let Some(replaced_at) = self.replaced_at else {
            return Verdict::Rotate;
        };
        let just_replaced = self.newest == self.generation + 1 && now - replaced_at <= GRACE;
        if just_replaced && self.repeated_at.is_none() {
            Verdict::Repeat
        } else {
            Verdict::Reused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_just_replaced_may_be_repeated_and_only_once() {
        let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
        let current = Presented {
            generation: 4,
            newest: 4,
            replaced_at: None,
            repeated_at: None,
        };
        let replaced = Presented {
            newest: 5,
            replaced_at: Some(at(0)),
            ..current
        };
        let repeated = Presented {
            repeated_at: Some(at(1)),
            ..replaced
        };
        let older = Presented {
            newest: 6,
            ..replaced
        };
        let cases = [
            (current, 0, Verdict::Rotate),
            (replaced, 30, Verdict::Repeat),
            (replaced, 31, Verdict::Reused),
            (repeated, 2, Verdict::Reused),
            (older, 2, Verdict::Reused),
        ];
        for (presented, second, expected) in cases {
            assert_eq!(
                presented.verdict(at(second)),
                expected,
                "{presented:?} after {second} s"
            );
        }
    }
}
