//! Sending a request to its backend, with further tries where that is safe.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{HOST, SERVER, TE, VIA},
};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::{
    Answer, Exchange, Refusal, ResponseEdits,
    body::{AnswerBody, BackendBody, Progress, RequestBody},
    connect::{self, ConnectError},
    exchange::request_id,
    finish::{Finish, milliseconds},
    forwarded::{self, Facts},
    headers::{self, names},
    pool::{Lease, Origin},
    upgrade,
};
use crate::{
    live::{Service, Target},
    numbers,
    router::{Match, backend_path},
    worker::Worker,
};

/// Where a request goes.
pub struct Way<'a> {
    pub worker: &'a Rc<Worker>,
    pub service: &'a Arc<Service>,
    pub target: &'a Target,
    pub found: Match,
    pub host: &'a str,
    pub peer_is_trusted: bool,
    /// The protocol that the client wants to switch to.
    pub upgrade: Option<HeaderValue>,
}

/// The backend's answer.
pub struct Proxied {
    response: Response<Incoming>,
    lease: Lease,
    edits: ResponseEdits,
    read_timeout: Duration,
    proxy_ms: u64,
    client_takes_trailers: bool,
    client_upgrade: Option<OnUpgrade>,
}

/// Why there is none.
enum Failure {
    Connect(ConnectError),
    /// The connection ended, or did not speak HTTP, before a response head.
    Broken(hyper::Error),
    Timeout,
    TooLarge,
}

/// Sends the request and waits for the response head.
pub async fn forward(
    way: Way<'_>,
    mut exchange: Exchange<'_>,
    body: Incoming,
    finish: &mut Finish,
) -> Result<Proxied, Refusal> {
    let client_takes_trailers = exchange.head.headers.contains_key(TE);
    let is_websocket = way
        .upgrade
        .as_ref()
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let client_upgrade = if is_websocket {
        exchange.head.extensions.remove::<OnUpgrade>()
    } else {
        None
    };
    set_headers(&way, &mut exchange);
    if is_websocket {
        upgrade::ask(&mut exchange.head.headers);
    }
    let Some(uri) = backend_uri(&way, &exchange) else {
        return Err(Answer::new(StatusCode::BAD_REQUEST, "Bad request").into());
    };
    let progress = Progress::new(finish.request_bytes.clone(), exchange.body_limit);
    let mut head = Request::new(());
    *head.method_mut() = exchange.head.method;
    *head.uri_mut() = uri;
    *head.headers_mut() = exchange.head.headers;
    let sending = Sending {
        way: &way,
        head,
        body: exchange.has_body.then_some(body),
        progress: progress.clone(),
    };
    let sent_at = Instant::now();
    let proxy_ms = finish.milliseconds_until(sent_at);
    let outcome = sending.run().await;
    finish.upstream_ms = Some(milliseconds(sent_at, Instant::now()));
    match outcome {
        Ok((response, lease)) => {
            finish.from_backend = true;
            Ok(Proxied {
                response,
                lease,
                edits: exchange.response,
                read_timeout: way.service.read_timeout,
                proxy_ms,
                client_takes_trailers,
                client_upgrade,
            })
        }
        Err(failure) => {
            tracing::debug!(
                service = &*way.service.label,
                "no answer from the backend: {failure}"
            );
            Err(Refusal {
                answer: Box::new(failure.answer()),
                edits: exchange.response,
                is_proxy_error: true,
            })
        }
    }
}

/// One request with its tries.
struct Sending<'a> {
    way: &'a Way<'a>,
    head: Request<()>,
    /// Gone after the first time it is sent.
    body: Option<Incoming>,
    progress: Rc<Progress>,
}

impl Sending<'_> {
    async fn run(mut self) -> Result<(Response<Incoming>, Lease), Failure> {
        let service = self.way.service;
        let origin = Origin::of(service);
        let has_body = self.body.is_some();
        let is_idempotent = matches!(
            *self.head.method(),
            Method::GET
                | Method::HEAD
                | Method::OPTIONS
                | Method::PUT
                | Method::DELETE
                | Method::TRACE
        );
        let is_repeatable = is_idempotent && !has_body;
        let mut tries_left = usize::from(service.retries) + 1;
        let mut attempt = 0;
        loop {
            tries_left -= 1;
            let (mut lease, is_reused) = match self.way.worker.pool.take(self.way.worker, &origin) {
                Some(lease) => (lease, true),
                None => {
                    match connect::connect(service, &self.way.worker.shared.rules, attempt).await {
                        Ok(sender) => (Lease::new(sender, self.way.worker, origin.clone()), false),
                        Err(error) if tries_left > 0 && error.is_worth_another_try() => {
                            attempt += 1;
                            continue;
                        }
                        Err(error) => return Err(Failure::Connect(error)),
                    }
                }
            };
            // A kept connection may be closed by the backend at any moment; finding out does not
            // count as a try.
            tries_left += usize::from(is_reused);
            let spare = (is_repeatable && tries_left > 0).then(|| copy(&self.head));
            let body = RequestBody::new(self.body.take(), self.progress.clone());
            let request = std::mem::replace(&mut self.head, Request::new(())).map(|()| body);
            let sent = send(&mut lease, request, service, &self.progress, has_body).await;
            match sent {
                Ok(response) => return Ok((response, lease)),
                Err((Failure::TooLarge, _)) => return Err(Failure::TooLarge),
                // Nothing of it left this process.
                Err((_, Some(unsent))) if tries_left > 0 && !self.progress.has_started() => {
                    let (head, body) = unsent.into_parts();
                    self.head = Request::from_parts(head, ());
                    self.body = body.into_inner();
                }
                Err((failure, _)) => match spare {
                    Some(spare) => self.head = spare,
                    None => return Err(failure),
                },
            }
            attempt += 1;
        }
    }
}

