//! Hours at half load: memory must not grow.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::place::{KEY, Place};
use crate::{load, load::Requests, process};

const CONNECTIONS: usize = 64;

/// Prints a line every minute. Half of the time the gateway has nothing to do.
pub async fn run(binary: &Path, minutes: u64) -> anyhow::Result<()> {
    let place = Place::start(binary).await?;
    place.protect().await?;
    let request = |path: &str, bytes: usize| {
        format!("GET /{path}/{bytes} HTTP/1.1\r\nHost: bench\r\napikey: {KEY}\r\n\r\n")
    };
    let mut requests = Vec::new();
    for bytes in [0, 1024, 102_400] {
        requests.extend([request("plain", bytes), request("protected", bytes)]);
    }
    let requests = Requests::rotating(requests);
    println!("| minute | requests/s | p99 ms | memory MiB |\n|---:|---:|---:|---:|");
    for minute in 1..=minutes {
        let (until, mut answered) = (Instant::now() + Duration::from_mins(1), 0);
        let mut worst = Duration::ZERO;
        while Instant::now() < until {
            let busy = Duration::from_secs(1);
            let load = load::run(place.proxy, requests.clone(), 200, CONNECTIONS, busy).await?;
            answered += load.requests;
            worst = worst.max(load.percentile(99));
            tokio::time::sleep(busy).await;
        }
        println!(
            "| {minute} | {} | {:.2} | {:.1} |",
            answered / 60,
            worst.as_secs_f64() * 1e3,
            process::memory_mib(place.pid()?)?,
        );
    }
    Ok(())
}
