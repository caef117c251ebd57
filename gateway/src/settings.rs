mod acme;
mod bound;
mod traffic;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use http::HeaderName;
use ipnet::IpNet;
use service::settings;

use crate::{databases::Places, handover::Predecessor};

pub use acme::Acme;
pub use bound::Bound;
pub use traffic::{
    AnswerHeaders, EncodedSlash, ErrorType, ForwardedFor, PlainHttp, Shown, Traffic, Underscores,
};

/// Everything that a gateway needs to know at start.
pub struct Settings {
    pub listeners: Bound,
    /// Holds the last-known-good file and undelivered usage records.
    pub state_dir: PathBuf,
    pub node_name: String,
    /// Peers whose `X-Forwarded-*` headers are believed.
    pub trusted_peers: TrustedPeers,
    /// Where trusted peers say whom they speak for.
    pub real_ip: RealIp,
    /// What callers of the Admin API have to send in `Kong-Admin-Token`.
    pub admin_token: Option<String>,
    pub mode: Mode,
    /// A document to serve, in mode memory. Read again when it changes, and on SIGHUP.
    pub config: Option<PathBuf>,
    /// The document of mode fixed.
    pub document: Option<String>,
    /// Whether every proxied request gets a log line at level info; otherwise at level debug.
    pub access_log: bool,
    /// Whether services may be at link-local addresses, where clouds keep their metadata.
    pub allow_link_local: bool,
    /// Who is asked for the names of backends; those of the system if none is named.
    pub name_servers: Vec<SocketAddr>,
    /// How requests and answers are treated on their way.
    pub traffic: Traffic,
    /// Folders (and devices) that `file-log` may write to.
    pub log_folders: Vec<PathBuf>,
    /// Databases that `data-service` may ask.
    pub databases: Places,
    /// Certificates that come by themselves.
    pub acme: Option<Acme>,
    /// The Admin API at a socket in the file system, too.
    pub admin_socket: Option<PathBuf>,
    /// Pages of these origins may call the Admin API; `*` for all.
    pub admin_origins: Vec<String>,
    /// Whether a successor may ask for the sockets. Only a process of its own can be replaced.
    pub hands_over: bool,
    /// The gateway whose sockets these are, if it still runs.
    pub predecessor: Option<Predecessor>,
    /// How long running requests may go on after the order to stop.
    pub grace: Duration,
}

/// How entities are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One by one over the Admin API; they are kept in a file.
    #[default]
    Persistent,
    /// All at once, as a document; nothing is kept.
    Memory,
    /// Never: those of an artefact.
    Fixed,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Memory => "memory",
            Self::Fixed => "fixed",
        }
    }
}

/// The header by which a trusted peer names the client.
#[derive(Clone, Debug)]
pub struct RealIp {
    pub header: HeaderName,
    /// The last address that is not a trusted peer's, in the place of the last one.
    pub recursive: bool,
    /// Trusted peers say so at the start of a connection instead.
    pub proxy_protocol: bool,
}

impl Default for RealIp {
    fn default() -> Self {
        Self {
            header: HeaderName::from_static("x-real-ip"),
            recursive: false,
            proxy_protocol: false,
        }
    }
}

/// Networks in front of the gateway.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers(pub Vec<IpNet>);

impl TrustedPeers {
    /// A comma list of addresses and networks.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let networks = list(text).map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .with_context(|| format!("`{part}` is neither an address nor a network"))
        });
        Ok(Self(networks.collect::<anyhow::Result<_>>()?))
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        !self.0.is_empty()
            && self
                .0
                .iter()
                .any(|network| network.contains(&address.to_canonical()))
    }
}

fn address(name: &str, default: &str) -> anyhow::Result<SocketAddr> {
    let text = settings::var(name).unwrap_or_else(|| default.to_owned());
    text.parse()
        .with_context(|| format!("{name}: `{text}` is not an address with port"))
}

impl Settings {
    /// Settings for sockets bound by the caller; everything else at its default.
    pub fn new(listeners: Bound, state_dir: PathBuf) -> Self {
        Self {
            listeners,
            node_name: host_name(),
            trusted_peers: TrustedPeers::default(),
            real_ip: RealIp::default(),
            admin_token: None,
            mode: Mode::Persistent,
            config: None,
            document: None,
            access_log: false,
            allow_link_local: false,
            name_servers: Vec::new(),
            traffic: Traffic::default(),
            log_folders: default_log_folders(&state_dir),
            databases: Places::default(),
            acme: None,
            admin_socket: None,
            admin_origins: Vec::new(),
            hands_over: false,
            predecessor: None,
            state_dir,
            grace: Duration::from_secs(10),
        }
    }

    /// Reads `GATEWAY_*` and `KONG_ADMIN_TOKEN`, for a process of its own. With `take_over` its
    /// sockets are those of the gateway that runs.
    pub fn from_env(state_dir: PathBuf, take_over: bool) -> anyhow::Result<Self> {
        let state_dir = settings::var("GATEWAY_STATE_DIR").map_or(state_dir, PathBuf::from);
        let (bound, predecessor) = if take_over {
            let (bound, predecessor) = Predecessor::ask(&state_dir)?;
            (bound, Some(predecessor))
        } else {
            (Self::bind_from_env()?, None)
        };
        let mut settings = Self::new(bound, state_dir);
        settings.predecessor = predecessor;
        settings.hands_over = true;
        settings.apply_env()?;
        Ok(settings)
    }

