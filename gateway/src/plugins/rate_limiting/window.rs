use chrono::{DateTime, Datelike, NaiveDate, Utc};
use http::HeaderName;

use super::Limit;

/// A unit of time; windows are aligned to the calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

pub const PERIODS: [Period; 6] = [
    Period::Second,
    Period::Minute,
    Period::Hour,
    Period::Day,
    Period::Month,
    Period::Year,
];

impl Period {
    /// Nominal length in seconds, as the headers count it.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Month => 2_592_000,
            Self::Year => 31_536_000,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// `X-RateLimit-Limit-<Period>`, `X-RateLimit-Remaining-<Period>`.
    pub fn headers(self) -> (HeaderName, HeaderName) {
        let (limit, remaining) = match self {
            Self::Second => ("x-ratelimit-limit-second", "x-ratelimit-remaining-second"),
            Self::Minute => ("x-ratelimit-limit-minute", "x-ratelimit-remaining-minute"),
            Self::Hour => ("x-ratelimit-limit-hour", "x-ratelimit-remaining-hour"),
            Self::Day => ("x-ratelimit-limit-day", "x-ratelimit-remaining-day"),
            Self::Month => ("x-ratelimit-limit-month", "x-ratelimit-remaining-month"),
            Self::Year => ("x-ratelimit-limit-year", "x-ratelimit-remaining-year"),
        };
        (
            HeaderName::from_static(limit),
            HeaderName::from_static(remaining),
        )
    }
}

/// The windows that a moment falls into.
pub struct Windows {
    now: i64,
    starts: [i64; 6],
}

impl Windows {
    /// Only the windows of `limits` are computed.
    pub fn at(now: DateTime<Utc>, limits: &[Limit]) -> Self {
        let seconds = now.timestamp();
        let mut starts = [0; 6];
        for limit in limits {
            let start_of = |month: u32| {
                NaiveDate::from_ymd_opt(now.year(), month, 1)
                    .and_then(|date| date.and_hms_opt(0, 0, 0))
                    .map_or(0, |start| start.and_utc().timestamp())
            };
            starts[limit.period as usize] = match limit.period {
                Period::Month => start_of(now.month()),
                Period::Year => start_of(1),
                period => seconds - seconds.rem_euclid(period.seconds()),
            };
        }
        Self {
            now: seconds,
            starts,
        }
    }

    pub fn start(&self, period: Period) -> i64 {
        self.starts[period as usize]
    }

    pub fn now(&self) -> i64 {
        self.now
    }

    /// Seconds until the window ends, at least 1.
    pub fn reset(&self, period: Period) -> u64 {
        let rest = period.seconds() - (self.now - self.start(period));
        u64::try_from(rest).unwrap_or(1).max(1)
    }
}
