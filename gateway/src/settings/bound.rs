use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait in the kernel's queue of a listening socket.
const BACKLOG: i32 = 4096;

/// Sockets that listen already, so that a taken port is found before anything else starts.
pub struct Bound {
    /// One per worker, all on the same address.
    pub proxy: Vec<TcpListener>,
    /// As many, for encrypted connections; none where those are not wanted.
    pub proxy_tls: Vec<TcpListener>,
    pub admin: TcpListener,
    /// For encrypted calls of the Admin API; none where those are not wanted.
    pub admin_tls: Option<TcpListener>,
    pub status: TcpListener,
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
            admin_tls: None,
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

    /// The Admin API with TLS, too.
    pub fn with_admin_tls(mut self, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = bind(address, false).with_context(|| {
            format!(
                "cannot listen on {address} (GATEWAY_ADMIN_TLS_LISTEN): the port is taken, or the address is not of this machine"
            )
        })?;
        self.admin_tls = Some(listener);
        Ok(self)
    }

    /// Whether only this machine reaches the Admin API.
    pub fn admin_is_local(&self) -> bool {
        let mut doors = std::iter::once(&self.admin).chain(&self.admin_tls);
        doors.all(|door| {
            let address = door.local_addr();
            address.is_ok_and(|address| address.ip().is_loopback())
        })
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
