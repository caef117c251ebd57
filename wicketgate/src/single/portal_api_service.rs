//! portal-api alone: finds its configuration as wicked's deployments give it.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail};
use config::{Configuration, Environment, Origin, Start, Trouble, globals::PostgresStorage};
use migrations::Location;
use service::{
    ServiceName,
    backoff::Backoff,
    health::Readiness,
    keys::{Keys, Purpose},
    settings,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{events, listen_on, networks, rate_limits};
use crate::{keys, ports, source};

pub async fn run(
    data: &Path,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    keys::prepare_folder(data)?;
    let listener = listen_on("PORT", ports::own(ServiceName::PortalApi))?;
    let echo = listen_on("ECHO_PORT", 3009)?;
    let settings = prepare(data, readiness.clone());
    portal_api::serve_when(settings, listener, echo, readiness, shutdown).await
}

/// Waits for the repository as long as it takes.
async fn prepare(data: &Path, readiness: Readiness) -> anyhow::Result<portal_api::Settings> {
    let keys = keys::from_environment_or_file(data)?;
    let origin = origin(data)?;
    let mut environment = Environment::new(settings::all());
    environment.hash_key = Some(
        keys.derive(&Purpose::EventData)?
            .hmac_sha256(b"configuration hash"),
    );
    let mut backoff = Backoff::for_start();
    loop {
        match source::attempt(&origin, &environment).await? {
            Ok(start) => return from_environment(data, keys, origin, environment, start),
            Err(Trouble::Refused { problems, .. }) => {
                bail!("the configuration was refused:\n{problems}")
            }
            Err(trouble) => readiness.waiting(trouble.to_string()),
        }
        backoff.wait().await;
    }
}

/// `GIT_REPO`, else the folder of `PORTAL_API_STATIC_CONFIG`, `PORTAL_CONFIG_BASE`/static or
/// /var/portal-api/static, else the sample.
fn origin(data: &Path) -> anyhow::Result<Origin> {
    match settings::var("GIT_REPO") {
        Some(address) => source::repository(&address, data).context("GIT_REPO"),
        None => Ok(folder()?.map_or_else(Origin::sample, Origin::Folder)),
    }
}

fn folder() -> anyhow::Result<Option<std::path::PathBuf>> {
    if let Some(folder) = settings::var("PORTAL_API_STATIC_CONFIG") {
        let folder = std::path::PathBuf::from(folder);
        if !folder.join("globals.json").exists() && !folder.join("static/globals.json").exists() {
            bail!(
                "PORTAL_API_STATIC_CONFIG: there is no globals.json in {}",
                folder.display()
            );
        }
        return Ok(Some(folder));
    }
    let base = settings::var("PORTAL_CONFIG_BASE").map(|base| Path::new(&base).join("static"));
    let candidates = base
        .into_iter()
        .chain([Path::new("/var/portal-api/static").to_owned()]);
    Ok(candidates
        .into_iter()
        .find(|folder| folder.join("globals.json").exists()))
}

fn from_environment(
    data: &Path,
    keys: Keys,
    origin: Origin,
    environment: Environment,
    start: Start,
) -> anyhow::Result<portal_api::Settings> {
    let health_ms: u64 = settings::parsed::<i64>("PORTAL_API_HEALTH_INTERVAL")?
        .map_or(30_000, |interval| interval.max(0).unsigned_abs());
    Ok(portal_api::Settings {
        database: database(data, &start.configuration)?,
        database_connections: settings::parsed("POSTGRES_MAX_CLIENTS")?.unwrap_or(10),
        keys,
        password_cost: portal_api::passwords::Cost::default(),
        data: data.to_owned(),
        neighbours: portal_api::Neighbours {
            portal: url("PORTAL_PORTAL_URL", "http://portal:3000/")?,
            auth_server: auth_server()?,
            gateway: url("PORTAL_KONG_PROXY_URL", "http://kong:8000/")?,
        },
        trusted_peers: networks("PORTAL_API_TRUSTED_PEERS")?,
        allow_any_redirect_uri: settings::var("ALLOW_ANY_REDIRECT_URI").is_some(),
        unconfirmed_days: settings::parsed("UNCONFIRMED_ACCOUNTS_DAYS")?,
        rate_limits: rate_limits()?,
        events: events()?,
        health_interval: Duration::from_millis(health_ms),
        first_admin: None,
        configuration: start.configuration,
        source: source::following(origin, environment, start.trouble)?,
    })
}

/// `DATABASE_URL`, else `globals.storage` of type `postgres`, else a file in the data folder.
fn database(data: &Path, configuration: &Configuration) -> anyhow::Result<Location> {
    if let Some(url) = settings::secret("DATABASE_URL")? {
        return Location::parse(&url).context("DATABASE_URL");
    }
    match &configuration.globals.storage {
        Some(storage) => postgres(storage),
        None => Ok(Location::in_folder(data, "portal-api.db")),
    }
}

fn postgres(storage: &PostgresStorage) -> anyhow::Result<Location> {
    let mut url = Url::parse("postgres://localhost").expect("a literal address is valid");
    let invalid = || anyhow::anyhow!("globals.json: `storage` does not name a PostgreSQL server");
    url.set_host(Some(&storage.host))?;
    url.set_port(Some(storage.port)).map_err(|()| invalid())?;
    url.set_username(&storage.user).map_err(|()| invalid())?;
    url.set_password(Some(&storage.password))
        .map_err(|()| invalid())?;
    url.set_path(&storage.database);
    if settings::var("PGSSLMODE").as_deref() == Some("require") {
        url.set_query(Some("sslmode=require"));
    }
    Ok(Location::Postgres(url))
}

fn auth_server() -> anyhow::Result<Url> {
    let mut url = url("PORTAL_AUTHSERVER_URL", "http://portal-auth:3010/")?;
    let base = settings::var("AUTH_SERVER_BASEPATH").unwrap_or_else(|| "/auth".to_owned());
    url.set_path(&format!("{}/", base.trim_end_matches('/')));
    Ok(url)
}

/// A URL that ends in `/`.
fn url(variable: &str, default: &str) -> anyhow::Result<Url> {
    let mut url: Url = match settings::parsed(variable)? {
        Some(url) => url,
        None => default.parse().expect("a literal address is valid"),
    };
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}
