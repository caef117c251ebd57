//! Adding stored minutes up to series of points.

use std::collections::BTreeMap;

use chrono::DateTime;
use sdk::types::usage::{Point, Series, Usage};

use super::{histogram, query::Query, row::minute};

#[derive(Default)]
struct Sum {
    calls: u64,
    errors: u64,
    histogram: Vec<u64>,
}

/// Series in the making. Holds one sum per key and point that has calls, not the rows.
pub struct Sums {
    query: Query,
    sums: BTreeMap<String, BTreeMap<i64, Sum>>,
}

impl Sums {
    pub const fn new(query: Query) -> Self {
        Self {
            query,
            sums: BTreeMap::new(),
        }
    }

    /// Adds a stored minute to the series `key`.
    pub fn add(&mut self, key: String, row: &minute::Model) {
        let width = self.query.step.seconds();
        let at = row.minute - row.minute.rem_euclid(width);
        let sum = self.sums.entry(key).or_default().entry(at).or_default();
        sum.calls += u64::try_from(row.calls).unwrap_or_default();
        sum.errors += u64::try_from(row.errors).unwrap_or_default();
        histogram::add(&mut sum.histogram, &row.histogram.0);
    }

    pub fn finish(self) -> Usage {
        let points =
            |sums: BTreeMap<i64, Sum>| sums.into_iter().filter_map(|(at, sum)| point(at, &sum));
        let series = self.sums.into_iter().map(|(key, sums)| Series {
            key,
            points: points(sums).collect(),
        });
        Usage {
            step: self.query.step.as_str().to_owned(),
            series: series.collect(),
        }
    }
}

fn point(at: i64, sum: &Sum) -> Option<Point> {
    Some(Point {
        at: DateTime::from_timestamp(at, 0)?.into(),
        calls: sum.calls,
        errors: sum.errors,
        p50: histogram::percentile(&sum.histogram, 0.5),
        p95: histogram::percentile(&sum.histogram, 0.95),
    })
}

/// One line per point, for spreadsheets.
pub fn csv(usage: &Usage) -> String {
    let mut text = "key,at,calls,errors,p50,p95\r\n".to_owned();
    for series in &usage.series {
        for point in &series.points {
            let number =
                |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            let cells = [
                quoted(&series.key),
                point.at.to_string(),
                point.calls.to_string(),
                point.errors.to_string(),
                number(point.p50),
                number(point.p95),
            ];
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

/// A text cell. What a spreadsheet would take for a formula is made a text.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::query::{By, Step};

    #[test]
    fn minutes_add_up_to_the_points_of_the_step() {
        let query = Query {
            from: 0,
            to: 7200,
            step: Step::Hour,
            by: By::Nothing,
        };
        let mut series = Sums::new(query);
        for minute in [0, 60, 3600] {
            let row = minute::Model {
                subscription_id: "s".to_owned(),
                minute,
                credential_id: String::new(),
                operation: String::new(),
                status: "2xx".to_owned(),
                calls: 2,
                errors: 1,
                request_bytes: 0,
                response_bytes: 0,
                histogram: minute::Counts(vec![2]),
            };
            series.add("all".to_owned(), &row);
        }
        let usage = series.finish();
        let calls: Vec<_> = usage.series[0]
            .points
            .iter()
            .map(|point| point.calls)
            .collect();
        assert_eq!(calls, [4, 2]);
        assert!(
            csv(&usage)
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("\"all\",1970-01-01T00:00:00.000Z,4,2,")
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("GET \"x\""), "\"GET \"\"x\"\"\"");
    }
}
