use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::conn::auto};
use rustls::{ProtocolVersion, ServerConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Worker,
    framing::Watched,
    per_client::Place,
    proxy_header::{self, Ends},
};
use crate::{
    plugins::mtls_auth::ClientCertificate,
    proxy::{self, AnswerBody, Connection, Tls},
    settings::PlainHttp,
};

/// Time for the first request head, and between requests of a kept-alive connection. One look at
/// all connections per tick costs less than a timer per request.
const FIRST_HEAD: Duration = Duration::from_mins(1);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Request line and headers together (gateway 5.7).
const MAX_HEAD: usize = 64 * 1024;
/// Time for the handshake of an encrypted connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Requests at a time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 128;
/// All headers of a request of HTTP/2 together.
const HEADER_LIST: u32 = 64 * 1024;
/// Requests that a client may take back before they were begun.
const MAX_PENDING_RESETS: usize = 20;
/// Time for the last words on a connection that is ended.
const FAREWELL: Duration = Duration::from_millis(200);
/// Connections of one worker; further ones are closed at once.
const MAX_CONNECTIONS: u64 = 16_384;

/// The open connections of a worker.
#[derive(Default)]
pub struct Connections {
    open: RefCell<HashMap<u64, (AbortHandle, Rc<Connection>)>>,
    next: Cell<u64>,
}

impl Connections {
    /// Ends connections that have waited for a request for so long; returns how many are open
    /// still.
    pub fn end_idle(&self, settle: Duration) -> usize {
        self.end(|connection| connection.idle_for() > settle);
        self.open.borrow().len()
    }

    /// Ends connections whose client takes too long to send a request.
    pub fn end_expired(&self) {
        self.end(|connection| {
            let limit = if connection.requests.get() == 0 {
                FIRST_HEAD
            } else {
                KEEP_ALIVE
            };
            connection.idle_for() > limit
        });
    }

    fn end(&self, is_due: impl Fn(&Connection) -> bool) {
        for (abort, connection) in self.open.borrow().values() {
            if is_due(connection) {
                abort.abort();
            }
        }
    }
}

/// Removes the connection from the books, however its task ends.
struct Leave {
    worker: Rc<Worker>,
    number: u64,
    _place: Option<Place>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.worker
            .connections
            .open
            .borrow_mut()
            .remove(&self.number);
        self.worker.counters().active.fetch_sub(1, Relaxed);
    }
}

/// Takes the connection, once it is known whose it is.
pub fn serve(
    worker: &Rc<Worker>,
    mut stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    tls: bool,
) {
    // Those that are shaking hands count, too.
    if worker.counters().active.load(Relaxed) >= MAX_CONNECTIONS {
        return;
    }
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(local);
    if !worker.shared.rules.expects_proxy_header(peer.ip()) {
        let ends = Ends {
            source: peer,
            destination: local,
        };
        begin(worker, stream, ends, tls);
        return;
    }
    let worker = worker.clone();
    tokio::task::spawn_local(async move {
        let header = tokio::time::timeout(HANDSHAKE, proxy_header::read(&mut stream)).await;
        match header {
            Ok(Ok(ends)) => {
                let own = Ends {
                    source: peer,
                    destination: local,
                };
                begin(&worker, stream, ends.unwrap_or(own), tls);
            }
            Ok(Err(error)) => tracing::debug!(%peer, "no PROXY header: {error}"),
            Err(_) => tracing::debug!(%peer, "no PROXY header in time"),
        }
    });
}

/// Starts a task for the connection.
fn begin(worker: &Rc<Worker>, stream: TcpStream, ends: Ends, tls: bool) {
    if worker.is_stopping() {
        return;
    }
    let rules = &worker.shared.rules;
    let (peer, local) = (ends.source, ends.destination);
    let is_counted = !rules.trusted_peers.contains(peer.ip());
    let place = is_counted.then(|| worker.shared.clients.enter(peer.ip()));
    if matches!(place, Some(None)) {
        tracing::debug!(%peer, "the client has too many connections");
        return;
    }
    let number = worker.connections.next.get();
    worker.connections.next.set(number + 1);
    worker.counters().accepted.fetch_add(1, Relaxed);
    worker.counters().active.fetch_add(1, Relaxed);
    let leave = Leave {
        worker: worker.clone(),
        number,
        _place: place.flatten(),
    };
    if tls {
        tokio::task::spawn_local(encrypted(worker.clone(), stream, ends, leave));
        return;
    }
    let port = rules.traffic.public_port(local.port());
    let connection = Rc::new(Connection::new(peer, local, port, number, None));
    let is_http1 = rules.traffic.plain_http == PlainHttp::Http1;
    let (own, served) = (worker.clone(), connection.clone());
    let task = tokio::task::spawn_local(async move {
        let _leave = leave;
        if is_http1 {
            http1(own, served, stream).await;
        } else {
            // In a box: connections of the usual kind must not have room for it.
            Box::pin(either(own, served, stream)).await;
        }
    });
    enter(worker, number, task.abort_handle(), connection);
}

