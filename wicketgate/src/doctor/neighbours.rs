//! The services: those of `up` on this machine, or those that the environment names.

use std::{fs::File, io::ErrorKind, net::TcpListener, path::Path, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use service::settings;
use url::Url;

use super::finding::Finding;
use crate::{cli::Up, health};

const TIME_LIMIT: Duration = Duration::from_secs(4);
/// Longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Where a service that runs apart is told where the others are.
const VARIABLES: [&str; 7] = [
    "PORTAL_API_URL",
    "PORTAL_AUTHSERVER_URL",
    "PORTAL_PORTAL_URL",
    "PORTAL_KONG_ADAPTER_URL",
    "PORTAL_KONG_ADMIN_URL",
    "PORTAL_MAILER_URL",
    "PORTAL_CHATBOT_URL",
];

pub async fn check(options: &Up) -> Vec<Finding> {
    let named: Vec<_> = VARIABLES
        .iter()
        .filter_map(|name| Some((*name, settings::var(name)?)))
        .collect();
    if !named.is_empty() {
        let mut findings = Vec::new();
        for (name, url) in named {
            findings.push(apart(name, &url).await);
        }
        return findings;
    }
    if is_running(&options.data) {
        let mut findings = Vec::new();
        for (name, address) in health::of_up(&options.ports) {
            let base = format!("http://{address}/");
            findings.push(service(name, &base).await);
        }
        return findings;
    }
    ports(options)
}

/// Whether `up` holds the folder.
fn is_running(data: &Path) -> bool {
    File::open(data.join("lock")).is_ok_and(|lock| lock.try_lock().is_err())
}

/// The ports that `up` is going to open.
fn ports(options: &Up) -> Vec<Finding> {
    const WHAT: &str = "ports";
    let mut findings = Vec::new();
    let all = options.ports.all();
    for port in &all {
        let address = port.address(options.listen);
        let Err(error) = TcpListener::bind(address) else {
            continue;
        };
        let text = format!("{address} ({}): {error}", port.what);
        findings.push(if error.kind() == ErrorKind::AddrInUse {
            let advice = format!(
                "stop the program that has it (`ss -ltnp sport = :{}`), or choose another port with {}",
                address.port(),
                port.option
            );
            Finding::bad(WHAT, text, advice)
        } else {
            Finding::bad(WHAT, text, "choose an address of this machine with --listen")
        });
    }
    if findings.is_empty() {
        let text = format!(
            "all {} of `wicketgate up` are free; it is not running",
            all.len()
        );
        findings.push(Finding::good(WHAT, text));
    }
    findings
}

async fn apart(variable: &'static str, url: &str) -> Finding {
    match Url::parse(url) {
        Ok(base) => service(variable, base.as_str()).await,
        Err(error) => Finding::bad(
            "services",
            format!("{variable}: {error}"),
            format!("write {variable} as http://HOST:PORT/"),
        ),
    }
}

/// Whether a service can work, and whether it is of this release.
async fn service(name: &str, base: &str) -> Finding {
    const WHAT: &str = "services";
    let ready = match get(base, "readyz").await {
        // A Kong has no such address; its Admin API tells its version.
        Ok((404, _)) => get(base, "").await,
        answer => answer,
    };
    match ready {
        Ok((200, body)) => {
            if let Some(kong) = version(&body) {
                return Finding::good(WHAT, format!("{name}: Kong {kong}"));
            }
            let ping = get(base, "ping").await.ok();
            match ping.and_then(|(_, ping)| version(&ping)) {
                Some(version) if version != service::VERSION => Finding::odd(
                    WHAT,
                    format!("{name} is ready, and is version {version}"),
                    "during an upgrade that is right; restart it after that",
                ),
                _ => Finding::good(WHAT, format!("{name} is ready")),
            }
        }
        Ok((status, body)) => {
            let waits = health::reason(&body);
            let text = format!("{name} is not ready: {waits} ({status})");
            Finding::bad(WHAT, text, "its answer and its log say what it waits for")
        }
        Err(error) => {
            let text = format!("{name} does not answer at {base}: {error:#}");
            Finding::bad(WHAT, text, "start it, or correct its address")
        }
    }
}

fn version(body: &[u8]) -> Option<String> {
    let about: Value = serde_json::from_slice(body).ok()?;
    Some(about["version"].as_str()?.to_owned())
}

async fn get(base: &str, path: &str) -> anyhow::Result<(u16, Bytes)> {
    let url = Url::parse(base)?.join(path)?;
    let answer = service::http::client()
        .get(url)
        .timeout(TIME_LIMIT)
        .send()
        .await?;
    let status = answer.status().as_u16();
    let body = service::http::read_at_most(answer, MAX_ANSWER).await?;
    Ok((status, body))
}
