//! The server loop of every service but the gateway's proxy.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, body::Body, extract::ConnectInfo, middleware, response::IntoResponse};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{ServiceName, problem::Problem};

use super::{correlation, observe, within};

/// Connections that one port serves at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;
/// How long a client may take to send its request head, also on a kept-alive connection.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Every request is answered within this time (portal-api D19); long polls stay below.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// How long running requests may go on after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

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
    let address = listener
        .local_addr()
        .context("the listening socket has no address")?;
    let app = app.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(correlation::layer))
            .layer(middleware::from_fn_with_state(
                (service, Arc::default()),
                observe::layer,
            ))
            .layer(CatchPanicLayer::custom(|_| {
                IntoResponse::into_response(Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong here. The operators find the cause by the correlation id.",
                ))
            }))
            .layer(middleware::from_fn(async |request, next| {
                let answer = within(REQUEST_TIMEOUT, request, next).await;
                answer.unwrap_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
            })),
    );
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
            accepted = listener.accept() => match accepted {
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
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request
                .extensions_mut()
                .insert(ConnectInfo::<SocketAddr>(peer));
            app.clone().oneshot(request)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, "connection ended: {error}");
            }
            drop(slot);
        });
    }
    drop(listener);
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
