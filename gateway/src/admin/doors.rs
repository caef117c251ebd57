//! Other ways to the Admin API than a port without encryption.

use std::{
    fs,
    future::{Ready, ready},
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use axum::Router;
use rustls::ServerConfig;
use service::{ServiceName, http::Door};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::live::Certificates;

/// A port with TLS, with the certificates that clients of the APIs see.
struct Encrypted {
    listener: tokio::net::TcpListener,
    tls: TlsAcceptor,
}

impl Door for Encrypted {
    type Stream = TlsStream<TcpStream>;
    type Opening = Accept<TcpStream>;

    fn address(&self) -> io::Result<String> {
        Ok(self.listener.local_addr()?.to_string())
    }

    async fn accept(&self) -> io::Result<(Self::Opening, SocketAddr)> {
        let (stream, peer) = self.listener.accept().await?;
        let _ = stream.set_nodelay(true);
        Ok((self.tls.accept(stream), peer))
    }
}

pub async fn serve_encrypted(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    app: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let door = Encrypted {
        listener: tokio::net::TcpListener::from_std(listener)?,
        tls: TlsAcceptor::from(Arc::new(config)),
    };
    service::http::serve_at(ServiceName::Gateway, door, app, stop).await
}

/// A socket in the file system: who may open it is a matter of its folder.
struct Local {
    listener: UnixListener,
    path: PathBuf,
}

impl Door for Local {
    type Stream = UnixStream;
    type Opening = Ready<io::Result<UnixStream>>;

    fn address(&self) -> io::Result<String> {
        Ok(self.path.display().to_string())
    }

    async fn accept(&self) -> io::Result<(Self::Opening, SocketAddr)> {
        const HERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
        let (stream, _) = self.listener.accept().await?;
        Ok((ready(Ok(stream)), HERE))
    }
}

pub async fn serve_local(
    path: PathBuf,
    app: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = bind(&path).with_context(|| format!("cannot listen on `{}`", path.display()))?;
    let door = Local { listener, path };
    service::http::serve_at(ServiceName::Gateway, door, app, stop).await
}

/// In the place of a socket that a former process has left.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
