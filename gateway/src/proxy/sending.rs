//! The tries that it takes to send a request.

use std::{
    cell::RefCell,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::HOST,
    request::Parts,
    uri::{Authority, Scheme},
};
use hyper::body::Incoming;

use tokio::time::timeout;

use super::{
    Answer,
    body::{Progress, RequestBody, Source},
    connect::{self, ConnectError, Places},
    finish::began,
    forward::Way,
    outgoing::Outgoing,
    pool::Lease,
};
use crate::{
    live::{
        Endpoint, Origin,
        upstream::{Open, Sign},
    },
    plugins::log::Try,
};

/// Why there is no answer.
pub enum Failure {
    /// No target of the upstream is well.
    NobodyThere,
    Connect(ConnectError),
    /// The connection ended, or did not speak HTTP, before a response head.
    Broken(hyper::Error),
    Timeout,
    TooLarge,
}

/// One request with its tries.
pub struct Sending<'a> {
    way: &'a Way<'a>,
    outgoing: Outgoing<'a>,
    /// Gone after the first time it is sent.
    body: Option<(Source, Rc<Progress>)>,
    progress: Option<Rc<Progress>>,
    /// Kept only for requests that a record is written of.
    tries: Option<&'a RefCell<Vec<Try>>>,
    /// By which one of several addresses is chosen.
    turn: usize,
}

impl<'a> Sending<'a> {
    pub fn new(
        way: &'a Way<'a>,
        outgoing: Outgoing<'a>,
        body: Option<(Source, Rc<Progress>)>,
        tries: Option<&'a RefCell<Vec<Try>>>,
    ) -> Self {
        Self {
            tries,
            turn: connect::next_turn(),
            way,
            outgoing,
            progress: body.as_ref().map(|(_, progress)| progress.clone()),
            body,
        }
    }

    /// The response head, with the connection that its body comes from.
    pub async fn run(mut self) -> Result<Answered, Failure> {
        let service = self.way.service;
        let is_kept = !matches!(self.body, Some((Source::Client(_), _)));
        let is_repeatable = self.outgoing.method().is_idempotent() && is_kept;
        let mut tries_left = usize::from(service.retries) + 1;
        let mut attempt = 0;
        let mut failed: Vec<usize> = Vec::new();
        let client_name = self.way.client_name();
        loop {
            tries_left -= 1;
            let worker = self.way.worker;
            let index = self.way.choose(&failed).ok_or(Failure::NobodyThere)?;
            let endpoint = &service.endpoints[index];
            let started = self.is_watched().then(Instant::now);
            let (origin, name) = match client_name {
                Some(name) => (worker.pool.named(endpoint.origin, name), name),
                None => (endpoint.origin, &*endpoint.server_name),
            };
            let (mut lease, is_reused) = match self.lease(index, origin, name, attempt).await {
                Ok(lease) => lease,
                Err(error) => {
                    self.way.saw(index, error.sign());
                    self.note_try(started, endpoint_address(endpoint), true);
                    if tries_left == 0 || !error.is_worth_another_try() {
                        return Err(Failure::Connect(error));
                    }
                    attempt += 1;
                    failed.push(index);
                    continue;
                }
            };
            // A kept connection may be closed by the backend at any moment; finding out does not
            // count as a try.
            tries_left += usize::from(is_reused);
            let open = self.way.open(index);
            let keep = is_repeatable && tries_left > 0;
            let mut head = self.outgoing.head(keep, &endpoint.authority);
            if service.grpc {
                into_http2(&mut head, service.tls);
            }
            let body = self.next_body();
            let request = head.map(|()| RequestBody::new(body));
            let progress = self.progress.as_deref();
            let sent = send(self.way, &mut lease, request, progress).await;
            self.note_try(started, Some(lease.wire.address), sent.is_err());
            let (failure, unsent) = match sent {
                Ok(response) => {
                    self.way
                        .saw(index, Sign::Status(response.status().as_u16()));
                    self.way.took(index, started);
                    return Ok(Answered {
                        response,
                        lease,
                        open,
                    });
                }
                Err((Failure::TooLarge, _)) => return Err(Failure::TooLarge),
                Err(other) => {
                    lease.wire.retire();
                    other
                }
            };
            match unsent {
                // Nothing of it left this process.
                Some(unsent) if tries_left > 0 && !progress.is_some_and(Progress::has_started) => {
                    let (mut head, body) = unsent.into_parts();
                    from_http2(&mut head);
                    self.outgoing.take_back(Request::from_parts(head, ()));
                    self.body = body.into_inner();
                }
                _ => {
                    if !is_reused {
                        self.way.saw(index, failure.sign());
                        failed.push(index);
                    }
                    if !is_repeatable || tries_left == 0 {
                        return Err(failure);
                    }
                }
            }
            attempt += 1;
        }
    }

