//! The gateway beside nginx, both in front of the same backend.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    load::Requests,
    nginx, process,
    sample::{Sample, Subject, median},
};

const KEY: &str = "bench-key-0123456789";

/// One line of the table.
struct Row {
    name: &'static str,
    requests: Requests,
    subject: Subject,
    /// One of each round.
    samples: Vec<Sample>,
}

pub async fn run(
    binary: &Path,
    connections: usize,
    seconds: u64,
    rounds: usize,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let backend = backend().await?;
    let [proxy, admin, status, nginx_address, floor_address] = free()?;
    let gateway = start(binary, folder.path(), proxy, admin, status)?;
    configure(admin, backend).await?;
    let gateway_pid = gateway.id().context("the gateway has ended")?;
    let floor = floor(floor_address, backend)?;
    wait(floor_address).await?;
    let floor_pid = floor.id().context("the floor has ended")?;
    let peer = nginx::start(folder.path(), nginx_address, backend)?;

    let request =
        |path: &str, extra: &str| format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{extra}\r\n");
    let mut rows = vec![
        row(
            "hyper, nothing else",
            floor_address,
            request("/plain/x", ""),
            vec![floor_pid],
        ),
        row(
            "gateway, plain",
            proxy,
            request("/plain/x", ""),
            vec![gateway_pid],
        ),
        row(
            "gateway, key-auth + acl + limit",
            proxy,
            request("/protected/x", &format!("apikey: {KEY}\r\n")),
            vec![gateway_pid],
        ),
    ];
    if let Some(peer) = &peer {
        wait(nginx_address).await?;
        let pids = peer.workers().await?;
        rows.insert(
            0,
            row(
                "nginx, plain",
                nginx_address,
                request("/plain/x", ""),
                Vec::clone(&pids),
            ),
        );
        rows.insert(
            1,
            row(
                "nginx, with the gateway's headers",
                nginx_address,
                request("/headers/x", ""),
                pids,
            ),
        );
    } else {
        println!("nginx is not installed; its row is missing");
    }
    for row in &rows {
        // Warm up: connections to the backend, caches, counters.
        row.sample(connections, Duration::from_secs(1)).await?;
    }
    for _ in 0..rounds {
        for row in &mut rows {
            let sample = row
                .sample(connections, Duration::from_secs(seconds))
                .await?;
            row.samples.push(sample);
        }
    }
    print(&rows, connections, process::memory_mib(gateway_pid)?);
    Ok(())
}

fn row(name: &'static str, address: SocketAddr, request: String, pids: Vec<u32>) -> Row {
    Row {
        name,
        requests: Requests::same(request),
        subject: Subject {
            address,
            pids,
            status: 200,
        },
        samples: vec![],
    }
}

impl Row {
    async fn sample(&self, connections: usize, time: Duration) -> anyhow::Result<Sample> {
        self.subject
            .sample(self.requests.clone(), connections, time)
            .await
    }

    fn median(&self, what: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(what))
    }

    /// CPU time of `floor` as a part of this one's: of each round, then the median. Neighbours on
    /// the machine slow both of a round down.
    fn beside(&self, floor: &Self) -> f64 {
        let rounds = self.samples.iter().zip(&floor.samples);
        median(rounds.map(|(own, floor)| floor.cpu_us / own.cpu_us))
    }
}

fn print(rows: &[Row], connections: usize, memory: f64) {
    println!("{connections} keep-alive connections, medians of the rounds\n");
    println!("| proxy | CPU µs/request | beside nginx plain | requests/s | p99 ms |");
    println!("|---|---:|---:|---:|---:|");
    let floor = rows.iter().find(|row| row.name.starts_with("nginx"));
    for row in rows {
        let beside = floor.map_or_else(
            || "–".to_owned(),
            |floor| format!("{:.2}", row.beside(floor)),
        );
        println!(
            "| {} | {:.1} | {beside} | {:.0} | {:.2} |",
            row.name,
            row.median(|sample| sample.cpu_us),
            row.median(|sample| sample.per_second),
            row.median(|sample| sample.p99_ms),
        );
    }
    println!("\nMemory of the gateway: {memory:.1} MiB");
}

/// A backend that answers 1 KiB at once.
async fn backend() -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = axum::Router::new().fallback(async || "x".repeat(1024));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

pub fn free<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let sockets: Vec<_> = (0..N)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let addresses: Vec<_> = sockets
        .iter()
        .map(std::net::TcpListener::local_addr)
        .collect::<Result<_, _>>()?;
    addresses
        .try_into()
        .map_err(|_| anyhow::anyhow!("not as many ports as asked for"))
}

fn start(
    binary: &Path,
    folder: &Path,
    proxy: SocketAddr,
    admin: SocketAddr,
    status: SocketAddr,
) -> anyhow::Result<Child> {
    Command::new(binary)
        .arg("gateway")
        .env("GATEWAY_LISTEN", proxy.to_string())
        .env("GATEWAY_ADMIN_LISTEN", admin.to_string())
        .env("GATEWAY_STATUS_LISTEN", status.to_string())
        .env("WICKETGATE_DATA", folder)
        .env("LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))
}

/// This program again, as the bare proxy.
fn floor(listen: SocketAddr, backend: SocketAddr) -> anyhow::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["floor", &listen.to_string(), &backend.to_string()])
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the bare proxy")
}

pub async fn wait(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{address} does not answer")
}

/// Two routes to the backend, one of them with key, group and a limit that is never met.
async fn configure(admin: SocketAddr, backend: SocketAddr) -> anyhow::Result<()> {
    wait(admin).await?;
    let client = Client::builder().no_proxy().build()?;
    let put = async |path: &str, body: Value| {
        let answer = client
            .put(format!("http://{admin}{path}"))
            .json(&body)
            .send()
            .await?;
        let status = answer.status();
        if status != StatusCode::OK {
            bail!("{path}: {status} {}", answer.text().await?);
        }
        Ok(())
    };
    for name in ["plain", "protected"] {
        put(
            &format!("/services/{name}"),
            json!({"url": format!("http://{backend}")}),
        )
        .await?;
        let route = json!({"paths": [format!("/{name}")], "service": {"name": name}});
        put(&format!("/routes/{name}"), route).await?;
    }
    put("/consumers/bench", json!({})).await?;
    put("/consumers/bench/acls/bench", json!({})).await?;
    put(
        "/consumers/bench/key-auth/6f7dc27c-8e6f-4dbb-9e76-4f6f4ac1e2a1",
        json!({"key": KEY}),
    )
    .await?;
    let service = json!({"name": "protected"});
    let plugins = [
        ("key-auth", json!({})),
        ("acl", json!({"allow": ["bench"]})),
        (
            "rate-limiting",
            json!({"hour": 1_000_000_000, "policy": "local"}),
        ),
    ];
    for (number, (name, config)) in plugins.into_iter().enumerate() {
        let body = json!({"name": name, "service": service, "config": config});
        put(
            &format!("/plugins/7a1c1d2e-0000-4000-8000-00000000000{number}"),
            body,
        )
        .await?;
    }
    Ok(())
}
