//! `wicketgate up`: how soon it is ready, what it costs at rest, and how soon a key works.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tokio::process::{Child, Command};

use crate::process;

const NAMES: [&str; 10] = [
    "portal",
    "api",
    "adapter",
    "mailer",
    "chatbot",
    "echo",
    "auth",
    "gateway",
    "gateway-admin",
    "gateway-status",
];
const SCOPES: &str = "write_applications write_subscriptions";

pub async fn run(binary: &Path, subscriptions: usize) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let client = Client::builder().no_proxy().build()?;

    let (first, mut child) = ready(binary, data.path(), &client).await?;
    child.kill().await?;
    let (second, child) = ready(binary, data.path(), &client).await?;
    let pid = child.id().context("it has ended")?;
    println!("| measured | value |");
    println!("|---|---:|");
    println!("| first start to all ready | {} ms |", first.as_millis());
    println!("| further start to all ready | {} ms |", second.as_millis());
    tokio::time::sleep(Duration::from_secs(30)).await;
    println!(
        "| memory 30 s after start | {:.1} MiB |",
        process::memory_mib(pid)?
    );

    let mut delays = Vec::with_capacity(subscriptions);
    let master = MasterKey::parse(&fs::read_to_string(data.path().join("master.key"))?)?;
    let identity = Identity::new(ServiceName::AuthServer, Keys::from_master(master));
    for number in 0..subscriptions {
        delays.push(key_works_after(&client, &identity, number).await?);
    }
    delays.sort_unstable();
    for percent in [50, 99] {
        let delay = delays[(delays.len() * percent / 100).min(delays.len() - 1)];
        let milliseconds = delay.as_secs_f64() * 1e3;
        println!("| subscribe answered to first 200, p{percent} | {milliseconds:.1} ms |");
    }
    println!(
        "| memory after {subscriptions} subscriptions | {:.1} MiB |",
        process::memory_mib(pid)?
    );
    Ok(())
}

fn port(name: &str) -> u16 {
    let index = NAMES
        .iter()
        .position(|known| *known == name)
        .expect("a known name");
    25_000 + u16::try_from(index).expect("ten names")
}

fn url(name: &str, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", port(name))
}

/// Starts everything and waits until every part says that it can work.
async fn ready(binary: &Path, data: &Path, client: &Client) -> anyhow::Result<(Duration, Child)> {
    let started = Instant::now();
    let ports = NAMES
        .iter()
        .flat_map(|name| [format!("--{name}-port"), port(name).to_string()]);
    let child = Command::new(binary)
        .arg("up")
        .arg("--data")
        .arg(data)
        .args(ports)
        .env("LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    for name in [
        "api",
        "auth",
        "portal",
        "adapter",
        "mailer",
        "chatbot",
        "gateway-status",
    ] {
        loop {
            let answer = client.get(url(name, "/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if started.elapsed() > Duration::from_secs(30) {
                bail!("{name} is not ready after 30 s");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    Ok((started.elapsed(), child))
}

/// Subscribes a new application to the pet store and calls until the key is accepted.
async fn key_works_after(
    client: &Client,
    identity: &Identity,
    number: usize,
) -> anyhow::Result<Duration> {
    let application = format!("bench-{number}");
    let body = json!({"id": application, "name": application});
    post(client, identity, "/applications", &body).await?;
    let body = json!({"application": application, "api": "petstore", "plan": "unlimited"});
    let path = format!("/applications/{application}/subscriptions");
    let subscription = post(client, identity, &path, &body).await?;
    let answered = Instant::now();
    let key = subscription["apikey"]
        .as_str()
        .context("no key in the answer")?;
    loop {
        let call = client
            .get(url("gateway", "/petstore/v1/inventory"))
            .header("X-ApiKey", key);
        if call.send().await?.status() == StatusCode::OK {
            return Ok(answered.elapsed());
        }
        if answered.elapsed() > Duration::from_secs(10) {
            bail!("the key of {application} does not work after 10 s");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// As the first administrator, on whose behalf the auth server may speak.
async fn post(
    client: &Client,
    identity: &Identity,
    path: &str,
    body: &Value,
) -> anyhow::Result<Value> {
    let answer = client
        .post(url("api", path))
        .bearer_auth(identity.token_for(ServiceName::PortalApi)?)
        .header("X-Authenticated-UserId", "sub=1")
        .header("X-Authenticated-Scope", SCOPES)
        .json(body)
        .send()
        .await?;
    let status = answer.status();
    let body: Value = answer.json().await?;
    if status != StatusCode::CREATED {
        bail!("{path}: {status} {body}");
    }
    Ok(body)
}
