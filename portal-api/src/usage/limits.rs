//! What a plan allows, and how much of it is used up (portal-api 29.3).

use chrono::{DateTime, Datelike, Months, TimeDelta, Timelike, Utc};
use config::plans::Plan;
use serde_json::Value;

/// A window in which calls are counted. The gateway counts in the same ones: they begin at full
/// minutes, hours and so on in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub name: &'static str,
    pub limit: u64,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// The windows that the rate limiting of a plan names. Seconds are left out: usage is known by the
/// minute.
pub fn windows(plan: &Plan, now: DateTime<Utc>) -> Vec<Window> {
    let plugins = plan
        .json
        .pointer("/config/plugins")
        .and_then(Value::as_array);
    let limiting = plugins.into_iter().flatten().filter(|plugin| {
        plugin.get("name").and_then(Value::as_str) == Some("rate-limiting")
            && plugin.get("enabled") != Some(&Value::Bool(false))
    });
    let limits = limiting.filter_map(|plugin| plugin.get("config"));
    limits.flat_map(|config| of_plugin(config, now)).collect()
}

fn of_plugin(config: &Value, now: DateTime<Utc>) -> Vec<Window> {
    ["minute", "hour", "day", "month", "year"]
        .into_iter()
        .filter_map(|name| {
            let limit = config.get(name)?;
            let limit = limit
                .as_u64()
                .or_else(|| limit.as_str()?.trim().parse().ok())?;
            let (from, to) = bounds(name, now)?;
            Some(Window {
                name,
                limit,
                from,
                to,
            })
        })
        .collect()
}

fn bounds(window: &str, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let minute = now.with_nanosecond(0)?.with_second(0)?;
    let hour = minute.with_minute(0)?;
    let day = hour.with_hour(0)?;
    let month = day.with_day(1)?;
    Some(match window {
        "minute" => (minute, minute + TimeDelta::minutes(1)),
        "hour" => (hour, hour + TimeDelta::hours(1)),
        "day" => (day, day + TimeDelta::days(1)),
        "month" => (month, month.checked_add_months(Months::new(1))?),
        _ => {
            let year = month.with_month(1)?;
            (year, year.checked_add_months(Months::new(12))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn windows_begin_at_full_units_of_the_calendar() {
        let now = "2026-02-28T13:45:30.5Z".parse().unwrap();
        let config =
            json!({"second": 5, "minute": 10, "hour": "100", "month": 1000, "policy": "local"});
        let windows = of_plugin(&config, now);
        let shown: Vec<_> = windows
            .iter()
            .map(|window| {
                (
                    window.name,
                    window.limit,
                    window.from.to_rfc3339(),
                    window.to.to_rfc3339(),
                )
            })
            .collect();
        let expected = [
            (
                "minute",
                10,
                "2026-02-28T13:45:00+00:00",
                "2026-02-28T13:46:00+00:00",
            ),
            (
                "hour",
                100,
                "2026-02-28T13:00:00+00:00",
                "2026-02-28T14:00:00+00:00",
            ),
            (
                "month",
                1000,
                "2026-02-01T00:00:00+00:00",
                "2026-03-01T00:00:00+00:00",
            ),
        ];
        assert_eq!(
            shown,
            expected.map(|(n, l, f, t)| (n, l, f.to_owned(), t.to_owned()))
        );
    }
}
