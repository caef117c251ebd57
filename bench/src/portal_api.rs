//! A portal-api of its own, with as many APIs as wanted.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The administrator that every installation here has.
pub const USER: &str = "1";
pub const SCOPES: &str = "read_applications write_applications read_subscriptions \
    write_subscriptions read_users write_users read_approvals read_apis read_plans read_groups \
    read_content read_auditlog read_registrations write_registrations webhooks restart_api";

/// A running portal-api.
pub struct PortalApi {
    pub address: SocketAddr,
    pub pid: u32,
    pub client: Client,
    /// How long it took from start to ready.
    pub start: Duration,
    identity: Identity,
    /// Ended when this is dropped.
    _process: Child,
}

/// What it runs on.
pub struct Place {
    folder: TempDir,
    /// Nothing for SQLite.
    database: Option<String>,
    /// Whose access tokens count.
    auth_server: Option<SocketAddr>,
}

impl Place {
    /// With `apis` APIs in the configuration.
    pub fn new(apis: usize, database: Option<&str>) -> anyhow::Result<Self> {
        let place = Self {
            folder: tempfile::tempdir()?,
            database: database.map(str::to_owned),
            auth_server: None,
        };
        let configuration = place.configuration();
        copy(Path::new("static-config"), &configuration).context("static-config")?;
        edit(&configuration.join("globals.json"), |globals| {
            globals["initialUsers"] = json!([{
                "id": USER, "email": "admin@example.org", "validated": true, "groups": ["admin"],
            }]);
        })?;
        edit(&configuration.join("apis/apis.json"), |file| {
            let list = file["apis"].as_array_mut().expect("apis.json has a list");
            list.extend((0..apis).map(|number| {
                json!({
                    "id": api(number), "name": api(number), "desc": "One of many", "auth": "key-auth",
                    "plans": ["free", "unlimited"], "tags": ["many"],
                })
            }));
        })?;
        for number in 0..apis {
            let folder = configuration.join("apis").join(api(number));
            fs::create_dir(&folder)?;
            let config = json!({"api": {
                "name": api(number), "upstream_url": "http://localhost:3009/",
                "routes": [{"paths": [format!("/{}", api(number))]}],
            }});
            fs::write(folder.join("config.json"), config.to_string())?;
            let definition = json!({
                "openapi": "3.0.3", "info": {"title": api(number), "version": "1"},
                "paths": {"/things": {"get": {"responses": {"200": {"description": "Things"}}}}},
            });
            fs::write(folder.join("swagger.json"), definition.to_string())?;
        }
        Ok(place)
    }

    pub fn with_auth_server(mut self, address: SocketAddr) -> Self {
        self.auth_server = Some(address);
        self
    }

    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// For reading and writing beside portal-api, while it does not run.
    pub fn database_url(&self) -> String {
        let file = self.data().join("portal-api.db");
        self.database.as_ref().map_or_else(
            || format!("sqlite://{}", file.display()),
            |url| format!("{url}?options=-csearch_path%3Dwicketgate"),
        )
    }

    pub async fn start(&self, binary: &Path) -> anyhow::Result<PortalApi> {
        let [address, echo] = crate::gateway::free()?;
        let mut command = Command::new(binary);
        command
            .arg("portal-api")
            .env("PORT", address.port().to_string())
            .env("ECHO_PORT", echo.port().to_string())
            .env("PORTAL_API_STATIC_CONFIG", self.configuration())
            .env("WICKETGATE_DATA", self.data())
            .env("PORTAL_API_RATE_LIMIT", "0")
            .env("EVENT_ALLOWED_NETWORKS", "127.0.0.0/8")
            .env("EVENT_ALLOWED_PORTS", "*")
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        if let Some(address) = self.auth_server {
            command.env("PORTAL_AUTHSERVER_URL", format!("http://{address}/"));
        }
        let started = Instant::now();
        let process = command.spawn().context("cannot start portal-api")?;
        let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
        let client = Client::builder().no_proxy().build()?;
        loop {
            let answer = client.get(format!("http://{address}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if started.elapsed() > Duration::from_mins(1) {
                bail!("portal-api is not ready after a minute");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let start = started.elapsed();
        let master = MasterKey::parse(&fs::read_to_string(self.data().join("master.key"))?)?;
        Ok(PortalApi {
            address,
            pid: process.id().context("portal-api has ended")?,
            client,
            start,
            identity: Identity::new(ServiceName::AuthServer, Keys::from_master(master)),
            _process: process,
        })
    }
}

/// Id of one of the many APIs: letters only, as ids of APIs are.
pub fn api(number: usize) -> String {
    let letter = |digit: usize| char::from(b"abcdefghij"[digit % 10]);
    let digits = [1000, 100, 10, 1].map(|unit| letter(number / unit));
    format!("many-{}", String::from_iter(digits))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Changes a JSON file.
pub fn edit(file: &Path, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
    let mut value = serde_json::from_slice(&fs::read(file)?)?;
    change(&mut value);
    fs::write(file, value.to_string())?;
    Ok(())
}

impl PortalApi {
    /// The header of a service that speaks for itself.
    pub fn service_header(&self) -> anyhow::Result<String> {
        let token = self.identity.token_for(ServiceName::PortalApi)?;
        Ok(format!("Authorization: Bearer {token}\r\n"))
    }

    /// The headers of a service that speaks for the administrator.
    pub fn headers(&self) -> anyhow::Result<String> {
        Ok(format!(
            "{}X-Authenticated-UserId: sub={USER}\r\nX-Authenticated-Scope: {SCOPES}\r\n",
            self.service_header()?
        ))
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self
            .client
            .request(method, format!("http://{}{path}", self.address))
            .bearer_auth(self.identity.token_for(ServiceName::PortalApi)?)
            .header("X-Authenticated-UserId", format!("sub={USER}"))
            .header("X-Authenticated-Scope", SCOPES);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