fn enter(worker: &Worker, number: u64, task: AbortHandle, connection: Rc<Connection>) {
    let mut open = worker.connections.open.borrow_mut();
    open.insert(number, (task, connection));
}

/// Shakes hands; the connection is in the books only after that.
async fn encrypted(worker: Rc<Worker>, stream: TcpStream, ends: Ends, leave: Leave) {
    let (peer, local) = (ends.source, ends.destination);
    let tls = TlsAcceptor::from(worker.live().handshakes.current());
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%peer, "no handshake: {error}");
            return;
        }
        Err(_) => return,
    };
    if worker.is_stopping() {
        return;
    }
    let (_, session) = stream.get_ref();
    let sni = session.server_name();
    let sni = sni.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
    let agreed = session.alpn_protocol().map(<[u8]>::to_vec);
    let number = leave.number;
    let port = worker.shared.rules.traffic.public_port(local.port());
    let tls = Some(Tls {
        sni,
        client: ClientCertificate::new(session.peer_certificates()),
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        cipher: cipher(session),
    });
    let connection = Rc::new(Connection::new(peer, local, port, number, tls));
    let task = {
        let (worker, connection) = (worker.clone(), connection.clone());
        tokio::task::spawn_local(async move {
            let _leave = leave;
            match agreed.as_deref() {
                Some(b"h2") => http2(worker, connection, stream).await,
                Some(_) => http1(worker, connection, stream).await,
                // The client may know that we speak HTTP/2.
                None => Box::pin(either(worker, connection, stream)).await,
            }
        })
    };
    enter(&worker, number, task.abort_handle(), connection);
}

async fn http1<S>(worker: Rc<Worker>, connection: Rc<Connection>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = connection.peer;
    let socket = TokioIo::new(Watched::new(stream, connection.framing.clone()));
    let service =
        service_fn(move |request| proxy::answer(worker.clone(), connection.clone(), request));
    let served = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(socket, service)
        .with_upgrades();
    if let Err(error) = served.await {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}

/// The name of the cipher suite.
fn cipher(session: &ServerConnection) -> String {
    let suite = session.negotiated_cipher_suite();
    suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite()))
}

/// HTTP/1.1, or HTTP/2 if that is what the client begins with.
async fn either<S>(worker: Rc<Worker>, connection: Rc<Connection>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Watched::new(stream, connection.framing.clone());
    negotiated(worker, connection, stream, auto::Builder::new(LocalTasks)).await;
}

async fn http2<S>(worker: Rc<Worker>, connection: Rc<Connection>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = auto::Builder::new(LocalTasks).http2_only();
    negotiated(worker, connection, stream, builder).await;
}

/// Serves what `builder` finds out, within the limits.
async fn negotiated<S>(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    stream: S,
    mut builder: auto::Builder<LocalTasks>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = connection.peer;
    let (flood, stop) = (connection.clone(), worker.stop.clone());
    let service = service_fn(move |request| answer(&worker, &connection, request));
    builder.http1().max_buf_size(MAX_HEAD);
    builder
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(HEADER_LIST)
        .max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .max_local_error_reset_streams(Some(1024))
        .max_send_buf_size(256 * 1024);
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        () = flood.is_flooded() => {
            tracing::warn!(%peer, "a client takes its requests back all the time; its connection ends");
            served.as_mut().graceful_shutdown();
            tokio::time::timeout(FAREWELL, served).await.unwrap_or(Ok(()))
        }
        // What runs may finish; the client is told to go elsewhere with what comes next.
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}

/// Answers a request, and notices if it is taken back before.
fn answer(
    worker: &Rc<Worker>,
    connection: &Rc<Connection>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<> {
    let running = Running(Some(connection.clone()));
    let answer = proxy::answer(worker.clone(), connection.clone(), request);
    async move {
        let answer = answer.await;
        running.end();
        answer
    }
}

/// A request of HTTP/2 that is worked on. Dropped before its answer, it was taken back.
struct Running(Option<Rc<Connection>>);

impl Running {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.note_reset();
        }
    }
}

/// Streams of a connection stay on the worker's thread.
#[derive(Clone, Copy)]
pub struct LocalTasks;

impl<F> hyper::rt::Executor<F> for LocalTasks
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
