//! From the plugins to the backend, and its answer back to the client.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Version, header::SERVER};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::{
    Answer, Exchange, Refusal, ResponseEdits,
    answer::Accept,
    body::{AnswerBody, BackendBody, Progress},
    exchange::request_id,
    finish::{Finish, milliseconds},
    head::Host,
    headers::{self, Seen, names},
    outgoing::{Outgoing, append_via},
    pool::Lease,
    sending::{Answered, Sending},
    upgrade,
};
use crate::{
    live::{Service, Target},
    numbers,
    router::Match,
    settings::Shown,
    worker::Worker,
};

/// Where a request goes.
pub struct Way<'a> {
    pub worker: &'a Rc<Worker>,
    pub service: &'a Arc<Service>,
    pub target: &'a Target,
    pub found: Match,
    pub host: &'a Host,
    /// Whether the backend is called as the client calls us.
    pub preserve_host: bool,
    pub peer_is_trusted: bool,
    pub seen: &'a Seen,
    /// By which an upstream finds the same target again.
    pub hash: Option<u64>,
}

impl Way<'_> {
    /// The name under which the client knows the backend, where that is to be seen by it.
    pub fn client_name(&self) -> Option<&str> {
        let is_chosen = self.preserve_host && self.service.tls;
        Some(self.host.name()).filter(|name| is_chosen && !name.is_empty())
    }
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

/// Sends the request and waits for the response head.
pub async fn forward(
    way: Way<'_>,
    mut exchange: Exchange<'_>,
    finish: &mut Finish,
) -> Result<Proxied, Refusal> {
    let is_websocket = way
        .seen
        .upgrade
        .as_ref()
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let client_upgrade = if is_websocket {
        exchange.head.extensions.remove::<OnUpgrade>()
    } else {
        None
    };
    let Some(outgoing) = Outgoing::new(&way, &mut exchange, is_websocket) else {
        return Err(Answer::new(StatusCode::BAD_REQUEST, "Bad request").into());
    };
    let body = exchange
        .take_body()
        .map(|body| (body, Progress::new(exchange.body_limit)));
    finish.request_body = body.as_ref().map(|(_, progress)| progress.clone());
    let tries = RefCell::default();
    let is_recorded = finish.is_recorded();
    let uri = is_recorded.then(|| outgoing.uri().clone());
    let tries_kept = is_recorded.then_some(&tries);
    let sending = Sending::new(&way, outgoing, body, tries_kept);
    let sent_at = Instant::now();
    let proxy_ms = finish.milliseconds_until(sent_at);
    let outcome = sending.run().await;
    finish.upstream_ms = Some(milliseconds(sent_at, Instant::now()));
    match outcome {
        Ok(Answered {
            response,
            lease,
            open,
        }) => {
            finish.open = open;
            finish.from_backend = true;
            finish.tried(tries.into_inner(), uri);
            Ok(Proxied {
                response,
                lease,
                edits: exchange.response,
                read_timeout: way.service.read_timeout,
                proxy_ms,
                client_takes_trailers: way.seen.takes_trailers,
                client_upgrade,
            })
        }
        Err(failure) => {
            finish.tried(tries.into_inner(), uri);
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

impl Proxied {
    pub fn into_response(
        mut self,
        accept: Accept,
        mut finish: Box<Finish>,
    ) -> Response<AnswerBody> {
        let upstream_ms = finish.upstream_ms.unwrap_or_default();
        let counting = self.edits.take_counting();
        if let Some(counting) = counting
            && !counting.answered(self.response.headers_mut(), finish.shared())
        {
            let answer = Answer::empty(StatusCode::TOO_MANY_REQUESTS);
            return answer.into_response(accept, false, self.edits, finish);
        }
        let (mut head, body) = self.response.into_parts();
        finish.status = head.status.as_u16();
        let mut lease = Some(self.lease);
        let mut tunnel = None;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            if let (Some(client), Some(backend)) =
                (self.client_upgrade, head.extensions.remove::<OnUpgrade>())
            {
                if let Some(lease) = lease.take() {
                    lease.wire.detach();
                }
                tunnel = Some((client, backend));
            }
        } else {
            headers::clean_response(&mut head.headers, self.client_takes_trailers);
        }
        let keeping = self.edits.take_keeping();
        let recording = keeping
            .and_then(|keeping| keeping.answered(head.status, &head.headers, &mut self.edits));
        let headers = &mut head.headers;
        headers.reserve(8);
        let transformer = self.edits.apply(headers);
        let shown = finish.rules().traffic.answer_headers;
        if shown.has(Shown::Server) && !headers.contains_key(SERVER) {
            headers.insert(SERVER, HeaderValue::from_static(crate::PRODUCT));
        }
        if shown.has(Shown::Via) {
            let version = match head.version {
                Version::HTTP_2 => Version::HTTP_2,
                _ => Version::HTTP_11,
            };
            append_via(headers, version);
        }
        if shown.has(Shown::RequestId) {
            headers.insert(names::REQUEST_ID, request_id(finish.id));
        }
        if shown.has(Shown::UpstreamLatency) {
            headers.insert(names::UPSTREAM_LATENCY, numbers::header(upstream_ms));
        }
        if shown.has(Shown::ProxyLatency) {
            headers.insert(names::PROXY_LATENCY, numbers::header(self.proxy_ms));
        }
        if shown.has(Shown::UpstreamStatus) {
            headers.insert(
                names::UPSTREAM_STATUS,
                HeaderValue::from(head.status.as_u16()),
            );
        }
        if finish.wants_names {
            finish.add_names(headers);
        }
        head.version = Version::HTTP_11;
        head.extensions.clear();
        finish.answered(&head.headers, Some(head.status));
        if let Some((client, backend)) = tunnel {
            upgrade::tunnel(client, backend, self.read_timeout, finish);
            return Response::from_parts(head, AnswerBody::Own(Bytes::new(), None));
        }
        let body = BackendBody::new(body, lease, finish, self.read_timeout);
        let body = body.changed_by(transformer).kept_by(recording);
        Response::from_parts(head, AnswerBody::Backend(body))
    }
}