type Unsent = Option<Request<RequestBody>>;

async fn send(
    lease: &mut Lease,
    request: Request<RequestBody>,
    service: &Service,
    progress: &Progress,
    has_body: bool,
) -> Result<Response<Incoming>, (Failure, Unsent)> {
    let sending = lease.sender.try_send_request(request);
    tokio::pin!(sending);
    let limit = || {
        let sends = has_body && progress.is_under_way();
        if sends {
            service.write_timeout
        } else {
            service.read_timeout
        }
    };
    let mut wait = limit();
    loop {
        match tokio::time::timeout(wait, &mut sending).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(_)) if progress.is_exceeded() => return Err((Failure::TooLarge, None)),
            Ok(Err(mut error)) => {
                let unsent = error.take_message();
                return Err((Failure::Broken(error.into_error()), unsent));
            }
            // A client that still sends its body keeps the backend from answering.
            Err(_) if has_body && progress.idle_for() < limit() => {
                wait = limit().saturating_sub(progress.idle_for());
            }
            Err(_) => return Err((Failure::Timeout, None)),
        }
    }
}

fn copy(head: &Request<()>) -> Request<()> {
    let mut copy = Request::new(());
    *copy.method_mut() = head.method().clone();
    *copy.uri_mut() = head.uri().clone();
    *copy.headers_mut() = head.headers().clone();
    copy
}

impl ConnectError {
    fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Timeout | Self::Handshake(_))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Broken(error) => error.fmt(f),
            Self::Timeout => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("the request's body is too large"),
        }
    }
}

impl Failure {
    fn answer(&self) -> Answer {
        match self {
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

fn set_headers(way: &Way<'_>, exchange: &mut Exchange<'_>) {
    let stripped = match (way.target.strip_path, way.found.prefix) {
        (true, Some(length)) => exchange.path.get(..length).unwrap_or_default(),
        _ => b"",
    };
    let facts = Facts {
        connection: exchange.connection,
        client: exchange.client,
        peer_is_trusted: way.peer_is_trusted,
        host: way.host,
        path: exchange.uri.path(),
        stripped,
    };
    let head = &mut exchange.head.headers;
    head.reserve(8);
    forwarded::set(head, &facts);
    append_via(head, exchange.head.version);
    head.insert(names::REQUEST_ID, exchange.request_id.clone());
    if !way.service.may_see_sessions {
        headers::remove_session_cookies(head);
    }
    match (exchange.backend_host.take(), way.target.preserve_host) {
        (Some(host), _) => {
            head.insert(HOST, host);
        }
        (None, true) if !way.host.is_empty() => {}
        (None, _) => {
            head.insert(HOST, way.service.authority.clone());
        }
    }
}

/// Appends us to `Via`.
fn append_via(headers: &mut HeaderMap, version: Version) {
    const HTTP_11: HeaderValue =
        HeaderValue::from_static(concat!("1.1 wicketgate/", env!("CARGO_PKG_VERSION")));
    const HTTP_10: HeaderValue =
        HeaderValue::from_static(concat!("1.0 wicketgate/", env!("CARGO_PKG_VERSION")));
    headers.append(
        VIA,
        if version == Version::HTTP_10 {
            HTTP_10
        } else {
            HTTP_11
        },
    );
}

/// Path and query for the backend.
fn backend_uri(way: &Way<'_>, exchange: &Exchange<'_>) -> Option<Uri> {
    let target = way.target;
    let computed;
    let path: &[u8] = if let Some(path) = &exchange.backend_path {
        path
    } else {
        computed = backend_path(
            &way.service.base_path,
            target.path_handling,
            target.strip_path,
            exchange.path,
            way.found.prefix,
        );
        &computed
    };
    let path = kong::path::encode(path);
    let sent = exchange.uri.path_and_query()?;
    if !exchange.query_is_changed() && *path == *sent.path() {
        return Uri::builder().path_and_query(sent.clone()).build().ok();
    }
    let query = exchange.query();
    let mut text = String::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    text.push_str(&path);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    Uri::from_maybe_shared(bytes::Bytes::from(text)).ok()
}

impl Proxied {
    pub fn into_response(self, mut finish: Box<Finish>) -> Response<AnswerBody> {
        let upstream_ms = finish.upstream_ms.unwrap_or_default();
        let (mut head, body) = self.response.into_parts();
        finish.status = head.status.as_u16();
        let switches = head.status == StatusCode::SWITCHING_PROTOCOLS;
        if switches {
            if let (Some(client), Some(backend)) =
                (self.client_upgrade, head.extensions.remove::<OnUpgrade>())
            {
                upgrade::tunnel(client, backend);
            }
        } else {
            headers::clean_response(&mut head.headers, self.client_takes_trailers);
        }
        let headers = &mut head.headers;
        headers.reserve(8);
        self.edits.apply(headers);
        if !headers.contains_key(SERVER) {
            headers.insert(SERVER, HeaderValue::from_static(crate::PRODUCT));
        }
        append_via(headers, Version::HTTP_11);
        headers.insert(names::REQUEST_ID, request_id(finish.id));
        headers.insert(names::UPSTREAM_LATENCY, numbers::header(upstream_ms));
        headers.insert(names::PROXY_LATENCY, numbers::header(self.proxy_ms));
        head.version = Version::HTTP_11;
        head.extensions.clear();
        Response::from_parts(
            head,
            AnswerBody::Backend(BackendBody::new(
                body,
                self.lease,
                finish,
                self.read_timeout,
            )),
        )
    }
}
