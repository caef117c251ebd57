//! The gateway beside nginx, both in front of the same backend: plain and protected calls, tokens, a
//! large configuration that changes.

mod alone;
mod answers;
mod place;
mod scale;
mod soak;
mod tokens;

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Context;

use crate::{
    load::Requests,
    nginx, process,
    sample::{Subject, median},
    table::{Rounds, Row, measure},
};
use place::{KEY, Place};
pub use place::{free, wait};

pub use alone::run as alone;
pub use answers::{Floor as AnswersFloor, run as answers};
pub use scale::run as scale;
pub use soak::run as soak;

/// How much is measured.
#[derive(clap::Args)]
pub struct Extent {
    /// Parallel keep-alive connections, each number for itself
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64, 512])]
    connections: Vec<usize>,
    /// Bytes of an answer, each number for itself
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1024, 102_400])]
    bytes: Vec<usize>,
    /// Seconds per row and round
    #[arg(long, default_value_t = 1)]
    seconds: u64,
    /// Rounds; rows take turns, so that a drifting machine meets all of them
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

impl Extent {
    const fn rounds(&self) -> Rounds {
        Rounds {
            count: self.rounds,
            time: Duration::from_secs(self.seconds),
        }
    }
}

pub async fn run(binary: &Path, extent: Extent) -> anyhow::Result<()> {
    let place = Place::start(binary).await?;
    place.protect().await?;
    let [nginx_address, floor_address] = free()?;
    let floor = place.floor(floor_address)?;
    wait(floor_address).await?;
    let floor_pid = floor.id().context("the floor has ended")?;
    let peer = nginx::start(place.folder(), nginx_address, place.backend)?;
    let peer_pids = if let Some(peer) = &peer {
        wait(nginx_address).await?;
        peer.workers().await?
    } else {
        println!("nginx is not installed; its rows are missing\n");
        Vec::new()
    };
    println!(
        "| bytes | connections | proxy | CPU µs/request | beside nginx plain | requests/s | p99 ms |"
    );
    println!("|---:|---:|---|---:|---:|---:|---:|");
    for bytes in &extent.bytes {
        for connections in &extent.connections {
            let get = |path: &str, extra: &str| {
                Requests::same(format!(
                    "GET /{path}/{bytes} HTTP/1.1\r\nHost: bench\r\n{extra}\r\n"
                ))
            };
            let mut rows = Vec::new();
            if peer.is_some() {
                for (name, path) in [
                    ("nginx, plain", "plain"),
                    ("nginx, with the gateway's headers", "headers"),
                ] {
                    let subject = subject(nginx_address, &peer_pids);
                    rows.push(Row::new(name, get(path, ""), subject));
                }
            }
            let own = subject(floor_address, &[floor_pid]);
            rows.push(Row::new("hyper, nothing else", get("plain", ""), own));
            let key = format!("apikey: {KEY}\r\n");
            for (name, path, extra) in [
                ("gateway, plain", "plain", ""),
                ("gateway, key-auth + acl + limit", "protected", key.as_str()),
            ] {
                rows.push(Row::new(name, get(path, extra), place.subject()?));
            }
            measure(&mut rows, *connections, extent.rounds()).await?;
            print(&rows, *bytes, *connections);
        }
    }
    println!(
        "\nMemory of the gateway: {:.1} MiB\n",
        process::memory_mib(place.pid()?)?
    );
    let peer = peer.is_some().then(|| subject(nginx_address, &peer_pids));
    tokens::run(&place, peer, &extent).await
}

fn subject(address: SocketAddr, pids: &[u32]) -> Subject {
    Subject {
        address,
        pids: pids.to_vec(),
        status: 200,
    }
}

/// CPU time of `floor` as a part of `row`'s: of each round, then the median. Neighbours on the machine
/// slow both of a round down.
fn beside(row: &Row, floor: &Row) -> f64 {
    let rounds = row.samples.iter().zip(&floor.samples);
    median(rounds.map(|(own, floor)| floor.cpu_us / own.cpu_us))
}

fn print(rows: &[Row], bytes: usize, connections: usize) {
    let floor = rows.iter().find(|row| row.name.starts_with("nginx"));
    for row in rows {
        let beside = floor.map_or_else(
            || "–".to_owned(),
            |floor| format!("{:.2}", beside(row, floor)),
        );
        println!(
            "| {bytes} | {connections} | {} | {:.1} | {beside} | {:.0} | {:.2} |",
            row.name,
            row.median(|sample| sample.cpu_us),
            row.median(|sample| sample.per_second),
            row.median(|sample| sample.p99_ms),
        );
    }
}
