//! The table of a comparison: each row beside the one before it, which is its floor.

use std::time::Duration;

use crate::{
    load::Requests,
    sample::{Sample, Subject, median},
};

/// Before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// A line of the table.
pub struct Row {
    pub name: &'static str,
    pub requests: Requests,
    subject: Subject,
    /// One of each round.
    pub samples: Vec<Sample>,
}

/// How long is measured.
#[derive(Clone, Copy)]
pub struct Rounds {
    pub count: usize,
    /// Of each row in each round.
    pub time: Duration,
}

impl Row {
    pub const fn new(name: &'static str, requests: Requests, subject: Subject) -> Self {
        Self {
            name,
            requests,
            subject,
            samples: Vec::new(),
        }
    }

    pub async fn sample(&self, connections: usize, time: Duration) -> anyhow::Result<Sample> {
        let requests = self.requests.clone();
        self.subject.sample(requests, connections, time).await
    }

    pub fn median(&self, what: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(what))
    }
}

pub fn print_head() {
    println!(
        "| request | connections | | requests/s | share of the floor | CPU µs/request | p50 ms | p99 ms |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|");
}

/// Measures the rows in turns, so that a drifting machine meets all of them.
pub async fn measure(rows: &mut [Row], connections: usize, rounds: Rounds) -> anyhow::Result<()> {
    for row in &*rows {
        row.sample(connections, WARM_UP).await?;
    }
    for _ in 0..rounds.count {
        for row in &mut *rows {
            let sample = row.sample(connections, rounds.time).await?;
            row.samples.push(sample);
        }
    }
    Ok(())
}

/// Measures the rows and prints them.
pub async fn compare(
    what: &str,
    connections: usize,
    mut rows: Vec<Row>,
    rounds: Rounds,
) -> anyhow::Result<()> {
    measure(&mut rows, connections, rounds).await?;
    let mut floor: Option<&Row> = None;
    for row in &rows {
        // Of each round, then the median: neighbours on the machine slow both of a round down.
        let share = floor.map_or_else(String::new, |floor| {
            let pairs = row.samples.iter().zip(&floor.samples);
            let shares = pairs.map(|(own, floor)| own.per_second / floor.per_second);
            format!("{:.2}", median(shares))
        });
        println!(
            "| {what} | {connections} | {} | {:.0} | {share} | {:.1} | {:.2} | {:.2} |",
            row.name,
            row.median(|sample| sample.per_second),
            row.median(|sample| sample.cpu_us),
            row.median(|sample| sample.p50_ms),
            row.median(|sample| sample.p99_ms),
        );
        floor = Some(row);
    }
    Ok(())
}
