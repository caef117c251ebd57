use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    rc::Rc,
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
    live::{Endpoint, Service},
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

/// How long a resolved name is used without looking again. A failed look-up leaves the old addresses
/// in use.
const RESOLVED_FOR: Duration = Duration::from_secs(30);

/// All headers of an answer of HTTP/2 together.
const HEADER_LIST: u32 = 64 * 1024;

type Resolved = (Rc<[IpAddr]>, Instant);

thread_local! {
    /// Per worker, as everything here.
    static NAMES: RefCell<HashMap<Arc<str>, Resolved>> = RefCell::default();
    /// Whose turn it is among the addresses of a name.
    static TURN: Cell<usize> = const { Cell::new(0) };
}

/// A new connection to an address of the service. `attempt` chooses among those that its name
/// stands for, `name` is what its certificate has to be for.
pub async fn connect(
    service: &Service,
    endpoint: &Endpoint,
    name: &str,
    rules: &Rules,
    attempt: usize,
) -> Result<Wire, ConnectError> {
    tokio::time::timeout(
        service.connect_timeout,
        connect_now(service, endpoint, name, rules, attempt),
    )
    .await
    .map_err(|_| ConnectError::Timeout)?
}

async fn connect_now(
    service: &Service,
    endpoint: &Endpoint,
    name: &str,
    rules: &Rules,
    attempt: usize,
) -> Result<Wire, ConnectError> {
    let addresses = addresses(endpoint).await?;
    let turn = TURN.get();
    TURN.set(turn.wrapping_add(1));
    let first = turn.wrapping_add(attempt);
    let mut failure = ConnectError::Unresolved;
    for offset in 0..addresses.len() {
        let address = SocketAddr::new(
            addresses[first.wrapping_add(offset) % addresses.len()],
            endpoint.port,
        );
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

async fn addresses(endpoint: &Endpoint) -> Result<Rc<[IpAddr]>, ConnectError> {
    if let Some(address) = endpoint.address {
        return Ok(Rc::new([address]));
    }
    let Some((addresses, since)) = NAMES.with_borrow(|names| names.get(&endpoint.host).cloned())
    else {
        return look_up(endpoint.host.clone(), endpoint.port).await;
    };
    if since.elapsed() >= RESOLVED_FOR {
        // Nobody waits for the new ones; and nobody else asks meanwhile.
        remember(endpoint.host.clone(), addresses.clone());
        tokio::task::spawn_local(look_up(endpoint.host.clone(), endpoint.port));
    }
    Ok(addresses)
}

async fn look_up(host: Arc<str>, port: u16) -> Result<Rc<[IpAddr]>, ConnectError> {
    let found: Vec<IpAddr> = match tokio::net::lookup_host((&*host, port)).await {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(error) => {
            tracing::warn!("cannot resolve `{host}`: {error}");
            Vec::new()
        }
    };
    if found.is_empty() {
        return Err(ConnectError::Unresolved);
    }
    let found: Rc<[IpAddr]> = found.into();
    remember(host, found.clone());
    Ok(found)
}

fn remember(host: Arc<str>, addresses: Rc<[IpAddr]>) {
    NAMES.with_borrow_mut(|names| names.insert(host, (addresses, Instant::now())));
}
