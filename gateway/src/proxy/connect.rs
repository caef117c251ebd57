use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{rules::Rules, wire::Wire};
use crate::{
    live::{Endpoint, Service, upstream::hash as hash_of},
    worker::LocalTasks,
};

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the name of the backend cannot be resolved")]
    Unresolved,
    #[error("the backend's address is not allowed")]
    Forbidden,
    #[error("the backend did not accept the connection in time")]
    Timeout,
    #[error("the backend cannot be reached: {0}")]
    Failed(std::io::Error),
    #[error("the backend does not speak HTTP: {0}")]
    Handshake(hyper::Error),
}

/// All headers of an answer of HTTP/2 together.
const HEADER_LIST: u32 = 64 * 1024;

/// How long a worker goes by what it knows of a name before it asks again.
const GLANCE: Duration = Duration::from_secs(1);
/// Names that a worker knows.
const MAX_NAMES: usize = 4096;

type Seen = (Arc<[SocketAddr]>, Instant);

thread_local! {
    /// Whose turn it is among the addresses of a name. Per worker, as everything here.
    static TURN: Cell<usize> = const { Cell::new(0) };
    static NAMES: RefCell<HashMap<Arc<str>, Seen>> = RefCell::default();
}

/// A number that rises with each request.
pub fn next_turn() -> usize {
    let turn = TURN.get();
    TURN.set(turn.wrapping_add(1));
    turn
}

/// Where a request may go to, in which order.
pub enum Places {
    Fixed(SocketAddr),
    /// What a name leads to, which of them comes first, and the port where the name says none.
    Named(Arc<[SocketAddr]>, usize, u16),
}

impl Places {
    /// Without asking anybody.
    pub fn known(endpoint: &Endpoint, turn: usize) -> Option<Self> {
        if let Some(address) = endpoint.address {
            return Some(Self::Fixed(SocketAddr::new(address, endpoint.port)));
        }
        let (addresses, since) = NAMES.with_borrow(|names| names.get(&endpoint.host).cloned())?;
        (since.elapsed() < GLANCE).then_some(Self::Named(addresses, turn, endpoint.port))
    }

    pub async fn look_up(
        endpoint: &Endpoint,
        rules: &Rules,
        turn: usize,
    ) -> Result<Self, ConnectError> {
        let found = rules.resolver.addresses(&endpoint.host).await;
        let addresses = found.map_err(|_| ConnectError::Unresolved)?;
        NAMES.with_borrow_mut(|names| {
            if names.len() >= MAX_NAMES {
                names.clear();
            }
            names.insert(endpoint.host.clone(), (addresses.clone(), Instant::now()));
        });
        Ok(Self::Named(addresses, turn, endpoint.port))
    }

    /// How many different ones there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Fixed(_) => 1,
            Self::Named(addresses, ..) => addresses.iter().collect::<HashSet<_>>().len(),
        }
    }

    /// The same first one for the same hash, for as long as it is among them.
    pub fn prefer(&mut self, hash: u64) {
        if let Self::Named(addresses, turn, _) = self
            && addresses.len() > 1
        {
            let points = addresses.iter().map(|address| {
                let text = format!("{hash} {address}");
                hash_of(text.as_bytes())
            });
            let highest = points.enumerate().max_by_key(|(_, point)| *point);
            *turn = highest.map_or(0, |(position, _)| position);
        }
    }

    /// Whether a connection to there is still to be used.
    pub fn has(&self, address: SocketAddr) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Named(..) => self.all().any(|known| known == address),
        }
    }

    /// Whether it is its turn.
    pub fn is_first(&self, address: SocketAddr) -> bool {
        self.all().next() == Some(address)
    }

    fn all(&self) -> impl Iterator<Item = SocketAddr> {
        let (one, named) = match self {
            Self::Fixed(address) => (Some(*address), None),
            Self::Named(addresses, turn, port) => (None, Some((addresses, *turn, *port))),
        };
        let named = named.into_iter().flat_map(|(addresses, turn, port)| {
            let count = addresses.len();
            (0..count).map(move |offset| {
                let address = addresses[turn.wrapping_add(offset) % count];
                with_port(address, port)
            })
        });
        one.into_iter().chain(named)
    }
}

/// The port that a name says goes before the one that is written.
pub fn with_port(address: SocketAddr, written: u16) -> SocketAddr {
    match address.port() {
        0 => SocketAddr::new(address.ip(), written),
        _ => address,
    }
}

/// A new connection to the first of these addresses that takes one; `name` is what its certificate
/// has to be for.
pub async fn connect(
    service: &Service,
    name: &str,
    rules: &Rules,
    places: &Places,
) -> Result<Wire, ConnectError> {
    tokio::time::timeout(
        service.connect_timeout,
        connect_now(service, name, rules, places),
    )
    .await
    .map_err(|_| ConnectError::Timeout)?
}

async fn connect_now(
    service: &Service,
    name: &str,
    rules: &Rules,
    places: &Places,
) -> Result<Wire, ConnectError> {
    let mut failure = ConnectError::Unresolved;
    for address in places.all() {
        if !rules.allows(address) {
            failure = ConnectError::Forbidden;
            continue;
        }
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => {
                failure = ConnectError::Failed(error);
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        if !service.tls {
            return handshake(stream, address, service.grpc).await;
        }
        let own = service.tls_config.as_ref();
        let config = own.unwrap_or_else(|| rules.tls(service.tls_verify, service.grpc));
        let name = server_name(name)?;
        match TlsConnector::from(config.clone())
            .connect(name, stream)
            .await
        {
            Ok(stream) => return handshake(stream, address, service.grpc).await,
            Err(error) => failure = ConnectError::Failed(error),
        }
    }
    Err(failure)
}

fn server_name(name: &str) -> Result<ServerName<'static>, ConnectError> {
    ServerName::try_from(name.to_owned()).map_err(|_| ConnectError::Unresolved)
}

async fn handshake<S>(stream: S, address: SocketAddr, grpc: bool) -> Result<Wire, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if grpc {
        let (sender, connection) = http2::Builder::new(LocalTasks)
            .max_header_list_size(HEADER_LIST)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(ConnectError::Handshake)?;
        // Many requests use it at a time, so none of them can be the one that moves it.
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection to a backend ended: {error}");
            }
        });
        return Ok(Wire::shared(sender, address));
    }
    let (sender, connection) = http1::Builder::new()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ConnectError::Handshake)?;
    Ok(Wire::new(sender, connection.with_upgrades(), address))
}