    fn bind_from_env() -> anyhow::Result<Bound> {
        let mut bound = Bound::new(
            address("GATEWAY_LISTEN", "0.0.0.0:8000")?,
            address("GATEWAY_ADMIN_LISTEN", "127.0.0.1:8001")?,
            Self::status_address()?,
        )?;
        if let Some(text) = settings::var("GATEWAY_TLS_LISTEN").filter(|text| text != "off") {
            let tls = text.parse().with_context(|| {
                format!("GATEWAY_TLS_LISTEN: `{text}` is not an address with port")
            })?;
            bound = bound.with_tls(tls)?;
        }
        if let Some(text) = settings::var("GATEWAY_ADMIN_TLS_LISTEN").filter(|text| text != "off") {
            let tls = text.parse().with_context(|| {
                format!("GATEWAY_ADMIN_TLS_LISTEN: `{text}` is not an address with port")
            })?;
            bound = bound.with_admin_tls(tls)?;
        }
        Ok(bound)
    }

    /// `GATEWAY_STATUS_LISTEN`: where health and metrics are asked for.
    pub fn status_address() -> anyhow::Result<SocketAddr> {
        address("GATEWAY_STATUS_LISTEN", "127.0.0.1:8007")
    }

    /// The part of the environment that does not concern addresses and folders.
    pub fn apply_env(&mut self) -> anyhow::Result<()> {
        if let Some(mode) = settings::var("GATEWAY_MODE") {
            let mut modes = [Mode::Persistent, Mode::Memory].into_iter();
            let known = modes.find(|known| known.as_str() == mode);
            self.mode = known.with_context(|| {
                format!("GATEWAY_MODE: `{mode}` is not valid; it can be `persistent` or `memory`")
            })?;
        }
        if let Some(file) = settings::var("GATEWAY_CONFIG") {
            self.mode = Mode::Memory;
            self.config = Some(file.into());
        }
        if let Some(name) = settings::var("GATEWAY_NODE_NAME") {
            self.node_name = name;
        }
        if let Some(networks) = settings::var("GATEWAY_TRUSTED_IPS") {
            self.trusted_peers = TrustedPeers::parse(&networks).context("GATEWAY_TRUSTED_IPS")?;
        }
        let real_ip = settings::var("GATEWAY_REAL_IP_HEADER");
        self.real_ip.proxy_protocol = real_ip.as_deref() == Some("proxy_protocol");
        if let Some(name) = real_ip.filter(|_| !self.real_ip.proxy_protocol) {
            self.real_ip.header = name.parse().with_context(|| {
                format!("GATEWAY_REAL_IP_HEADER: `{name}` is not the name of a header")
            })?;
        }
        if let Some(recursive) = settings::parsed("GATEWAY_REAL_IP_RECURSIVE")? {
            self.real_ip.recursive = recursive;
        }
        if let Some(log) = settings::parsed("GATEWAY_ACCESS_LOG")? {
            self.access_log = log;
        }
        if let Some(allowed) = settings::parsed("GATEWAY_ALLOW_LINK_LOCAL")? {
            self.allow_link_local = allowed;
        }
        if let Some(servers) = settings::var("GATEWAY_DNS_RESOLVER") {
            self.name_servers = name_servers(&servers).context("GATEWAY_DNS_RESOLVER")?;
        }
        if let Some(folders) = settings::var("GATEWAY_LOG_DIRS") {
            self.log_folders = list(&folders).map(PathBuf::from).collect();
        }
        self.databases = Places::from_env()?;
        self.acme = Acme::from_env()?;
        self.admin_socket = settings::var("GATEWAY_ADMIN_SOCKET").map(PathBuf::from);
        if let Some(origins) = settings::var("GATEWAY_ADMIN_ORIGINS") {
            self.admin_origins = list(&origins).map(str::to_owned).collect();
        }
        if let Some(seconds) = settings::parsed("GATEWAY_GRACE_SECONDS")? {
            self.grace = Duration::from_secs(seconds);
        }
        self.traffic.apply_env()?;
        self.admin_token = settings::secret("KONG_ADMIN_TOKEN")?;
        Ok(())
    }
}

/// Addresses with or without a port.
fn name_servers(text: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let servers = list(text).map(|part| {
        let with_port = part.parse::<SocketAddr>();
        with_port
            .or_else(|_| Ok(SocketAddr::new(part.parse()?, 53)))
            .map_err(|_: std::net::AddrParseError| {
                anyhow::anyhow!("`{part}` is not an address, with or without a port")
            })
    });
    servers.collect()
}

/// The parts of a comma list.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty())
}

/// Where nobody else's files are.
fn default_log_folders(state_dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![state_dir.join("logs"), std::env::temp_dir()];
    folders.extend(["/var/log", "/dev/stdout", "/dev/stderr"].map(PathBuf::from));
    folders
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "gateway".to_owned())
}
