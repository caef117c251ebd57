use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;
use http::HeaderName;
use ipnet::IpNet;
use service::settings;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait in the kernel's queue of a listening socket.
const BACKLOG: i32 = 4096;

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
    /// Whether every proxied request gets a log line at level info; otherwise at level debug.
    pub access_log: bool,
    /// Whether services may be at link-local addresses, where clouds keep their metadata.
    pub allow_link_local: bool,
    /// How long running requests may go on after the order to stop.
    pub grace: Duration,
}

/// Sockets that listen already, so that a taken port is found before anything else starts.
pub struct Bound {
    /// One per worker, all on the same address.
    pub proxy: Vec<TcpListener>,
    /// As many, for encrypted connections; none where those are not wanted.
    pub proxy_tls: Vec<TcpListener>,
    pub admin: TcpListener,
    pub status: TcpListener,
}

/// How entities are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One by one over the Admin API; they are kept in a file.
    #[default]
    Persistent,
    /// All at once, as a document; nothing is kept.
    Memory,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Memory => "memory",
        }
    }
}

/// The header by which a trusted peer names the client.
#[derive(Clone, Debug)]
pub struct RealIp {
    pub header: HeaderName,
    /// The last address that is not a trusted peer's, in the place of the last one.
    pub recursive: bool,
}

impl Default for RealIp {
    fn default() -> Self {
        Self {
            header: HeaderName::from_static("x-real-ip"),
            recursive: false,
        }
    }
}

/// Networks in front of the gateway.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers(pub Vec<IpNet>);

impl TrustedPeers {
    /// A comma list of addresses and networks.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let networks = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
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

impl Bound {
    /// Binds all ports; port 0 takes a free one.
    pub fn new(proxy: SocketAddr, admin: SocketAddr, status: SocketAddr) -> anyhow::Result<Self> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let taken = |address: SocketAddr, setting: &str| {
            format!(
                "cannot listen on {address} ({setting}): the port is taken, or the address is not of this machine"
            )
        };
        Ok(Self {
            proxy: bind_shared(proxy, workers).with_context(|| taken(proxy, "GATEWAY_LISTEN"))?,
            proxy_tls: Vec::new(),
            admin: bind(admin, false).with_context(|| taken(admin, "GATEWAY_ADMIN_LISTEN"))?,
            status: bind(status, false).with_context(|| taken(status, "GATEWAY_STATUS_LISTEN"))?,
        })
    }

    /// Listens for encrypted connections, too.
    pub fn with_tls(mut self, address: SocketAddr) -> anyhow::Result<Self> {
        self.proxy_tls = bind_shared(address, self.proxy.len()).with_context(|| {
            format!(
                "cannot listen on {address} (GATEWAY_TLS_LISTEN): the port is taken, or the address is not of this machine"
            )
        })?;
        Ok(self)
    }

    pub fn proxy_address(&self) -> io::Result<SocketAddr> {
        self.proxy
            .first()
            .ok_or_else(|| io::Error::other("no listener"))?
            .local_addr()
    }
}

/// One socket per worker. First bound without sharing: a shared bind would succeed beside another
/// gateway and take half of its connections.
fn bind_shared(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    let probe = bind(address, false)?;
    let address = probe.local_addr()?;
    drop(probe);
    (0..workers.max(1)).map(|_| bind(address, true)).collect()
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
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
            state_dir,
            node_name: host_name(),
            trusted_peers: TrustedPeers::default(),
            real_ip: RealIp::default(),
            admin_token: None,
            mode: Mode::Persistent,
            config: None,
            access_log: false,
            allow_link_local: false,
            grace: Duration::from_secs(10),
        }
    }

    /// Reads `GATEWAY_*` and `KONG_ADMIN_TOKEN`.
    pub fn from_env(state_dir: PathBuf) -> anyhow::Result<Self> {
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
        let state_dir = settings::var("GATEWAY_STATE_DIR").map_or(state_dir, PathBuf::from);
        let mut settings = Self::new(bound, state_dir);
        settings.apply_env()?;
        Ok(settings)
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
        if let Some(name) = settings::var("GATEWAY_REAL_IP_HEADER") {
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
        self.admin_token = settings::secret("KONG_ADMIN_TOKEN")?;
        Ok(())
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "gateway".to_owned())
}
