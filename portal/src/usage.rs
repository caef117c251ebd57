//! How APIs are used, as charts, tables and files; shared by the pages of applications, APIs and
//! the whole installation.

use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::usage::{Point, Series as Measured, Usage, UsageQuery};
use ui::{Html, Lang, format, texts};

use crate::{
    chart::{Bars, Lines, Series, decimal},
    csv::{Line, guarded},
};

/// The time a page is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    Hour,
    Day,
    Week,
    #[default]
    Month,
    Quarter,
}

impl Period {
    pub const ALL: [Self; 5] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
    ];

    /// The parameter `period`.
    pub fn parse(text: &str) -> Self {
        let known = Self::ALL.into_iter();
        known
            .into_iter()
            .find(|period| period.as_str() == text)
            .unwrap_or_default()
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    pub fn label(self, t: texts::Usage) -> &'static str {
        match self {
            Self::Hour => t.one_hour(),
            Self::Day => t.one_day(),
            Self::Week => t.one_week(),
            Self::Month => t.one_month(),
            Self::Quarter => t.one_quarter(),
        }
    }

    fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
            Self::Quarter => TimeDelta::days(90),
        }
    }

    fn step(self) -> Step {
        match self {
            Self::Hour => Step::Minute,
            Self::Day | Self::Week => Step::Hour,
            Self::Month | Self::Quarter => Step::Day,
        }
    }

    /// What portal-api is asked for it.
    pub fn query(self, by: &str, now: DateTime<Utc>) -> UsageQuery {
        UsageQuery {
            from: Some((now - self.length()).into()),
            to: None,
            step: Some(self.step().as_str().to_owned()),
            by: Some(by.to_owned()).filter(|by| !by.is_empty()),
        }
    }

    /// The beginnings of all steps, also of those in which nothing happened.
    fn moments(self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let seconds = self.step().seconds();
        let align = |at: DateTime<Utc>| at.timestamp().div_euclid(seconds) * seconds;
        let (first, last) = (align(now - self.length()), align(now));
        let count = (last - first) / seconds;
        (0..=count)
            .filter_map(|index| DateTime::from_timestamp(first + index * seconds, 0))
            .collect()
    }

    fn label_of(self, at: DateTime<Utc>, lang: Lang) -> String {
        match self.step() {
            Step::Minute => at.format("%H:%M").to_string(),
            Step::Hour if self == Self::Day => at.format("%H:%M").to_string(),
            Step::Hour => format!(
                "{} {}",
                format::day(lang, at.date_naive()),
                at.format("%H:%M")
            ),
            Step::Day => format::day(lang, at.date_naive()),
        }
    }
}

/// The width of one bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Minute,
    Hour,
    Day,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    fn title(self, t: texts::Usage) -> &'static str {
        match self {
            Self::Minute => t.calls_a_minute(),
            Self::Hour => t.calls_an_hour(),
            Self::Day => t.calls_a_day(),
        }
    }

    fn unit(self, t: texts::Usage) -> &'static str {
        match self {
            Self::Minute => t.minute(),
            Self::Hour => t.hour(),
            Self::Day => t.day(),
        }
    }
}

/// Calls by outcome, error rate and response times of one period.
pub struct Charts {
    pub calls: Html,
    pub errors: Html,
    pub times: Html,
    /// Whether anything was called at all.
    pub is_empty: bool,
}

impl Charts {
    /// `by_status` has the calls by class of status, `total` all of them with their times; `limit`
    /// is what a plan allows in one day, with its words.
    pub fn new(
        period: Period,
        by_status: &Usage,
        total: &Usage,
        limit: Option<(u64, String)>,
        lang: Lang,
        now: DateTime<Utc>,
    ) -> Self {
        let t = texts::Usage(lang);
        let moments = period.moments(now);
        let labels: Vec<String> = moments
            .iter()
            .map(|at| period.label_of(*at, lang))
            .collect();
        let points = |keep: &dyn Fn(&str) -> bool| -> Vec<u64> {
            let series = by_status.series.iter().filter(|series| keep(&series.key));
            let mut sums = vec![0; moments.len()];
            for point in series.flat_map(|series| &series.points) {
                if let Ok(index) = moments.binary_search(&point.at.0) {
                    sums[index] += point.calls;
                }
            }
            sums
        };
        let class = |name: &str, class, values| Series {
            name: name.to_owned(),
            class,
            values,
        };
        let calls = Bars {
            id: "calls",
            title: period.step().title(t).to_owned(),
            unit: period.step().unit(t),
            labels: labels.clone(),
            series: vec![
                class(
                    t.succeeded(),
                    "fill-1",
                    points(&|key| key != "4xx" && key != "5xx"),
                ),
                class(t.rejected(), "fill-wait", points(&|key| key == "4xx")),
                class(t.failed(), "fill-bad", points(&|key| key == "5xx")),
            ],
            limit: limit.filter(|_| period.step() == Step::Day),
            is_running: true,
        };
        let all: Vec<Option<&Point>> = {
            let mut found = vec![None; moments.len()];
            for point in total.series.iter().flat_map(|series| &series.points) {
                if let Ok(index) = moments.binary_search(&point.at.0) {
                    found[index] = Some(point);
                }
            }
            found
        };
        let values = |value: &dyn Fn(&Point) -> Option<f64>| -> Vec<Option<f64>> {
            all.iter().map(|point| value((*point)?)).collect()
        };
        let errors = Lines {
            id: "errors",
            title: t.error_rate().to_owned(),
            unit: period.step().unit(t),
            suffix: texts::Times(lang).percent(),
            labels: labels.clone(),
            series: vec![Series {
                name: t.error_rate().to_owned(),
                class: "line-bad",
                values: values(&|point| share(point.errors, point.calls)),
            }],
        };
        let times = Lines {
            id: "times",
            title: t.response_time().to_owned(),
            unit: period.step().unit(t),
            suffix: " ms",
            labels,
            series: vec![
                Series {
                    name: "p95".to_owned(),
                    class: "line-1",
                    values: values(&|point| point.p95),
                },
                Series {
                    name: "p50".to_owned(),
                    class: "line-2",
                    values: values(&|point| point.p50),
                },
            ],
        };
        Self {
            is_empty: all.iter().flatten().all(|point| point.calls == 0),
            calls: calls.html(lang),
            errors: errors.html(lang),
            times: times.html(lang),
        }
    }
}

