//! What somebody asks about usage (portal-api 29.3).

use chrono::{DateTime, TimeDelta, Utc};

use crate::{ApiError, paging::Parameters};

/// The width of one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Minute,
    Hour,
    Day,
}

impl Step {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }

    /// The longest time that is answered in this step.
    const fn longest(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::hours(24),
            Self::Hour => TimeDelta::days(90),
            Self::Day => TimeDelta::days(3660),
        }
    }
}

/// By what the calls are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Nothing,
    Status,
    Operation,
    Credential,
    Plan,
    Api,
    Application,
}

impl By {
    fn parse(text: &str, wide: bool) -> Option<Self> {
        Some(match text {
            "" => Self::Nothing,
            "status" => Self::Status,
            "operation" => Self::Operation,
            "credential" => Self::Credential,
            "plan" if wide => Self::Plan,
            "api" if wide => Self::Api,
            "application" if wide => Self::Application,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Unix seconds, on a boundary of the step.
    pub from: i64,
    pub to: i64,
    pub step: Step,
    pub by: By,
}

impl Query {
    /// Reads the parameters. Without `from` and `to` it is the last day; without a step the finest
    /// one that is kept for so long. `wide`: also over plans, APIs and applications.
    pub fn read(parameters: &Parameters, wide: bool, now: DateTime<Utc>) -> Result<Self, ApiError> {
        // The end is exclusive; without one the second that runs now is included.
        let to = moment(parameters, "to")?.unwrap_or(now + TimeDelta::seconds(1));
        let from = moment(parameters, "from")?.unwrap_or(to - TimeDelta::hours(24));
        let length = to.signed_duration_since(from);
        if length <= TimeDelta::zero() {
            return Err(ApiError::invalid(
                "from",
                "order",
                "`from` has to lie before `to`.",
            ));
        }
        let steps = [Step::Minute, Step::Hour, Step::Day];
        let step = match parameters.get("step") {
            None | Some("") => steps.into_iter().find(|step| length <= step.longest()),
            Some(text) => {
                let known = steps.into_iter().find(|step| step.as_str() == text);
                let known = known.ok_or_else(|| {
                    ApiError::invalid("step", "choice", "`step` has to be `1m`, `1h` or `1d`.")
                })?;
                Some(known).filter(|step| length <= step.longest())
            }
        };
        let step = step.ok_or_else(|| {
            ApiError::invalid(
                "step",
                "range",
                "The time is too long for this `step`; take a wider one.",
            )
        })?;
        let by = By::parse(parameters.get("by").unwrap_or_default(), wide).ok_or_else(|| {
            let more = if wide {
                ", `plan`, `api`, `application`"
            } else {
                ""
            };
            let message = format!("`by` has to be `status`, `operation` or `credential`{more}.");
            ApiError::invalid("by", "choice", message)
        })?;
        let width = step.seconds();
        Ok(Self {
            from: from.timestamp() - from.timestamp().rem_euclid(width),
            to: to.timestamp() + (-to.timestamp()).rem_euclid(width),
            step,
            by,
        })
    }
}

/// An ISO time stamp, or a date alone for its beginning.
fn moment(parameters: &Parameters, name: &'static str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = parameters.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // A `+` of a time zone that was not escaped arrives as a blank.
    let text = text.replace(' ', "+");
    let date = || {
        text.parse::<chrono::NaiveDate>()
            .ok()?
            .and_hms_opt(0, 0, 0)
            .map(|at| at.and_utc())
    };
    let moment = DateTime::parse_from_rfc3339(&text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(date);
    // Keeps the arithmetic on it within range.
    let within = moment.filter(|at| (0..=253_402_300_799).contains(&at.timestamp()));
    within.map(Some).ok_or_else(|| {
        ApiError::invalid(
            name,
            "time",
            format!("`{name}` has to be a time such as 2026-01-31T00:00:00Z."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query, ApiError> {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        Query::read(&Parameters::parse(query), false, now)
    }

    #[test]
    fn the_last_day_in_minutes_is_what_is_asked_for_by_default() {
        let query = read("").unwrap();
        assert_eq!((query.step, query.by), (Step::Minute, By::Nothing));
        assert!(query.from <= 1_000_000 - 86_400 && query.to >= 1_000_000);
        assert_eq!((query.from % 60, query.to % 60), (0, 0));
    }

    #[test]
    fn the_minute_that_begins_now_is_part_of_the_last_day() {
        let now = DateTime::from_timestamp(1_000_020, 0).unwrap();
        assert_eq!(now.timestamp() % 60, 0);
        let query = Query::read(&Parameters::default(), false, now).unwrap();
        assert!(query.to > now.timestamp(), "{query:?}");
    }

    #[test]
    fn a_long_time_is_answered_in_wide_steps() {
        assert_eq!(
            read("from=1970-01-05&to=1970-01-10").unwrap().step,
            Step::Hour
        );
        assert_eq!(
            read("from=1970-01-05&to=1971-01-10").unwrap().step,
            Step::Day
        );
        assert!(read("from=1970-01-05&to=1971-01-10&step=1m").is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for query in [
            "from=x",
            "step=2m",
            "by=color",
            "by=plan",
            "from=2020-01-02&to=2020-01-01",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
