//! The pages of the portal with a catalogue of a thousand APIs (portal-ui 28): time of the whole
//! answer, one request after the other, CPU time of the portal alone, and size as it is sent.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::{Client, header};
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tokio::process::{Child, Command};

use crate::{
    login,
    portal_api::{Place, api, edit},
    process, up,
};

const APIS: usize = 1000;
/// Of each API, so that there are 50,000.
const OPERATIONS: usize = 50;
const LARGE: usize = 11 << 20;
const SUBSCRIPTIONS: usize = 500;
const REQUESTS: usize = 200;
/// The administrator of the place.
const EMAIL: &str = "admin@example.org";
/// Beside those of `up`.
const PORT: u16 = 25_020;

/// What is measured, and what is promised.
struct Case {
    name: &'static str,
    path: String,
    target_ms: u32,
    target_kb: Option<usize>,
}

pub async fn run(binary: &Path) -> anyhow::Result<()> {
    let place = Place::new(APIS, None)?;
    let configuration = place.configuration();
    for number in 0..APIS {
        let file = configuration
            .join("apis")
            .join(api(number))
            .join("swagger.json");
        fs::write(file, definition(&api(number), OPERATIONS, "").to_string())?;
    }
    let large = large();
    println!("large definition: {:.1} MB", mb(large.len()));
    fs::write(
        configuration.join("apis").join(api(1)).join("swagger.json"),
        large,
    )?;
    edit(&configuration.join("apis/apis.json"), |file| {
        for entry in file["apis"].as_array_mut().into_iter().flatten() {
            entry["plans"] = json!(["free"]);
        }
    })?;
    let data = place.data();
    let client = Client::builder().no_proxy().build()?;
    let (_, mut up) = up::ready(binary, &data, Some(&configuration), &client).await?;
    let master = MasterKey::parse(&fs::read_to_string(data.join("master.key"))?)?;
    let identity = Identity::new(ServiceName::AuthServer, Keys::from_master(master));
    subscribe(&client, &identity).await?;
    // Nobody else may have the database open meanwhile.
    up.kill().await?;
    let password = up::password(binary, &data, EMAIL).await?;
    let (_, up) = up::ready(binary, &data, Some(&configuration), &client).await?;
    let cookie = login::log_in(&up::url("portal", "/login"), EMAIL, &password).await?;

    let (mut portal, pid) = start(binary, &data, &client).await?;
    println!("memory at start: {:.1} MiB", process::memory_mib(pid)?);
    let page = async |path: &str| request(&client, path, &cookie).await;
    let before = process::memory_mib(pid)?;
    let parsed = Instant::now();
    let large = format!("/apis/{}/reference/op{}", api(1), OPERATIONS);
    page(&large).await?;
    let parsed = parsed.elapsed();
    let peak = process::peak_mib(pid)? - before;
    println!(
        "first page of the large definition: {} ms (target 2000), {peak:.0} MiB more (target 400), \
         {:.1} MiB after it",
        parsed.as_millis(),
        process::memory_mib(pid)?
    );
    let indexed = Instant::now();
    page("/search?q=thing").await?;
    println!(
        "first search: {} ms, {:.1} MiB after it",
        indexed.elapsed().as_millis(),
        process::memory_mib(pid)?
    );

    println!(
        "\n| page | p50 ms | p95 ms | target | CPU ms of the portal | kB gzip | target | MiB after it |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let cases = [
        case("list of 1,000 APIs", "/apis", 30, Some(60)),
        case("operation of the large definition", &large, 50, Some(100)),
        case(
            "application with 500 subscriptions",
            "/applications/bench",
            60,
            None,
        ),
        case(
            "search over 50,000 operations",
            "/search?q=thing%20number%207",
            50,
            None,
        ),
        case("search with a typing error", "/search?q=thign", 50, None),
    ];
    for case in cases {
        measure(&case, pid, async || page(&case.path).await).await?;
    }
    println!(
        "\nmemory: {:.1} MiB (target 80), at most {:.1} MiB",
        process::memory_mib(pid)?,
        process::peak_mib(pid)?
    );
    portal.kill().await?;
    drop(up);
    Ok(())
}

