//! Charts as SVG, with their numbers as a table below. The picture holds no text, so that it can be
//! stretched to any width; labels are HTML around it.

use std::fmt::Write as _;

use askama::Template;
use ui::{Html, Icon, Lang, format, texts};

/// Labels below a chart.
const MAX_LABELS: usize = 5;
/// Width of one bar with the gap after it, in units of the picture.
const STEP: f64 = 10.0;
const GAP: f64 = 2.0;
const HEIGHT: f64 = 100.0;

/// Values of one kind.
#[derive(Clone, Debug)]
pub struct Series<V> {
    pub name: String,
    /// Class that colours it.
    pub class: &'static str,
    pub values: Vec<V>,
}

/// Counts over time, stacked.
#[derive(Clone, Debug)]
pub struct Bars {
    /// Unique on the page.
    pub id: &'static str,
    pub title: String,
    /// What one bar stands for.
    pub unit: &'static str,
    pub labels: Vec<String>,
    /// The first one at the bottom.
    pub series: Vec<Series<u64>>,
    /// A line across, and what it says.
    pub limit: Option<(u64, String)>,
    /// The last bar is still growing.
    pub is_running: bool,
}

/// Measured values over time.
#[derive(Clone, Debug)]
pub struct Lines {
    pub id: &'static str,
    pub title: String,
    pub unit: &'static str,
    /// Behind each number, such as `ms`.
    pub suffix: &'static str,
    pub labels: Vec<String>,
    pub series: Vec<Series<Option<f64>>>,
}

#[derive(Template)]
#[template(path = "chart/chart.html")]
struct Chart {
    t: texts::Usage,
    id: &'static str,
    title: String,
    unit: &'static str,
    /// Class, name and total.
    legend: Vec<(&'static str, String, String)>,
    limit: Option<String>,
    /// What the picture says, in one sentence.
    sentence: String,
    ticks: Vec<String>,
    labels: Vec<String>,
    picture: Html,
    /// Label and numbers.
    rows: Vec<(String, Vec<String>)>,
}

impl Bars {
    pub fn html(&self, lang: Lang) -> Html {
        let number = |value| format::number(lang, value);
        let count = self.labels.len();
        let sums: Vec<u64> = (0..count)
            .map(|index| {
                self.series
                    .iter()
                    .filter_map(|one| one.values.get(index))
                    .sum()
            })
            .collect();
        let highest = sums.iter().copied().max().unwrap_or_default();
        let limit = self.limit.as_ref().map_or(0, |(limit, _)| *limit);
        let (step, ticks) = scale(highest.max(limit));
        let top = step * ticks;
        let t = texts::Usage(lang);
        Html::of(&Chart {
            t,
            id: self.id,
            title: self.title.clone(),
            unit: self.unit,
            legend: self
                .series
                .iter()
                .map(|one| (one.class, one.name.clone(), number(one.values.iter().sum())))
                .collect(),
            limit: self.limit.as_ref().map(|(_, text)| text.clone()),
            sentence: match sums.iter().position(|sum| *sum == highest) {
                Some(index) if highest > 0 => t.highest(number(highest), &self.labels[index]),
                _ => t.no_values().to_owned(),
            },
            ticks: (0..=ticks)
                .rev()
                .map(|tick| short(lang, tick * step))
                .collect(),
            labels: some(&self.labels),
            picture: self.picture(top, ticks),
            rows: (0..count)
                .map(|index| {
                    let values = self.series.iter();
                    let value = |one: &Series<u64>| {
                        number(one.values.get(index).copied().unwrap_or_default())
                    };
                    (self.labels[index].clone(), values.map(value).collect())
                })
                .collect(),
        })
    }