    /// A connection, and whether it was used before.
    async fn lease(
        &self,
        index: usize,
        origin: Origin,
        name: &str,
        attempt: usize,
    ) -> Result<(Lease, bool), ConnectError> {
        let (service, worker) = (self.way.service, self.way.worker);
        let endpoint = &service.endpoints[index];
        let rules = &worker.shared.rules;
        let turn = self.turn.wrapping_add(attempt);
        let mut places = if let Some(places) = Places::known(endpoint, turn) {
            places
        } else {
            let looking = Places::look_up(endpoint, rules, turn);
            let found = timeout(service.connect_timeout, looking).await;
            let found = found.map_err(|_| ConnectError::Timeout)??;
            self.way.leads_to(index, found.count());
            found
        };
        if let Some(hash) = self.way.hash {
            places.prefer(hash);
        }
        let take = || {
            let take =
                |context: &mut Context<'_>| worker.pool.take(worker, origin, &places, context);
            poll_fn(move |context| Poll::Ready(take(context)))
        };
        if let Some(lease) = take().await {
            return Ok((lease, true));
        }
        let mut _turn = None;
        if service.grpc {
            // One of them connects for all that wait.
            let waiting = worker.pool.turn(origin).lock_owned();
            _turn = timeout(service.connect_timeout, waiting).await.ok();
            if let Some(lease) = take().await {
                return Ok((lease, true));
            }
        }
        let wire = connect::connect(service, name, rules, &places).await?;
        let lease = Lease::new(wire, worker, origin);
        lease.share();
        Ok((lease, false))
    }

    /// Whether somebody wants to know how long a try takes.
    fn is_watched(&self) -> bool {
        self.tries.is_some() || self.way.service.upstream.is_some()
    }

    fn note_try(&self, started: Option<Instant>, address: Option<SocketAddr>, failed: bool) {
        let (Some(tries), Some(started), Some(address)) = (self.tries, started, address) else {
            return;
        };
        let latency = started.elapsed();
        tries.borrow_mut().push(Try {
            address,
            started_ns: began(latency),
            latency,
            failed,
        });
    }
}

/// HTTP/2 has the host in the target, not among the headers.
fn into_http2(head: &mut Request<()>, tls: bool) {
    let host = head.headers_mut().remove(HOST);
    let mut parts = std::mem::take(head.uri_mut()).into_parts();
    parts.scheme = Some(if tls { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if let Ok(uri) = Uri::from_parts(parts) {
        *head.uri_mut() = uri;
    }
    *head.version_mut() = Version::HTTP_2;
}

/// For another try.
fn from_http2(head: &mut Parts) {
    let host = head.uri.authority();
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        head.headers.insert(HOST, host);
    }
}

fn endpoint_address(endpoint: &Endpoint) -> Option<SocketAddr> {
    Some(SocketAddr::new(endpoint.address?, endpoint.port))
}

/// A response head.
pub struct Answered {
    pub response: Response<Incoming>,
    pub lease: Lease,
    /// Counts for its peer as long as the answer is on its way.
    pub open: Option<Open>,
}

impl Sending<'_> {
    /// What was kept is there for the next try, too.
    fn next_body(&mut self) -> Option<(Source, Rc<Progress>)> {
        let again = self.body.as_ref();
        let again = again.and_then(|(source, progress)| Some((source.again()?, progress.clone())));
        again.or_else(|| self.body.take())
    }
}

type Unsent = Option<Request<RequestBody>>;

async fn send(
    way: &Way<'_>,
    lease: &mut Lease,
    request: Request<RequestBody>,
    progress: Option<&Progress>,
) -> Result<Response<Incoming>, (Failure, Unsent)> {
    let limit = || {
        if progress.is_some_and(Progress::is_under_way) {
            way.service.write_timeout
        } else {
            way.service.read_timeout
        }
    };
    let deadline = way.worker.deadlines.start(Instant::now() + limit());
    let mut answer = pin!(lease.wire.send(request));
    poll_fn(|context| {
        lease.wire.drive(context);
        if let Poll::Ready(outcome) = answer.as_mut().poll(context) {
            return Poll::Ready(outcome.map_err(|mut error| {
                if progress.is_some_and(Progress::is_exceeded) {
                    return (Failure::TooLarge, None);
                }
                let unsent = error.take_message();
                (Failure::Broken(error.into_error()), unsent)
            }));
        }
        while deadline.poll(context).is_ready() {
            // A client that still sends its body keeps the backend from answering.
            match progress.map(Progress::idle_for) {
                Some(idle) if idle < limit() => {
                    deadline.postpone(Instant::now() + limit().saturating_sub(idle));
                }
                _ => return Poll::Ready(Err((Failure::Timeout, None))),
            }
        }
        Poll::Pending
    })
    .await
}

impl ConnectError {
    const fn sign(&self) -> Sign {
        match self {
            Self::Timeout => Sign::Timeout,
            _ => Sign::Broken,
        }
    }

    fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Timeout | Self::Handshake(_))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NobodyThere => f.write_str("no target of the upstream is available"),
            Self::Connect(error) => error.fmt(f),
            Self::Broken(error) => error.fmt(f),
            Self::Timeout => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("the request's body is too large"),
        }
    }
}

impl Failure {
    const fn sign(&self) -> Sign {
        match self {
            Self::Timeout => Sign::Timeout,
            _ => Sign::Broken,
        }
    }

    pub fn answer(&self) -> Answer {
        match self {
            Self::NobodyThere => Answer::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no target of the upstream is available",
            ),
            Self::Connect(ConnectError::Unresolved) => {
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, "name resolution failed")
            }
            Self::Connect(ConnectError::Timeout) | Self::Timeout => Answer::new(
                StatusCode::GATEWAY_TIMEOUT,
                "The upstream server is timing out",
            ),
            Self::Connect(_) | Self::Broken(_) => Answer::new(
                StatusCode::BAD_GATEWAY,
                "An invalid response was received from the upstream server",
            ),
            Self::TooLarge => {
                Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "Request size limit exceeded").closing()
            }
        }
    }
}
