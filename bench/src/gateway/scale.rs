//! The gateway with a large configuration: memory, how soon a change is visible, and what changes
//! cost those who call meanwhile.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::json;

use super::place::{KEY, Place};
use crate::{load, load::Requests, process};

/// Calls of the Admin API at a time while it is filled. Their connections stay open and count.
const TOGETHER: usize = 32;
const CHANGES: usize = 100;
const PER_SECOND: u64 = 100;

pub async fn run(
    binary: &Path,
    routes: usize,
    consumers: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let place = Place::start(binary).await?;
    place.protect().await?;
    let empty = process::memory_mib(place.pid()?)?;
    let started = Instant::now();
    let place = &place;
    stream::iter((0..routes).map(|number| async move {
        let name = format!("api-{number}");
        place.publish(&name).await?;
        place.plugin(&name, "key-auth", json!({})).await?;
        place.plugin(&name, "acl", json!({"allow": [name]})).await
    }))
    .buffer_unordered(TOGETHER)
    .try_collect::<()>()
    .await?;
    stream::iter((0..consumers).map(|number| async move {
        let consumer = format!("/consumers/consumer-{number}");
        place
            .put(
                &consumer,
                json!({"custom_id": format!("subscription-{number}")}),
            )
            .await?;
        let key = json!({"key": format!("key-{number}")});
        place
            .call(Method::POST, &format!("{consumer}/key-auth"), key)
            .await?;
        let group = format!("{consumer}/acls/api-{}", number % routes.max(1));
        place.put(&group, json!({})).await
    }))
    .buffer_unordered(TOGETHER)
    .try_collect::<()>()
    .await?;
    let memory = process::memory_mib(place.pid()?)?;
    println!(
        "{routes} routes and {consumers} consumers with key and group, filled in {} s: {memory:.1} MiB \
         ({empty:.1} MiB empty)\n",
        started.elapsed().as_secs()
    );
    println!("| a change is visible after | p50 ms | p99 ms |\n|---|---:|---:|");
    print_delays("a consumer with its key", new_consumers(place).await?);
    print_delays("a route", new_routes(place).await?);

    println!(
        "\n| 64 connections, key-auth + acl + limit | requests/s | p50 ms | p99 ms |\n|---|---:|---:|---:|"
    );
    for (what, changes) in [("without changes", false), ("100 changes a second", true)] {
        let load = load_with(place, seconds, changes).await?;
        println!(
            "| {what} | {:.0} | {:.2} | {:.2} |",
            load.per_second(),
            load.percentile(50).as_secs_f64() * 1e3,
            load.percentile(99).as_secs_f64() * 1e3,
        );
    }
    println!(
        "\nMemory after that: {:.1} MiB",
        process::memory_mib(place.pid()?)?
    );
    Ok(())
}

fn print_delays(what: &str, mut delays: Vec<Duration>) {
    delays.sort_unstable();
    let at = |percent: usize| {
        let position = (delays.len() * percent / 100).min(delays.len().saturating_sub(1));
        delays
            .get(position)
            .copied()
            .unwrap_or_default()
            .as_secs_f64()
            * 1e3
    };
    println!("| {what} | {:.1} | {:.1} |", at(50), at(99));
}

/// From the call of the Admin API to the first request that is let in.
async fn new_consumers(place: &Place) -> anyhow::Result<Vec<Duration>> {
    let mut delays = Vec::new();
    for number in 0..CHANGES {
        let consumer = format!("/consumers/new-{number}");
        place.put(&consumer, json!({})).await?;
        place
            .put(&format!("{consumer}/acls/bench"), json!({}))
            .await?;
        let started = Instant::now();
        let key = json!({"key": format!("new-key-{number}")});
        place
            .call(Method::POST, &format!("{consumer}/key-auth"), key)
            .await?;
        let request =
            format!("GET /protected/0 HTTP/1.1\r\nHost: bench\r\napikey: new-key-{number}\r\n\r\n");
        let one = Requests::each(vec![request]);
        load::run(place.proxy, one, 200, 1, Duration::from_secs(5)).await?;
        delays.push(started.elapsed());
    }
    Ok(delays)
}

async fn new_routes(place: &Place) -> anyhow::Result<Vec<Duration>> {
    let mut delays = Vec::new();
    for number in 0..CHANGES {
        let started = Instant::now();
        let route = json!({"paths": [format!("/new-{number}")], "service": {"name": "plain"}});
        place.put(&format!("/routes/new-{number}"), route).await?;
        let request = format!("GET /new-{number}/0 HTTP/1.1\r\nHost: bench\r\n\r\n");
        let one = Requests::each(vec![request]);
        load::run(place.proxy, one, 200, 1, Duration::from_secs(5)).await?;
        delays.push(started.elapsed());
    }
    Ok(delays)
}

async fn load_with(place: &Place, seconds: u64, changes: bool) -> anyhow::Result<load::Load> {
    let request = format!("GET /protected/1024 HTTP/1.1\r\nHost: bench\r\napikey: {KEY}\r\n\r\n");
    let (stop, time) = (Arc::<AtomicBool>::default(), Duration::from_secs(seconds));
    let changing = async {
        let mut interval = tokio::time::interval(Duration::from_millis(1000 / PER_SECOND));
        let mut number = 0;
        while changes && !stop.load(Relaxed) {
            interval.tick().await;
            number += 1;
            if number % 10 == 0 {
                let change = json!({"tags": [format!("t{number}")]});
                place.call(Method::PATCH, "/routes/new-0", change).await?;
            } else {
                let consumer = format!("/consumers/changing-{}", number % 500);
                place
                    .put(&consumer, json!({"tags": [format!("t{number}")]}))
                    .await?;
            }
        }
        Ok(())
    };
    let loading = async {
        let load = load::run(place.proxy, Requests::same(request), 200, 64, time).await;
        stop.store(true, Relaxed);
        load
    };
    let (load, ()) = tokio::try_join!(loading, changing)?;
    Ok(load)
}
