//! A microgateway with 20 APIs: how soon it serves, and what it needs.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::place::{backend, free};
use crate::{
    load::{self, Requests},
    process,
};

const APIS: usize = 20;
const STARTS: usize = 11;
const PATIENCE: Duration = Duration::from_secs(10);
const LOAD: Duration = Duration::from_secs(5);

pub async fn run(binary: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = fs::canonicalize(binary)?;
    let tool = async |arguments: &[&str]| -> anyhow::Result<String> {
        let mut command = Command::new(&binary);
        command.current_dir(folder.path()).arg("gateway");
        let output = command.args(arguments).output().await?;
        let reason = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {reason}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let configuration = folder.path().join("configuration");
    config::sample::write_to(&configuration)?;
    let names = many_apis(&configuration, backend().await?)?;
    let mut setup = vec!["setup", "edge", "--from", "configuration"];
    for name in &names {
        setup.extend(["--api", name.as_str()]);
    }
    tool(&setup).await?;
    let who = ["--application", "shop", "--plan", "unlimited"];
    let mut key = String::new();
    for api in &names {
        key = tool(
            &[
                &["subscribe", "edge", "--api", api.as_str()],
                who.as_slice(),
            ]
            .concat(),
        )
        .await?;
    }
    let begun = Instant::now();
    tool(&["build", "edge", "-o", "edge.one"]).await?;
    let built = begun.elapsed();

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(&binary, folder.path()).await?.1);
    }
    starts.sort();
    let (child, _, proxy) = start(&binary, folder.path()).await?;
    let pid = child.id().context("it has ended")?;
    let idle = process::memory_mib(pid)?;
    let path = &names[APIS - 1];
    let request = format!("GET /{path}/64 HTTP/1.1\r\nHost: edge\r\nX-ApiKey: {key}\r\n\r\n");
    let loaded = load::run(proxy, Requests::same(request), 200, 16, LOAD).await?;
    println!("| microgateway with {APIS} APIs | |");
    println!("|---|---:|");
    println!("| build | {} ms |", built.as_millis());
    println!(
        "| start to the first answer, median of {STARTS} | {} ms |",
        starts[STARTS / 2].as_millis()
    );
    println!("| slowest | {} ms |", starts[STARTS - 1].as_millis());
    println!("| memory at rest | {idle:.1} MiB |");
    println!(
        "| memory after {} calls with a key | {:.1} MiB |",
        loaded.requests,
        process::memory_mib(pid)?
    );
    Ok(())
}

/// The sample with so many APIs in the place of its own.
fn many_apis(configuration: &Path, backend: SocketAddr) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = (1..=APIS).map(|number| format!("api-{number}")).collect();
    let api = |name: &String| {
        json!({
            "id": name, "name": name, "desc": name, "auth": "key-auth", "plans": ["unlimited"]
        })
    };
    let apis: Vec<Value> = names.iter().map(api).collect();
    let list = json!({ "apis": apis }).to_string();
    fs::write(configuration.join("apis/apis.json"), list)?;
    for name in &names {
        let folder = configuration.join("apis").join(name);
        fs::create_dir_all(&folder)?;
        let route = json!({ "paths": [format!("/{name}")], "strip_path": true });
        let upstream = format!("http://{backend}/");
        let config = json!({
            "api": { "name": name, "upstream_url": upstream, "routes": [route] }, "plugins": []
        });
        fs::write(folder.join("config.json"), config.to_string())?;
    }
    Ok(names)
}

/// Starts it in a folder where nothing else is; how long until it answers.
async fn start(binary: &Path, folder: &Path) -> anyhow::Result<(Child, Duration, SocketAddr)> {
    let [proxy, admin, status] = free()?;
    let mut command = Command::new(binary);
    command
        .args(["gateway", "run", "edge.one"])
        .current_dir(folder)
        .env("GATEWAY_LISTEN", proxy.to_string())
        .env("GATEWAY_ADMIN_LISTEN", admin.to_string())
        .env("GATEWAY_STATUS_LISTEN", status.to_string())
        .env("LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true);
    let begun = Instant::now();
    let child = command.spawn()?;
    loop {
        let request = Client::builder().no_proxy().build()?;
        match request.get(format!("http://{proxy}/")).send().await {
            Ok(_) => return Ok((child, begun.elapsed(), proxy)),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}
