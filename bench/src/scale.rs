//! portal-api with the data of a large company.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::bail;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::json;

use crate::{
    load::{self, Requests},
    portal_api::{Place, PortalApi, api, edit},
    process,
};

const APIS: usize = 1000;
const USERS: usize = 10_000;
const APPLICATIONS: usize = 5000;
const SUBSCRIPTIONS: usize = 50_000;

/// What lists are asked for.
const LISTS: [&str; 14] = [
    "/users?offset=0&limit=50",
    "/users?cursor=&limit=50",
    "/applications?embed=1&offset=2000&limit=50",
    "/applications?cursor=&limit=50",
    "/subscriptions?embed=1&offset=20000&limit=50",
    "/subscriptions?cursor=&limit=50",
    "/approvals",
    "/apis",
    "/apis/many-aaab/subscriptions",
    "/applications/app-1000/subscriptions",
    "/registrations/pools/wicked?offset=0&limit=50",
    "/auditlog?offset=0&limit=50",
    "/plans",
    "/groups",
];

pub async fn run(binary: &Path, database: Option<&str>) -> anyhow::Result<()> {
    let place = Place::new(APIS, database)?;
    let server = place.start(binary).await?;
    let started = Instant::now();
    fill(&server).await?;
    println!("filled in {} s\n", started.elapsed().as_secs());
    drop(server);
    let server = place.start(binary).await?;
    println!("| measured | p50 ms | p95 ms |");
    println!("|---|---:|---:|");
    for path in LISTS {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\n{}\r\n",
            server.headers()?
        );
        let load = load::run(
            server.address,
            Requests::same(request),
            200,
            1,
            Duration::from_secs(2),
        )
        .await?;
        let ms = |percent| load.percentile(percent).as_secs_f64() * 1e3;
        println!("| GET {path} | {:.1} | {:.1} |", ms(50), ms(95));
    }
    println!("| start to ready | {} | |", server.start.as_millis());
    let mut swaps = Vec::new();
    for _ in 0..10 {
        swaps.push(swap(&place, &server).await?);
    }
    swaps.sort_unstable();
    println!(
        "| a changed configuration is served | {} | {} |",
        swaps[swaps.len() / 2].as_millis(),
        swaps[swaps.len() - 1].as_millis()
    );
    println!("\nMemory: {:.1} MiB", process::memory_mib(server.pid)?);
    Ok(())
}

async fn fill(server: &PortalApi) -> anyhow::Result<()> {
    let post = async |path: String, body: serde_json::Value| {
        server
            .call(Method::POST, &path, Some(&body))
            .await
            .map(|_| ())
    };
    let users = (0..USERS).map(|number| {
        let body = json!({
            "customId": format!("custom-{number}"), "email": format!("user-{number}@example.org"),
            "validated": true, "groups": ["dev"],
        });
        post("/users".to_owned(), body)
    });
    at_once(users).await?;
    let applications = (0..APPLICATIONS).map(|number| {
        let id = format!("app-{number}");
        post("/applications".to_owned(), json!({"id": id, "name": id}))
    });
    at_once(applications).await?;
    let subscriptions = (0..SUBSCRIPTIONS).map(|number| {
        let id = format!("app-{}", number % APPLICATIONS);
        let api = api((number / APPLICATIONS) * 97 + number % 90);
        let body = json!({"application": id, "api": api, "plan": "unlimited"});
        post(format!("/applications/{id}/subscriptions"), body)
    });
    at_once(subscriptions).await
}

async fn at_once(
    calls: impl Iterator<Item = impl Future<Output = anyhow::Result<()>>>,
) -> anyhow::Result<()> {
    stream::iter(calls).buffer_unordered(32).try_collect().await
}

/// From the order to fetch until the new configuration is served.
async fn swap(place: &Place, server: &PortalApi) -> anyhow::Result<Duration> {
    let hash = async || {
        let url = format!("http://{}/confighash", server.address);
        anyhow::Ok(server.client.get(url).send().await?.text().await?)
    };
    let before = hash().await?;
    edit(&place.configuration().join("apis/apis.json"), |file| {
        let entry = file["apis"].as_array_mut().and_then(|list| list.last_mut());
        if let Some(entry) = entry {
            entry["desc"] = format!("Changed after {before}").into();
        }
    })?;
    let ordered = Instant::now();
    server.call(Method::POST, "/config/fetch", None).await?;
    while hash().await? == before {
        if ordered.elapsed() > Duration::from_secs(30) {
            bail!("the changed configuration is not served");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(ordered.elapsed())
}