/// How many in a hundred.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// A row of the table below: one operation, API, plan or application.
pub struct Row {
    pub key: String,
    pub calls: u64,
    pub calls_text: String,
    pub errors: String,
    /// The longest of the 95 % fastest in any step.
    pub p95: String,
}

/// The sums of each series, the most called first.
pub fn rows(usage: &Usage, lang: Lang) -> Vec<Row> {
    let mut rows: Vec<Row> = usage
        .series
        .iter()
        .map(|series| {
            let (calls, errors) = sums(series);
            let p95 = series.points.iter().filter_map(|point| point.p95);
            Row {
                key: series.key.clone(),
                calls,
                calls_text: format::number(lang, calls),
                errors: share(errors, calls).map_or_else(
                    || "–".to_owned(),
                    |rate| decimal(lang, rate) + texts::Times(lang).percent(),
                ),
                p95: p95.reduce(f64::max).map_or_else(
                    || "–".to_owned(),
                    |time| format!("{} ms", decimal(lang, time)),
                ),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.key.cmp(&b.key)));
    rows
}

fn sums(series: &Measured) -> (u64, u64) {
    series.points.iter().fold((0, 0), |(calls, errors), point| {
        (calls + point.calls, errors + point.errors)
    })
}

/// Every point as a line of a file, the head first.
pub fn lines(usage: &Usage) -> Vec<Line> {
    let head = ["key", "time", "calls", "errors", "p50_ms", "p95_ms"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let time = |value: Option<f64>| value.map(|ms| format!("{ms}")).unwrap_or_default();
    for series in &usage.series {
        for point in &series.points {
            lines.push(vec![
                guarded(&series.key),
                point.at.0.format("%Y-%m-%d %H:%M:%S").to_string(),
                point.calls.to_string(),
                point.errors.to_string(),
                time(point.p50),
                time(point.p95),
            ]);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_has_a_bar_for_each_step_whatever_happened() {
        let now = at("2026-11-22T03:20:10Z");
        for (period, count) in [
            (Period::Hour, 61),
            (Period::Day, 25),
            (Period::Month, 31),
            (Period::Quarter, 91),
        ] {
            let moments = period.moments(now);
            assert_eq!(moments.len(), count, "{period:?}");
            assert!(*moments.last().unwrap() <= now);
        }
        assert_eq!(Period::parse("7d"), Period::Week);
        assert_eq!(Period::parse("x"), Period::Month);
    }

    #[test]
    fn outcomes_are_told_apart_and_added_up() {
        let now = at("2026-11-22T03:20:10Z");
        let point = |calls, errors| Point {
            at: at("2026-11-21T00:00:00Z").into(),
            calls,
            errors,
            p50: Some(12.0),
            p95: Some(40.0),
        };
        let usage = |series: Vec<(&str, Point)>| Usage {
            step: "1d".to_owned(),
            series: series
                .into_iter()
                .map(|(key, point)| Measured {
                    key: key.to_owned(),
                    points: vec![point],
                })
                .collect(),
        };
        let by_status = usage(vec![
            ("2xx", point(900, 0)),
            ("4xx", point(60, 60)),
            ("5xx", point(40, 40)),
        ]);
        let total = usage(vec![("", point(1000, 100))]);
        let charts = Charts::new(Period::Month, &by_status, &total, None, Lang::EN, now);
        assert!(!charts.is_empty);
        let calls = charts.calls.to_string();
        for text in ["900", "60", "40", "1,000", "21 Nov"] {
            assert!(calls.contains(text), "{text} in {calls}");
        }
        assert!(charts.errors.to_string().contains("10%"));
        let rows = rows(&by_status, Lang::DE);
        assert_eq!(rows[0].key, "2xx");
        assert_eq!(rows[1].errors, "100 %");
        assert_eq!(lines(&total)[1][2], "1000");
    }
}
