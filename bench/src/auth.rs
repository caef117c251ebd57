//! The auth server: tokens for clients and introspections, each beside a bare handler that is measured
//! in the same run, and refreshes.

mod floor;

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};
use url::form_urlencoded;

use crate::{
    gateway::{free, wait},
    load::Requests,
    portal_api::{Place, PortalApi, edit},
    process,
    sample::Subject,
    table::{self, Rounds, Row},
};
pub use floor::Floor;

const API: &str = "orders";
const PASSWORD: &str = "bench password";
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Families that are refreshed side by side.
const FAMILIES: usize = 16;

/// Measures the binary on `database`, or on SQLite, and memory after `tokens` tokens.
pub async fn run(
    binary: &Path,
    database: Option<&str>,
    rounds: Rounds,
    tokens: u64,
) -> anyhow::Result<()> {
    let [address] = free()?;
    let place = Place::new(0, database)?.with_auth_server(address);
    configure(&place.configuration())?;
    let portal_api = place.start(binary).await?;
    let client = Credentials::subscribe(&portal_api).await?;
    let server = Server::start(binary, &place, &portal_api, address, database).await?;
    let token = server
        .token(&client.form("client_credentials", &[]))
        .await?;
    let token = token["access_token"]
        .as_str()
        .context("no token")?
        .to_owned();
    let (floor, floor_process) = start_floor(&place, database).await?;
    let floor_pid = floor_process.id().context("the floor has ended")?;

    let issue = client.form("client_credentials", &[]);
    let introspect = client.form("", &[("token", token.as_str())]);
    table::print_head();
    for (name, path, form) in [
        ("client credentials", "/auth/oauth2/token", &issue),
        ("introspection", "/auth/oauth2/introspect", &introspect),
    ] {
        for connections in CONNECTIONS {
            let row = |name, address, pid| {
                let subject = Subject {
                    address,
                    pids: vec![pid],
                    status: 200,
                };
                Row::new(name, Requests::same(post(path, form)), subject)
            };
            let rows = vec![
                row("bare", floor, floor_pid),
                row("auth server", address, server.pid),
            ];
            table::compare(name, connections, rows, rounds).await?;
        }
    }
    refreshes(&server, &client, rounds.time).await?;
    println!(
        "\nMemory of the auth server: {:.1} MiB",
        process::memory_mib(server.pid)?
    );
    issue_many(&server, &post("/auth/oauth2/token", &issue), tokens).await?;
    println!(
        "after {tokens} more tokens: {:.1} MiB, at most {:.1} MiB",
        process::memory_mib(server.pid)?,
        process::peak_mib(server.pid)?,
    );
    Ok(())
}

/// An API with the flows that are measured, and an administrator with a password.
fn configure(configuration: &Path) -> anyhow::Result<()> {
    edit(&configuration.join("globals.json"), |globals| {
        globals["initialUsers"][0]["password"] = PASSWORD.into();
    })?;
    edit(&configuration.join("apis/apis.json"), |file| {
        for api in file["apis"].as_array_mut().into_iter().flatten() {
            if api["id"] == API {
                api["settings"]["enable_password_grant"] = true.into();
                api["settings"]["enable_client_credentials"] = true.into();
                // Nobody registers here.
                api["registrationPool"] = "".into();
            }
        }
    })
}

fn post(path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// A client of the API.
struct Credentials {
    id: String,
    secret: String,
}

impl Credentials {
    async fn subscribe(portal_api: &PortalApi) -> anyhow::Result<Self> {
        let application = json!({"id": "bench", "name": "bench", "clientType": "confidential",
            "redirectUris": ["https://bench.example/callback"]});
        portal_api
            .call(Method::POST, "/applications", Some(&application))
            .await?;
        let body =
            json!({"application": "bench", "api": API, "plan": "unlimited", "trusted": true});
        let path = "/applications/bench/subscriptions";
        let made = portal_api.call(Method::POST, path, Some(&body)).await?;
        let text = |name: &str| {
            made[name]
                .as_str()
                .map(str::to_owned)
                .context(name.to_owned())
        };
        Ok(Self {
            id: text("clientId")?,
            secret: text("clientSecret")?,
        })
    }

    /// A form in which the client proves who it is.
    fn form(&self, grant: &str, more: &[(&str, &str)]) -> String {
        let members = [
            ("grant_type", grant),
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.as_str()),
        ];
        let all = members
            .iter()
            .chain(more)
            .filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(all)
            .finish()
    }
}

