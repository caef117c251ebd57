//! Clocks of others beside ours. Tokens between services end after a minute, and five seconds are
//! forgiven.

use chrono::{DateTime, TimeDelta, Utc};
use service::clock;

use super::finding::Finding;

const FORGIVEN: TimeDelta = TimeDelta::seconds(5);
/// How exact the answers of others are.
const ODD: TimeDelta = TimeDelta::seconds(2);

/// By how much each of the others is ahead.
#[derive(Default)]
pub struct Clocks(Vec<(String, TimeDelta)>);

impl Clocks {
    /// Somebody has said what time it is.
    pub fn note(&mut self, whose: impl Into<String>, now: DateTime<Utc>) {
        self.0.push((whose.into(), now - clock::now()));
    }

    /// A date as HTTP writes it.
    pub fn note_date(&mut self, whose: &str, date: &str) {
        if let Ok(now) = DateTime::parse_from_rfc2822(date) {
            self.note(whose, now.to_utc());
        }
    }

    pub fn check(&self) -> Finding {
        const WHAT: &str = "clock";
        let worst = self.0.iter().max_by_key(|(_, ahead)| ahead.abs());
        let Some((whose, ahead)) = worst else {
            return Finding::good(WHAT, "there is no other one to compare it with");
        };
        let seconds = ahead.num_milliseconds().abs() / 1000;
        let side = if *ahead < TimeDelta::zero() {
            "behind"
        } else {
            "ahead"
        };
        let text = format!("{whose} is {seconds} s {side}");
        let advice = "let both be set by NTP (`timedatectl set-ntp true`)";
        if ahead.abs() > FORGIVEN {
            Finding::bad(WHAT, text, advice)
        } else if ahead.abs() > ODD {
            Finding::odd(WHAT, text, advice)
        } else {
            Finding::good(WHAT, format!("as that of {whose}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, *};

    #[test]
    fn the_clock_that_is_furthest_away_counts() {
        for (ahead, level) in [
            (0, Level::Good),
            (-4, Level::Odd),
            (60, Level::Bad),
            (-60, Level::Bad),
        ] {
            let mut clocks = Clocks::default();
            clocks.note("near", clock::now());
            clocks.note("far", clock::now() + TimeDelta::seconds(ahead));
            assert_eq!(clocks.check().level, level, "{ahead}");
        }
        assert_eq!(Clocks::default().check().level, Level::Good);
        let mut clocks = Clocks::default();
        clocks.note_date("old", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clocks.check().level, Level::Bad);
    }
}
