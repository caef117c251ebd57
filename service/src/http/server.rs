//! The server loop of every service but the gateway's proxy.

use std::{
    future::{Ready, ready},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::ServiceName;

use super::site::Site;

/// Connections that one port serves at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;
/// How long a client may take to send its request head, also on a kept-alive connection.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for the handshake of an encrypted connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long running requests may go on after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Where connections come from.
pub trait Door: Send {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Ready after the handshake, which others need not wait for.
    type Opening: Future<Output = io::Result<Self::Stream>> + Send + 'static;

    fn address(&self) -> io::Result<String>;
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Opening, SocketAddr)>> + Send;
}

impl Door for TcpListener {
    type Stream = TcpStream;
    type Opening = Ready<io::Result<TcpStream>>;

    fn address(&self) -> io::Result<String> {
        Ok(self.local_addr()?.to_string())
    }

    async fn accept(&self) -> io::Result<(Self::Opening, SocketAddr)> {
        let (stream, peer) = self.accept().await?;
        let _ = stream.set_nodelay(true);
        Ok((ready(Ok(stream)), peer))
    }
}

/// Serves `app` until `shutdown`, then lets running requests finish for up to 10 s.
///
/// Adds to every route: a correlation id, an access log line, metrics, a time limit, and a 500 in
/// place of a panic. Handlers find the peer's address in `ConnectInfo<SocketAddr>`.
pub async fn serve(
    service: ServiceName,
    listener: TcpListener,
    app: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    serve_at(service, listener, app, shutdown).await
}

/// As [`serve`], wherever connections come from.
pub async fn serve_at(
    service: ServiceName,
    door: impl Door,
    app: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let address = door
        .address()
        .context("the listening socket has no address")?;
    let site = Arc::new(Site::new(service, app));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(64 * 1024);
    let builder = Arc::new(builder);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = GracefulShutdown::new();
    tracing::debug!(%address, "{service} listens");

    loop {
        let slot = slots
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, peer) = tokio::select! {
            accepted = door.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the client is gone already: go on shortly after.
                    tracing::warn!(%error, "cannot accept a connection on {address}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        let site = site.clone();
        let service = hyper::service::service_fn(move |request| site.clone().answer(peer, request));
        let (builder, watcher) = (builder.clone(), connections.watcher());
        tokio::spawn(async move {
            let stream = match tokio::time::timeout(HANDSHAKE, stream).await {
                Ok(Ok(stream)) => TokioIo::new(stream),
                Ok(Err(error)) => return tracing::debug!(%peer, "no handshake: {error}"),
                Err(_) => return,
            };
            let connection = builder.serve_connection_with_upgrades(stream, service);
            let connection = watcher.watch(connection);
            if let Err(error) = connection.await {
                tracing::debug!(%peer, "connection ended: {error}");
            }
            drop(slot);
        });
    }
    drop(door);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "{service}: requests still running after {} s were cut off",
            GRACE.as_secs()
        );
    }
    Ok(())
}
