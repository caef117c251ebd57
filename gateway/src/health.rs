//! Checks of targets by ourselves (gateway 5.6): one prober per node, not per worker.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, header::HOST};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    live::upstream::{Active, CheckType, Peer, Sign, Upstream},
    proxy::with_port,
    worker::Shared,
};

/// How often we look whose turn it is.
const TICK: Duration = Duration::from_millis(100);
/// Checks at a time, of all upstreams together.
const MAX_CHECKS: usize = 256;

/// When each target is checked next, by upstream and target.
type Plan = HashMap<(Uuid, Arc<str>), Instant>;

/// Checks until `shutdown`.
pub async fn run(shared: Arc<Shared>, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CHECKS));
    let mut own_slots: HashMap<Uuid, Arc<Semaphore>> = HashMap::new();
    let mut plan = Plan::new();
    let mut interval = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = shutdown.cancelled() => return,
        }
        let routing = shared.live.routing.load_full();
        let mut next = Plan::new();
        for upstream in routing
            .upstreams()
            .filter(|upstream| upstream.checks.is_active())
        {
            let own = own_slots.entry(upstream.id).or_insert_with(|| {
                Arc::new(Semaphore::new(
                    upstream.checks.active.concurrency.min(MAX_CHECKS),
                ))
            });
            for (index, peer) in upstream.peers.iter().enumerate() {
                let Some(every) = interval_of(&upstream.checks.active, peer) else {
                    continue;
                };
                let key = (upstream.id, peer.name.clone());
                let now = Instant::now();
                let due = plan.get(&key).copied();
                // A change of the interval counts at once.
                let due = due.map_or(now, |due| due.min(now + every));
                if due > now {
                    next.insert(key, due);
                    continue;
                }
                let places = (
                    slots.clone().try_acquire_owned(),
                    own.clone().try_acquire_owned(),
                );
                if let (Ok(slot), Ok(own_slot)) = places {
                    next.insert(key, now + every);
                    let (upstream, shared) = (upstream.clone(), shared.clone());
                    tokio::spawn(async move {
                        check(&upstream, index, &shared).await;
                        drop((slot, own_slot));
                    });
                } else {
                    next.insert(key, now);
                }
            }
        }
        own_slots.retain(|id, _| next.keys().any(|(upstream, _)| upstream == id));
        plan = next;
    }
}

/// Nothing for targets that are not checked in the state that they are in.
fn interval_of(active: &Active, peer: &Peer) -> Option<Duration> {
    let every = if peer.state.health.is_well() {
        active.healthy_every
    } else {
        active.unhealthy_every
    };
    (peer.weight > 0 && !every.is_zero()).then_some(every)
}

async fn check(upstream: &Upstream, index: usize, shared: &Shared) {
    let peer = &upstream.peers[index];
    let active = &upstream.checks.active;
    let sign = match tokio::time::timeout(active.timeout, probe(upstream, peer, shared)).await {
        Ok(Some(sign)) => sign,
        Ok(None) => Sign::Broken,
        Err(_) => Sign::Timeout,
    };
    let was_well = peer.state.health.is_well();
    upstream.checks.checked(&peer.state.health, sign);
    let is_well = peer.state.health.is_well();
    if was_well != is_well {
        let state = if is_well { "well again" } else { "ill" };
        tracing::warn!(
            upstream = upstream.name,
            target = &*peer.name,
            "a target is {state}: {sign:?}"
        );
    }
}

/// What a check has shown; nothing if there is no connection.
async fn probe(upstream: &Upstream, peer: &Peer, shared: &Shared) -> Option<Sign> {
    let active = &upstream.checks.active;
    let addresses = match peer.address {
        Some(address) => Arc::new([SocketAddr::new(address, peer.port)]),
        None => shared.rules.resolver.addresses(&peer.host).await.ok()?,
    };
    let mut addresses = addresses
        .iter()
        .map(|address| with_port(*address, peer.port));
    let address = addresses.find(|address| shared.rules.allows(*address))?;
    let stream = TcpStream::connect(address).await.ok()?;
    match active.kind {
        // What the health service of gRPC would say is not asked; a connection has to do.
        CheckType::Tcp | CheckType::Grpc | CheckType::Grpcs => Some(Sign::Status(200)),
        CheckType::Http => ask(stream, upstream, peer).await,
        CheckType::Https => {
            let config = if active.verifies {
                &shared.rules.tls_verified
            } else {
                &shared.rules.tls_unverified
            };
            let name = active.sni.clone().unwrap_or_else(|| peer.host.to_string());
            let name = ServerName::try_from(name).ok()?;
            let connector = TlsConnector::from(config.clone());
            let stream = connector.connect(name, stream).await.ok()?;
            ask(stream, upstream, peer).await
        }
    }
}

async fn ask<S>(stream: S, upstream: &Upstream, peer: &Peer) -> Option<Sign>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let active = &upstream.checks.active;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let mut request = Request::get(active.path.as_str());
    for (name, value) in &active.headers {
        request = request.header(name, value);
    }
    let own_host = active
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"));
    if !own_host {
        request = match &upstream.host_header {
            Some(host) => request.header(HOST, host),
            None => request.header(HOST, &*peer.name),
        };
    }
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let answer = sender.send_request(request).await;
    connection.abort();
    Some(Sign::Status(answer.ok()?.status().as_u16()))
}
