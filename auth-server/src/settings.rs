//! What the process has to be told; everything else comes from portal-api.

use std::path::{Path, PathBuf};

use anyhow::Context;
use ipnet::IpNet;
use migrations::Location;
use sdk::types::Secret;
use service::{keys::Keys, settings};
use url::Url;

/// Settings of an auth server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which definition to serve; also the first part of method references.
    pub server_name: String,
    /// `{B}`: begins with a slash, ends without one.
    pub base_path: String,
    /// Portal API, ending in `/`.
    pub portal_api: Url,
    /// Where portal-api reaches this process, for events; ending in `/`.
    pub own_url: Url,
    /// `<schema>://<host>` under which browsers reach the base path. `None`: from the globals.
    pub external_url: Option<Url>,
    pub database: Location,
    /// Connections to PostgreSQL; without meaning on SQLite.
    pub database_connections: u32,
    pub keys: Keys,
    /// Idle minutes after which a session ends.
    pub session_minutes: u32,
    /// Networks of gateways and load balancers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Clients that are told about log-outs may be in these networks although they are not public.
    pub receiver_networks: Vec<IpNet>,
    /// Hosts of services that check names and passwords or decide about scopes. Empty: all that the
    /// configuration names (F34).
    pub service_hosts: Vec<String>,
    /// Pages are answered as JSON to clients that accept nothing else (3.4). For tests only.
    pub render_json: bool,
    /// Methods of type `dummy`, which let anybody in, are served (F33). For development only.
    pub dummy_login: bool,
    /// Grants that APIs may allow only if the operator wants them at all (F16, F17).
    pub grants: OldGrants,
    pub kong: KongSettings,
}

/// What newer advice forbids (RFC 9700) and old clients may need. Off unless switched on here; grants
/// also have to be allowed by the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct OldGrants {
    pub implicit: bool,
    pub password: PasswordGrant,
    /// Challenges in clear (PKCE `plain`), at the per-method, per-API URLs.
    pub plain_pkce: bool,
    /// There, faults of an authorization request are pages, and not told to the client.
    pub error_pages: bool,
}

/// Which trusted clients may use names and passwords of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordGrant {
    #[default]
    None,
    Confidential,
    /// Apps of telephones, too, although they cannot prove who they are.
    All,
}

impl OldGrants {
    /// `ALLOW_IMPLICIT_GRANT`, `ALLOW_PASSWORD_GRANT`, `ALLOW_PLAIN_PKCE`, `AUTHORIZE_ERROR_PAGES`
    pub fn from_env() -> Self {
        let is_on = |name| settings::var(name).is_some_and(|flag| flag != "false");
        Self {
            implicit: is_on("ALLOW_IMPLICIT_GRANT"),
            password: match settings::var("ALLOW_PASSWORD_GRANT").as_deref() {
                None | Some("false") => PasswordGrant::None,
                Some("public") => PasswordGrant::All,
                Some(_) => PasswordGrant::Confidential,
            },
            plain_pkce: is_on("ALLOW_PLAIN_PKCE"),
            error_pages: is_on("AUTHORIZE_ERROR_PAGES"),
        }
    }
}

/// How Kong is reached, for token mode `kong-oauth2`. The names are those of the gateway adapter.
#[derive(Clone, Debug, Default)]
pub struct KongSettings {
    /// Admin API. `None`: from the globals.
    pub admin_url: Option<Url>,
    /// Sent as `Kong-Admin-Token`.
    pub admin_token: Option<Secret>,
    /// File with the certificates that Kong's own are signed with.
    pub authorities: Option<PathBuf>,
    /// Workspace of entities, in Kong's commercial editions.
    pub workspace: Option<String>,
}

impl KongSettings {
    /// Reads the environment (events-and-adapters F3). All addresses lead to one store, so the first
    /// will do.
    pub fn from_env() -> anyhow::Result<Self> {
        let first = settings::var("KONG_ADMIN_URLS");
        let first = first.as_deref().and_then(|list| list.split(',').next());
        let admin_url = match first.map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => Some(
                Url::parse(url).with_context(|| format!("KONG_ADMIN_URLS: `{url}` is no URL"))?,
            ),
            None => None,
        };
        Ok(Self {
            admin_url,
            admin_token: settings::secret("KONG_ADMIN_TOKEN")?.map(Secret::new),
            authorities: settings::var("KONG_ADMIN_CA").map(PathBuf::from),
            workspace: settings::var("KONG_WORKSPACE"),
        })
    }
}