struct Server {
    address: SocketAddr,
    pid: u32,
    client: Client,
    /// Ended when this is dropped.
    _process: Child,
}

impl Server {
    async fn start(
        binary: &Path,
        place: &Place,
        portal_api: &PortalApi,
        address: SocketAddr,
        database: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command
            .arg("auth-server")
            .env("PORT", address.port().to_string())
            .env("PORTAL_API_URL", format!("http://{}/", portal_api.address))
            .env("PORTAL_AUTHSERVER_URL", format!("http://{address}/"))
            .env("WICKETGATE_DATA", place.data())
            .env(
                "WICKETGATE_MASTER_KEY_FILE",
                place.data().join("master.key"),
            )
            .env("ALLOW_PASSWORD_GRANT", "true")
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        let process = command.spawn().context("cannot start the auth server")?;
        let client = Client::builder().no_proxy().build()?;
        let started = Instant::now();
        loop {
            let answer = client.get(format!("http://{address}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if started.elapsed() > Duration::from_mins(1) {
                bail!("the auth server is not ready after a minute");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Self {
            address,
            pid: process.id().context("the auth server has ended")?,
            client,
            _process: process,
        })
    }

    /// `POST /auth/oauth2/token`
    async fn token(&self, form: &str) -> anyhow::Result<Value> {
        token(&self.client, self.address, form).await
    }
}

async fn token(client: &Client, address: SocketAddr, form: &str) -> anyhow::Result<Value> {
    let answer = client
        .post(format!("http://{address}/auth/oauth2/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{status} {text}");
    Ok(serde_json::from_str(&text)?)
}

/// Families side by side, each refreshed with what its last refresh gave.
async fn refreshes(server: &Server, client: &Credentials, time: Duration) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let user = [("username", "admin@example.org"), ("password", PASSWORD)];
    for _ in 0..FAMILIES {
        let first = server.token(&client.form("password", &user)).await?;
        let mut refresh = first["refresh_token"]
            .as_str()
            .context("no refresh token")?
            .to_owned();
        let (http, address) = (server.client.clone(), server.address);
        let (id, secret) = (client.id.clone(), client.secret.clone());
        tasks.spawn(async move {
            let client = Credentials { id, secret };
            let (until, mut times) = (Instant::now() + time, Vec::new());
            while Instant::now() < until {
                let form = client.form("refresh_token", &[("refresh_token", &refresh)]);
                let sent = Instant::now();
                let next = token(&http, address, &form).await?;
                times.push(sent.elapsed());
                let text = next["refresh_token"].as_str().context("no refresh token")?;
                text.clone_into(&mut refresh);
            }
            anyhow::Ok(times)
        });
    }
    let began = Instant::now();
    let mut times = Vec::new();
    while let Some(result) = tasks.join_next().await {
        times.extend(result??);
    }
    times.sort_unstable();
    let percentile = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let per_second = times.len() as f64 / began.elapsed().as_secs_f64();
    println!(
        "| refresh | {FAMILIES} | auth server | {per_second:.0} | | | {:.2} | {:.2} |",
        percentile(50),
        percentile(99)
    );
    Ok(())
}

async fn issue_many(server: &Server, request: &str, tokens: u64) -> anyhow::Result<()> {
    let mut issued = 0;
    while issued < tokens {
        let requests = Requests::same(request.to_owned());
        let time = Duration::from_secs(1);
        let load = crate::load::run(server.address, requests, 200, 16, time).await?;
        issued += load.requests;
    }
    Ok(())
}

/// This program again, on the same data.
async fn start_floor(place: &Place, database: Option<&str>) -> anyhow::Result<(SocketAddr, Child)> {
    let [address] = free()?;
    let url = database.map_or_else(
        || format!("sqlite://{}", place.data().join("auth-server.db").display()),
        str::to_owned,
    );
    let child = Command::new(std::env::current_exe()?)
        .args([
            "auth-floor",
            "--listen",
            &address.to_string(),
            "--database",
            &url,
        ])
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the floor")?;
    wait(address).await?;
    Ok((address, child))
}