fn case(name: &'static str, path: &str, target_ms: u32, target_kb: Option<usize>) -> Case {
    Case {
        name,
        path: path.to_owned(),
        target_ms,
        target_kb,
    }
}

async fn measure(
    case: &Case,
    pid: u32,
    page: impl AsyncFn() -> anyhow::Result<usize>,
) -> anyhow::Result<()> {
    let mut size = 0;
    for _ in 0..20 {
        size = page().await?;
    }
    let cpu = process::cpu(&[pid])?;
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let sent = Instant::now();
        page().await?;
        times.push(sent.elapsed());
    }
    let requests = u32::try_from(REQUESTS)?;
    let cpu = process::cpu(&[pid])?.saturating_sub(cpu) / requests;
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let target = case.target_kb.map(|kb| kb.to_string()).unwrap_or_default();
    println!(
        "| {} | {:.1} | {:.1} | {} | {:.1} | {:.0} | {target} | {:.1} |",
        case.name,
        ms(times[REQUESTS / 2]),
        ms(times[REQUESTS * 95 / 100]),
        case.target_ms,
        ms(cpu),
        mb(size) * 1e3,
        process::memory_mib(pid)?,
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// An own process beside the one of `up`, with the same session keys.
async fn start(binary: &Path, data: &Path, client: &Client) -> anyhow::Result<(Child, u32)> {
    let child = Command::new(binary)
        .arg("portal")
        .env("PORT", PORT.to_string())
        .env("WICKETGATE_DATA", data)
        .env("WICKETGATE_MASTER_KEY_FILE", data.join("master.key"))
        .env("PORTAL_API_URL", up::url("api", "/"))
        .env("PORTAL_AUTHSERVER_URL", up::url("auth", "/"))
        .env("LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the portal")?;
    let started = Instant::now();
    let url = format!("http://127.0.0.1:{PORT}/readyz");
    loop {
        let answer = client.get(&url).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            break;
        }
        if started.elapsed() > Duration::from_secs(30) {
            bail!("the portal is not ready after 30 s");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pid = child.id().context("it has ended")?;
    Ok((child, pid))
}

/// Bytes of the body as it is sent.
async fn request(client: &Client, path: &str, cookie: &str) -> anyhow::Result<usize> {
    let known_as = up::url("portal", "").replace("http://", "");
    let answer = client
        .get(format!("http://127.0.0.1:{PORT}{path}"))
        .header(header::HOST, known_as)
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT, "text/html")
        .header(header::ACCEPT_ENCODING, "gzip")
        .send()
        .await?;
    let status = answer.status();
    if status != 200 {
        bail!("{path}: {status}");
    }
    Ok(answer.bytes().await?.len())
}

async fn subscribe(client: &Client, identity: &Identity) -> anyhow::Result<()> {
    let body = json!({"id": "bench", "name": "bench"});
    up::post(client, identity, "/applications", &body).await?;
    for number in 0..SUBSCRIPTIONS {
        let body = json!({"application": "bench", "api": api(number), "plan": "free"});
        up::post(client, identity, "/applications/bench/subscriptions", &body).await?;
    }
    Ok(())
}

/// With `filling` in every description.
fn definition(name: &str, operations: usize, filling: &str) -> Value {
    let mut paths = json!({});
    for number in 0..operations {
        paths[format!("/things{number}/{{id}}")] = json!({"get": {
            "operationId": format!("op{number}"), "summary": format!("Read thing number {number} of {name}"),
            "description": filling, "tags": [format!("Part {}", number % 20)],
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "A thing", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Thing"},
            }}}},
        }});
    }
    json!({
        "openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": paths,
        "components": {"schemas": {"Thing": {"type": "object", "properties": {
            "name": {"type": "string", "description": "Its name."},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        }}}},
    })
}

fn large() -> String {
    let filling = "What this operation does is told at length. ".repeat(50);
    let one = definition("large", 1, &filling).to_string().len();
    definition("large", LARGE / one, &filling).to_string()
}