impl Settings {
    /// The defaults of `up`, for an installation with its data in `data`.
    pub fn new(portal_api: Url, own_url: Url, keys: Keys, data: &Path) -> Self {
        Self {
            server_name: "default".to_owned(),
            base_path: "/auth".to_owned(),
            portal_api,
            own_url,
            external_url: None,
            database: Location::in_folder(data, "auth-server.db"),
            database_connections: 10,
            keys,
            session_minutes: 60,
            trusted_proxies: loopback(),
            receiver_networks: Vec::new(),
            service_hosts: Vec::new(),
            render_json: false,
            dummy_login: false,
            grants: OldGrants::default(),
            kong: KongSettings::default(),
        }
    }

    /// Reads the variables of auth-server 2.1 and static-config 24.1 on top of the defaults.
    pub fn from_env(keys: Keys, data: &Path) -> anyhow::Result<Self> {
        let portal_api = address("PORTAL_API_URL", "http://portal-api:3001/")?;
        let mut own_url = address("PORTAL_AUTHSERVER_URL", "http://portal-auth:3010/")?;
        own_url.set_path("/");
        let mut read = Self::new(portal_api, own_url, keys, data);
        if let Some(name) = settings::var("AUTH_SERVER_NAME") {
            read.server_name = name;
        }
        if let Some(path) = settings::var("AUTH_SERVER_BASEPATH") {
            read.base_path = base_path(&path)?;
        }
        if let Some(minutes) = settings::parsed("AUTH_SERVER_SESSION_MINUTES")? {
            read.session_minutes = minutes;
        }
        if let Some(url) = settings::secret("DATABASE_URL")? {
            read.database = Location::parse(&url).context("DATABASE_URL")?;
        }
        if let Some(proxies) = settings::var("AUTH_SERVER_TRUSTED_PROXIES") {
            read.trusted_proxies = networks(&proxies)?;
        }
        if let Some(hosts) = settings::var("AUTH_SERVER_SERVICE_HOSTS") {
            let hosts = hosts.split(',').map(str::trim);
            let named = hosts.filter(|host| !host.is_empty());
            read.service_hosts = named.map(str::to_owned).collect();
        }
        read.kong = KongSettings::from_env()?;
        read.grants = OldGrants::from_env();
        read.render_json = settings::var("ALLOW_RENDER_JSON").is_some();
        read.dummy_login = settings::var("ALLOW_DUMMY_LOGIN").is_some_and(|flag| flag != "false");
        Ok(read)
    }
}

/// What a gateway on the same machine connects from.
fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"]
        .into_iter()
        .map(|net| net.parse().expect("these are networks"))
        .collect()
}

fn networks(list: &str) -> anyhow::Result<Vec<IpNet>> {
    list.split(',')
        .map(str::trim)
        .filter(|net| !net.is_empty())
        .map(|net| {
            net.parse().with_context(|| {
                format!("AUTH_SERVER_TRUSTED_PROXIES: `{net}` is no network (CIDR)")
            })
        })
        .collect()
}

fn base_path(path: &str) -> anyhow::Result<String> {
    let path = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    anyhow::ensure!(
        path.len() > 1 && path.starts_with('/') && path.bytes().all(plain) && !path.contains("//"),
        "AUTH_SERVER_BASEPATH: `{path}` is no path such as `/auth`"
    );
    Ok(path.to_owned())
}

/// A URL that ends in a slash.
fn address(name: &str, default: &str) -> anyhow::Result<Url> {
    let mut url = match settings::parsed(name)? {
        Some(url) => url,
        None => Url::parse(default).context("a default address")?,
    };
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_and_networks_are_checked() {
        assert_eq!(base_path("/auth/").unwrap(), "/auth");
        for wrong in ["", "/", "auth", "//auth", "/a b", "/{x}"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
        assert_eq!(networks("10.0.0.0/8, ::1/128").unwrap().len(), 2);
        assert!(networks("10.0.0.0/33").is_err());
    }
}
