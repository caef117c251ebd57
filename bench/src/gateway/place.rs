//! A running gateway in front of a backend, and its Admin API.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail, ensure};
use axum::extract::Path as Segment;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::sample::Subject;

pub const KEY: &str = "bench-key-0123456789";

pub struct Place {
    pub proxy: SocketAddr,
    pub backend: SocketAddr,
    gateway: Child,
    admin: SocketAddr,
    client: Client,
    folder: TempDir,
}

impl Place {
    /// With one open route.
    pub async fn start(binary: &Path) -> anyhow::Result<Self> {
        Self::start_with(binary, &[]).await
    }

    /// With more in its environment.
    pub async fn start_with(binary: &Path, more: &[(&str, String)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let [proxy, admin, status] = free()?;
        let gateway = Command::new(binary)
            .arg("gateway")
            .env("GATEWAY_LISTEN", proxy.to_string())
            .env("GATEWAY_ADMIN_LISTEN", admin.to_string())
            .env("GATEWAY_STATUS_LISTEN", status.to_string())
            .env("WICKETGATE_DATA", folder.path())
            .env("LOG_LEVEL", "warn")
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        wait(admin).await?;
        let place = Self {
            proxy,
            backend: backend().await?,
            gateway,
            admin,
            client: Client::builder().no_proxy().build()?,
            folder,
        };
        place.publish("plain").await?;
        Ok(place)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        self.gateway.id().context("the gateway has ended")
    }

    pub fn subject(&self) -> anyhow::Result<Subject> {
        Ok(Subject {
            address: self.proxy,
            pids: vec![self.pid()?],
            status: 200,
        })
    }

    /// This program again, as the bare proxy.
    pub fn floor(&self, listen: SocketAddr) -> anyhow::Result<Child> {
        Command::new(std::env::current_exe()?)
            .args(["floor", &listen.to_string(), &self.backend.to_string()])
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the bare proxy")
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
        let url = format!("http://{}{path}", self.admin);
        let answer = self.client.request(method, url).json(&body).send().await?;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            answer.text().await?
        );
        Ok(())
    }

    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<()> {
        self.call(Method::PUT, path, body).await
    }

    /// A service at the backend with a route of the same name.
    pub async fn publish(&self, name: &str) -> anyhow::Result<()> {
        let service = json!({"url": format!("http://{}", self.backend)});
        self.put(&format!("/services/{name}"), service).await?;
        let route = json!({"paths": [format!("/{name}")], "service": {"name": name}});
        self.put(&format!("/routes/{name}"), route).await
    }

    pub async fn plugin(&self, service: &str, name: &str, config: Value) -> anyhow::Result<()> {
        let body = json!({"name": name, "service": {"name": service}, "config": config});
        self.call(Method::POST, "/plugins", body).await
    }

    /// `/protected`, with a key, a group, and a limit that is never met.
    pub async fn protect(&self) -> anyhow::Result<()> {
        self.publish("protected").await?;
        self.put("/consumers/bench", json!({})).await?;
        self.put("/consumers/bench/acls/bench", json!({})).await?;
        let key = json!({"key": KEY});
        self.call(Method::POST, "/consumers/bench/key-auth", key)
            .await?;
        let limit = json!({"hour": 1_000_000_000, "policy": "local"});
        self.plugin("protected", "key-auth", json!({})).await?;
        self.plugin("protected", "acl", json!({"allow": ["bench"]}))
            .await?;
        self.plugin("protected", "rate-limiting", limit).await
    }
}

/// A backend that answers at once with as many bytes as the path ends with.
pub async fn backend() -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = async |Segment(path): Segment<String>| {
        let bytes = path.rsplit('/').next().and_then(|bytes| bytes.parse().ok());
        "x".repeat(bytes.unwrap_or(1024).min(1 << 20))
    };
    let app = axum::Router::new().route("/{*path}", axum::routing::get(answer));
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

pub async fn wait(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{address} does not answer")
}