    fn picture(&self, top: u64, ticks: u64) -> Html {
        let count = self.labels.len().max(1);
        let width = STEP * units(count as u64);
        let mut svg = grid(width, ticks);
        for index in 0..self.labels.len() {
            let mut base = HEIGHT;
            let running = self.is_running && index + 1 == self.labels.len();
            for one in &self.series {
                let value = one.values.get(index).copied().unwrap_or_default();
                if value == 0 {
                    continue;
                }
                let height = HEIGHT * units(value) / units(top);
                base -= height;
                let _ = write!(
                    svg,
                    r#"<rect class="{}{}" x="{:.1}" y="{base:.2}" width="{:.1}" height="{height:.2}"/>"#,
                    one.class,
                    if running { " running" } else { "" },
                    STEP * units(index as u64) + GAP / 2.0,
                    STEP - GAP,
                );
            }
        }
        if let Some((limit, _)) = self.limit {
            let y = HEIGHT - HEIGHT * units(limit) / units(top);
            let _ = write!(
                svg,
                r#"<line class="limit" x1="0" x2="{width}" y1="{y:.2}" y2="{y:.2}"/>"#
            );
        }
        frame(width, &svg)
    }
}

impl Lines {
    pub fn html(&self, lang: Lang) -> Html {
        let all = || {
            self.series
                .iter()
                .flat_map(|one| one.values.iter().flatten())
        };
        let highest = all().copied().fold(0.0, f64::max);
        let (step, ticks) = fine_scale(highest);
        let top = step * units(ticks);
        let shown = |value: f64| format!("{}{}", decimal(lang, value), self.suffix);
        let t = texts::Usage(lang);
        let at_highest = self.series.iter().find_map(|one| {
            let index = one
                .values
                .iter()
                .position(|value| *value == Some(highest))?;
            self.labels.get(index)
        });
        Html::of(&Chart {
            t,
            id: self.id,
            title: self.title.clone(),
            unit: self.unit,
            legend: self
                .series
                .iter()
                .map(|one| {
                    let last = one.values.iter().rev().flatten().next();
                    let text = last.map_or_else(|| "–".to_owned(), |value| shown(*value));
                    (one.class, one.name.clone(), text)
                })
                .collect(),
            limit: None,
            sentence: match at_highest {
                Some(label) if highest > 0.0 => t.highest(shown(highest), label),
                _ => t.no_values().to_owned(),
            },
            ticks: (0..=ticks)
                .rev()
                .map(|tick| shown(step * units(tick)))
                .collect(),
            labels: some(&self.labels),
            picture: self.picture(top, ticks),
            rows: (0..self.labels.len())
                .map(|index| {
                    let value = |one: &Series<Option<f64>>| {
                        let value = one.values.get(index).copied().flatten();
                        value.map_or_else(|| "–".to_owned(), shown)
                    };
                    let values = self.series.iter().map(value).collect();
                    (self.labels[index].clone(), values)
                })
                .collect(),
        })
    }

