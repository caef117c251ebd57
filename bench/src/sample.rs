//! One measurement of a process under load, and what many of them say together.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;

use crate::{
    load::{self, Requests},
    process,
};

/// What is measured.
pub struct Subject {
    pub address: SocketAddr,
    /// The processes whose CPU time counts.
    pub pids: Vec<u32>,
    /// Status that every answer has to have.
    pub status: u16,
}

/// What one measurement brought.
pub struct Sample {
    /// CPU time per request, user and system together.
    pub cpu_us: f64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Subject {
    /// Loads the subject with `requests` over `connections` connections for `time`.
    pub async fn sample(
        &self,
        requests: Requests,
        connections: usize,
        time: Duration,
    ) -> anyhow::Result<Sample> {
        let before = process::cpu(&self.pids)?;
        let load = load::run(self.address, requests, self.status, connections, time).await?;
        let cpu = process::cpu(&self.pids)?.saturating_sub(before);
        ensure!(load.requests > 0, "there was nothing left to ask for");
        let ms = |percent| load.percentile(percent).as_secs_f64() * 1e3;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let cpu_us = cpu.as_secs_f64() * 1e6 / load.requests as f64;
        Ok(Sample {
            cpu_us,
            per_second: load.per_second(),
            p50_ms: ms(50),
            p99_ms: ms(99),
        })
    }
}

/// The middle one of `values`; 0 if there are none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
