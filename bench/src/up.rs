//! `wicketgate up`: how soon it is ready, what it costs at rest, and how soon a key works.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tokio::process::{Child, Command};

use crate::{login, process};

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
/// Each of a new browser.
const LOG_INS: usize = 100;
const ADMINISTRATOR: &str = "admin@localhost.localdomain";
const SCOPES: &str = "write_applications write_subscriptions";

pub async fn run(binary: &Path, subscriptions: usize) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let client = Client::builder().no_proxy().build()?;

    let (first, mut child) = ready(binary, data.path(), None, &client).await?;
    child.kill().await?;
    let password = password(binary, data.path(), ADMINISTRATOR).await?;
    let (second, child) = ready(binary, data.path(), None, &client).await?;
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

    let (mut delays, mut ends) = (Vec::new(), Vec::new());
    let master = MasterKey::parse(&fs::read_to_string(data.path().join("master.key"))?)?;
    let identity = Identity::new(ServiceName::AuthServer, Keys::from_master(master));
    for number in 0..subscriptions {
        let (key, delay) = key_works_after(&client, &identity, number).await?;
        delays.push(delay);
        ends.push(key_ends_after(&client, &identity, number, &key).await?);
    }
    percentiles("subscribe answered to first 200", delays);
    percentiles("unsubscribe answered to first 401 or 403", ends);
    println!(
        "| memory after {subscriptions} subscriptions | {:.1} MiB |",
        process::memory_mib(pid)?
    );
    for _ in 0..LOG_INS {
        login::log_in(&url("portal", "/login"), ADMINISTRATOR, &password).await?;
    }
    println!(
        "| memory after {LOG_INS} log-ins | {:.1} MiB |",
        process::memory_mib(pid)?
    );
    tokio::time::sleep(Duration::from_secs(30)).await;
    println!("| and 30 s later | {:.1} MiB |", process::memory_mib(pid)?);
    Ok(())
}

/// A new password for an administrator.
pub async fn password(binary: &Path, data: &Path, email: &str) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .args(["admin", "reset-password", email, "--data"])
        .arg(data)
        .output()
        .await?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find(|line| line.starts_with("New password"));
    let password = line.and_then(|line| line.rsplit(' ').next());
    Ok(password.context("no new password")?.to_owned())
}

fn percentiles(what: &str, mut delays: Vec<Duration>) {
    delays.sort_unstable();
    for percent in [50, 99, 100] {
        let Some(delay) = delays.get((delays.len() * percent / 100).min(delays.len() - 1)) else {
            return;
        };
        let milliseconds = delay.as_secs_f64() * 1e3;
        println!("| {what}, p{percent} | {milliseconds:.1} ms |");
    }
}

fn port(name: &str) -> u16 {
    let index = NAMES
        .iter()
        .position(|known| *known == name)
        .expect("a known name");
    25_000 + u16::try_from(index).expect("ten names")
}

pub fn url(name: &str, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", port(name))
}

/// Starts everything and waits until every part says that it can work.
pub async fn ready(
    binary: &Path,
    data: &Path,
    configuration: Option<&Path>,
    client: &Client,
) -> anyhow::Result<(Duration, Child)> {
    let started = Instant::now();
    let ports = NAMES
        .iter()
        .flat_map(|name| [format!("--{name}-port"), port(name).to_string()]);
    let mut command = Command::new(binary);
    if let Some(configuration) = configuration {
        let host = |name| url(name, "").replace("http://", "");
        command
            .env("WICKETGATE_CONFIG", configuration)
            .env("PORTAL_NETWORK_PORTALHOST", host("portal"))
            .env("PORTAL_NETWORK_APIHOST", host("gateway"));
    }
    let child = command
        .arg("up")
        .arg("--data")
        .arg(data)
        .args(ports)
        .env("LOG_LEVEL", "warn")
        // One person asks for all of it.
        .env("PORTAL_API_RATE_LIMIT", "0")
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
) -> anyhow::Result<(String, Duration)> {
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
        if call(client, key).await? == StatusCode::OK {
            return Ok((key.to_owned(), answered.elapsed()));
        }
        if answered.elapsed() > Duration::from_secs(10) {
            bail!("the key of {application} does not work after 10 s");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn call(client: &Client, key: &str) -> anyhow::Result<StatusCode> {
    let request = client
        .get(url("gateway", "/petstore/v1/inventory"))
        .header("X-ApiKey", key);
    Ok(request.send().await?.status())
}

/// Ends the subscription and calls until the key is refused.
async fn key_ends_after(
    client: &Client,
    identity: &Identity,
    number: usize,
    key: &str,
) -> anyhow::Result<Duration> {
    let path = format!("/applications/bench-{number}/subscriptions/petstore");
    let answer = as_administrator(identity, client.delete(url("api", &path)))?
        .send()
        .await?;
    if answer.status() != StatusCode::NO_CONTENT {
        bail!("{path}: {} {}", answer.status(), answer.text().await?);
    }
    let answered = Instant::now();
    while call(client, key).await? == StatusCode::OK {
        if answered.elapsed() > Duration::from_secs(10) {
            bail!("the key of bench-{number} still works after 10 s");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(answered.elapsed())
}

/// As the first administrator, on whose behalf the auth server may speak.
fn as_administrator(
    identity: &Identity,
    request: RequestBuilder,
) -> anyhow::Result<RequestBuilder> {
    Ok(request
        .bearer_auth(identity.token_for(ServiceName::PortalApi)?)
        .header("X-Authenticated-UserId", "sub=1")
        .header("X-Authenticated-Scope", SCOPES))
}

pub async fn post(
    client: &Client,
    identity: &Identity,
    path: &str,
    body: &Value,
) -> anyhow::Result<Value> {
    let answer = as_administrator(identity, client.post(url("api", path)))?
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
