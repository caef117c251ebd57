//! `wicketgate health`: whether services on this machine can work. Containers ask this of
//! themselves, so that an image needs no other program for it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use service::{ServiceName, backoff::Backoff};

use crate::{cli::Health, ports::Ports, single};

const TIME_LIMIT: Duration = Duration::from_secs(4);
/// Of what a service says it waits for.
const MAX_REASON: usize = 4096;

/// Prints a line per service; the exit code is 0 when all of them are ready.
pub async fn run(options: Health) -> anyhow::Result<ExitCode> {
    service::http::install_crypto();
    let asked = match options.service {
        Some(service) => vec![(service.as_str(), address_of(service)?)],
        None => of_up(&options.ports),
    };
    let client = service::http::client();
    let deadline = Instant::now() + Duration::from_secs(options.wait);
    let mut code = ExitCode::SUCCESS;
    for (name, address) in asked {
        let mut outcome = ask(&client, address).await;
        let mut backoff = Backoff::for_start();
        while outcome.is_err() && Instant::now() < deadline {
            backoff.wait().await;
            outcome = ask(&client, address).await;
        }
        match outcome {
            Ok(()) => say!("{name} is ready"),
            Err(error) => {
                say!("{name} is not ready: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Where a service that runs alone listens in this environment.
fn address_of(service: ServiceName) -> anyhow::Result<SocketAddr> {
    let mut address = if service == ServiceName::Gateway {
        gateway::Settings::status_address()?
    } else {
        single::address(service)?
    };
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    Ok(address)
}

/// Where the services of `up` are asked.
pub fn of_up(ports: &Ports) -> Vec<(&'static str, SocketAddr)> {
    let ports = [
        ("portal-api", ports.api_port),
        ("auth-server", ports.auth_port),
        ("gateway", ports.gateway_status_port),
        ("gateway-adapter", ports.adapter_port),
        ("mailer", ports.mailer_port),
        ("chatbot", ports.chatbot_port),
        ("portal", ports.portal_port),
    ];
    let local = |(name, port)| (name, (IpAddr::V4(Ipv4Addr::LOCALHOST), port).into());
    ports.map(local).to_vec()
}

/// The sentence of a problem; what else answers there, as it is.
pub fn reason(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let sentence = problem.and_then(|problem| Some(problem["message"].as_str()?.to_owned()));
    sentence.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned())
}

async fn ask(client: &reqwest::Client, address: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{address}/readyz");
    let answer = client.get(&url).timeout(TIME_LIMIT).send().await;
    let answer = answer.with_context(|| format!("no answer at {address}"))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    let body = service::http::read_at_most(answer, MAX_REASON).await?;
    anyhow::bail!("{} ({status})", reason(&body))
}
