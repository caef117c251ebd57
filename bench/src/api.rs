//! Reads and writes of portal-api, each beside two floors that are measured in the same run: a bare
//! handler that returns the same bytes, and one that runs the same statements before it does.

mod floor;
mod statements;
mod token;

use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    gateway::{free, wait},
    load::Requests,
    portal_api::{Place, PortalApi, api},
    process,
    sample::Subject,
    table::{self, Rounds, Row},
};
pub use floor::Floor;
use statements::{APPLICATION, READ, READ_BY_TOKEN, SUBSCRIBE, Statement};
use token::Issuer;

const APIS: usize = 100;
/// With the APIs they make 60,000 subscriptions possible.
const APPLICATIONS: usize = 600;
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// What is asked for.
#[derive(Clone, Copy)]
enum What {
    /// From the configuration, by a service for itself.
    Plans,
    /// One row, by a service for a user.
    Application,
    /// The same by a user's access token.
    ApplicationByToken,
    /// A subscription that is approved at once: row, credential, event, audit record.
    Subscribe,
}

impl What {
    const ALL: [Self; 4] = [
        Self::Plans,
        Self::Application,
        Self::ApplicationByToken,
        Self::Subscribe,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Plans => "GET /plans",
            Self::Application => "GET /applications/{id}",
            Self::ApplicationByToken => "the same, user token",
            Self::Subscribe => "POST …/subscriptions",
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Subscribe => "POST",
            _ => "GET",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Subscribe => 201,
            _ => 200,
        }
    }

    const fn statements(self) -> &'static [Statement] {
        match self {
            Self::Plans => &[],
            Self::Application => &READ,
            Self::ApplicationByToken => &READ_BY_TOKEN,
            Self::Subscribe => &SUBSCRIBE,
        }
    }
}

/// Measures the binary on `database`, or on SQLite.
pub async fn run(binary: &Path, database: Option<&str>, rounds: Rounds) -> anyhow::Result<()> {
    let issuer = Issuer::start().await?;
    let place = Place::new(APIS, database)?.with_auth_server(issuer.address);
    let server = place.start(binary).await?;
    let mut bench = Bench::prepare(server, &issuer).await?;
    let answers = tempfile::tempdir()?;
    for (number, what) in What::ALL.into_iter().enumerate() {
        fs::write(
            answers.path().join(number.to_string()),
            bench.answer(what).await?,
        )?;
    }
    let (address, floor) = start_floor(&place, answers.path(), database).await?;
    let floor = (address, floor.id().context("the floor has ended")?);
    table::print_head();
    for (number, what) in What::ALL.into_iter().enumerate() {
        for connections in CONNECTIONS {
            let rows = rows(&mut bench, what, number, floor)?;
            table::compare(what.name(), connections, rows, rounds).await?;
        }
    }
    let memory = process::memory_mib(bench.server.pid)?;
    println!("\nMemory of portal-api: {memory:.1} MiB");
    Ok(())
}

/// The floors and portal-api, which comes last: its floor is the one before it.
fn rows(
    bench: &mut Bench,
    what: What,
    number: usize,
    (address, pid): (SocketAddr, u32),
) -> anyhow::Result<Vec<Row>> {
    let status = what.status();
    let row = |name, requests, address, pid| {
        let subject = Subject {
            address,
            pids: vec![pid],
            status,
        };
        Row::new(name, requests, subject)
    };
    let floor = |name, path| {
        let line = format!("{} /{path}/{number}", what.method());
        row(name, Requests::same(head(&line, "")), address, pid)
    };
    let mut rows = vec![floor("bytes", "bytes")];
    if !what.statements().is_empty() {
        rows.push(floor("bytes and statements", "statements"));
    }
    let requests = bench.requests(what)?;
    let server = &bench.server;
    rows.push(row("portal-api", requests, server.address, server.pid));
    Ok(rows)
}

/// The server with what is asked of it.
struct Bench {
    server: PortalApi,
    token: String,
    /// How many subscriptions were asked for.
    subscribed: usize,
}

impl Bench {
    async fn prepare(server: PortalApi, issuer: &Issuer) -> anyhow::Result<Self> {
        for number in 0..APPLICATIONS {
            let id = application(number);
            let body = json!({"id": id, "name": id});
            server
                .call(Method::POST, "/applications", Some(&body))
                .await?;
        }
        let portal = server
            .call(Method::GET, "/applications/__portal/subscriptions", None)
            .await?;
        let client = portal[0]["clientId"]
            .as_str()
            .context("the portal has no subscription")?;
        let token = issuer.token(client)?;
        Ok(Self {
            server,
            token,
            subscribed: 0,
        })
    }

    /// The body of one answer.
    async fn answer(&mut self, what: What) -> anyhow::Result<Vec<u8>> {
        let path = match what {
            What::Plans => "/plans".to_owned(),
            What::Application | What::ApplicationByToken => format!("/applications/{APPLICATION}"),
            What::Subscribe => {
                let (path, body) = self.next_subscription();
                let answer = self.server.call(Method::POST, &path, Some(&body)).await?;
                return Ok(answer.to_string().into_bytes());
            }
        };
        let answer = self.server.call(Method::GET, &path, None).await?;
        Ok(answer.to_string().into_bytes())
    }

    fn requests(&mut self, what: What) -> anyhow::Result<Requests> {
        let read = format!("GET /applications/{APPLICATION}");
        Ok(match what {
            What::Plans => Requests::same(head("GET /plans", &self.server.service_header()?)),
            What::Application => Requests::same(head(&read, &self.server.headers()?)),
            What::ApplicationByToken => {
                let token = format!("Authorization: Bearer {}\r\n", self.token);
                Requests::same(head(&read, &token))
            }
            What::Subscribe => {
                // Never more than a run can use up.
                let headers = self.server.headers()?;
                let requests = (0..APIS * APPLICATIONS / CONNECTIONS.len() - 1)
                    .map(|_| {
                        let (path, body) = self.next_subscription();
                        let body = body.to_string();
                        let length = body.len();
                        let line = format!("POST {path}");
                        let more = format!(
                            "{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n"
                        );
                        head(&line, &more) + &body
                    })
                    .collect();
                Requests::each(requests)
            }
        })
    }

    /// One that does not exist yet.
    fn next_subscription(&mut self) -> (String, Value) {
        let id = application(self.subscribed % APPLICATIONS);
        let api = api(self.subscribed / APPLICATIONS);
        self.subscribed += 1;
        let body = json!({"application": id, "api": api, "plan": "unlimited"});
        (format!("/applications/{id}/subscriptions"), body)
    }
}

fn application(number: usize) -> String {
    format!("app-{number}")
}

fn head(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n")
}

/// This program again, on the same data.
async fn start_floor(
    place: &Place,
    answers: &Path,
    database: Option<&str>,
) -> anyhow::Result<(SocketAddr, Child)> {
    let [address] = free()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["api-floor", "--listen", &address.to_string(), "--answers"])
        .arg(answers);
    match database {
        Some(url) => command.args(["--database", url]),
        None => command
            .arg("--file")
            .arg(place.data().join("portal-api.db")),
    };
    let child = command
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the floor")?;
    wait(address).await?;
    Ok((address, child))
}