    fn picture(&self, top: f64, ticks: u64) -> Html {
        let count = self.labels.len().max(2);
        let width = STEP * units(count as u64 - 1);
        let mut svg = grid(width, ticks);
        for one in &self.series {
            let (mut path, mut points) = (String::new(), String::new());
            let mut is_drawing = false;
            for (index, value) in one.values.iter().enumerate() {
                // Where nothing was measured the line has a gap.
                let Some(value) = value else {
                    is_drawing = false;
                    continue;
                };
                let (x, y) = (STEP * units(index as u64), HEIGHT - HEIGHT * value / top);
                let command = if is_drawing { 'L' } else { 'M' };
                let _ = write!(path, "{command}{x:.1} {y:.2}");
                let has_next = matches!(one.values.get(index + 1), Some(Some(_)));
                if !is_drawing && !has_next {
                    // Alone it would be no line.
                    let _ = write!(points, "M{x:.1} {y:.2}h.01");
                }
                is_drawing = true;
            }
            let _ = write!(svg, r#"<path class="line {}" d="{path}"/>"#, one.class);
            if !points.is_empty() {
                let _ = write!(svg, r#"<path class="point {}" d="{points}"/>"#, one.class);
            }
        }
        frame(width, &svg)
    }
}

/// Height between two lines of the grid, and how many there are: at most four, at round numbers.
fn scale(highest: u64) -> (u64, u64) {
    let mut power: u64 = 1;
    loop {
        for digit in [1, 2, 5] {
            let step = power.saturating_mul(digit);
            let ticks = highest.div_ceil(step).max(1);
            if ticks <= 4 {
                return (step, ticks);
            }
        }
        power = power.saturating_mul(10);
    }
}

/// The same for values below one, too.
fn fine_scale(highest: f64) -> (f64, u64) {
    let mut step = 0.01;
    for _ in 0..30 {
        for digit in [1.0, 2.0, 5.0] {
            let lines = (highest / (step * digit)).ceil();
            if lines <= 4.0 {
                let ticks = [1, 2, 3, 4].into_iter().find(|tick| units(*tick) >= lines);
                return (step * digit, ticks.unwrap_or(4));
            }
        }
        step *= 10.0;
    }
    (highest.max(1.0), 1)
}

/// Counts as coordinates. What is lost above 2⁵³ nobody can see.
#[expect(clippy::cast_precision_loss, reason = "a picture is not that exact")]
fn units(value: u64) -> f64 {
    value as f64
}

fn grid(width: f64, ticks: u64) -> String {
    let mut svg = String::new();
    for tick in 0..=ticks {
        let y = HEIGHT * units(tick) / units(ticks);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="0" x2="{width}" y1="{y:.2}" y2="{y:.2}"/>"#
        );
    }
    svg
}

fn frame(width: f64, svg: &str) -> Html {
    // Numbers and class names of our own.
    Html::trusted(format!(
        r#"<svg viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{svg}</svg>"#
    ))
}

/// A few of the labels, the first and the last among them.
fn some(labels: &[String]) -> Vec<String> {
    if labels.len() <= MAX_LABELS {
        return labels.to_vec();
    }
    let last = labels.len() - 1;
    (0..MAX_LABELS)
        .map(|index| labels[index * last / (MAX_LABELS - 1)].clone())
        .collect()
}

/// `60k` instead of `60,000`.
fn short(lang: Lang, value: u64) -> String {
    match value {
        1_000_000.. if value.is_multiple_of(100_000) => {
            format!("{}M", decimal(lang, units(value) / 1_000_000.0))
        }
        10_000.. if value.is_multiple_of(1000) => {
            format!("{}k", format::number(lang, value / 1000))
        }
        _ => format::number(lang, value),
    }
}

/// With one decimal where it says something.
pub fn decimal(lang: Lang, value: f64) -> String {
    let text = if value >= 100.0 || (value - value.round()).abs() < 0.005 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    text.replace('.', texts::Times(lang).decimal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (highest, expected) in [
            (0, (1, 1)),
            (3, (1, 3)),
            (7, (2, 4)),
            (30, (10, 3)),
            (48_000, (20_000, 3)),
        ] {
            assert_eq!(scale(highest), expected, "{highest}");
        }
        assert_eq!(scale(u64::MAX).1, 4);
        assert_eq!(fine_scale(0.0).1, 1);
        let (step, ticks) = fine_scale(290.0);
        assert!((step * units(ticks) - 300.0).abs() < 0.001);
    }

    #[test]
    fn every_number_is_in_the_table_and_the_highest_in_the_sentence() {
        let bars = Bars {
            id: "calls",
            title: "Calls".to_owned(),
            unit: "Day",
            labels: vec!["<1>".to_owned(), "2".to_owned()],
            series: vec![Series {
                name: "Succeeded".to_owned(),
                class: "fill-1",
                values: vec![1200, 7],
            }],
            limit: Some((2000, "Limit".to_owned())),
            is_running: true,
        };
        let html = bars.html(Lang::EN).to_string();
        for text in ["1,207", "1,200", ">7<", "class=\"limit\"", "&#60;1&#62;"] {
            assert!(html.contains(text), "{text} in {html}");
        }
    }

    #[test]
    fn lines_have_gaps_where_nothing_was_measured() {
        let lines = Lines {
            id: "times",
            title: "Times".to_owned(),
            unit: "Day",
            suffix: " ms",
            labels: ["1", "2", "3"].map(str::to_owned).to_vec(),
            series: vec![Series {
                name: "p95".to_owned(),
                class: "line-1",
                values: vec![Some(10.0), None, Some(20.5)],
            }],
        };
        let html = lines.html(Lang::DE).to_string();
        assert_eq!(html.matches('M').count(), 4, "{html}");
        assert_eq!(html.matches("h.01").count(), 2, "two points alone: {html}");
        assert!(html.contains("20,5 ms") && html.contains("–"));
    }
}
