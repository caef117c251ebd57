//! From a client's request to the backend and back.

mod answer;
mod balance;
mod body;
mod buffered;
mod composed;
mod connect;
mod exchange;
mod finish;
mod forward;
mod forwarded;
mod head;
pub mod headers;
mod outgoing;
mod pool;
mod rules;
mod sending;
mod spooled;
mod upgrade;
mod wire;

use std::{convert::Infallible, panic::AssertUnwindSafe, rc::Rc};

use futures_util::FutureExt;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::{Request, body::Incoming};

pub use answer::Answer;
pub use body::{AnswerBody, Source};
pub use buffered::Budget;
pub use connect::with_port;
pub use exchange::{Connection, Exchange, ResponseEdits, Tls};
pub use head::check;
pub use headers::clean_request;
pub use pool::Pool;
pub use rules::{Rules, unverified};

use crate::{
    live::Target,
    plugins::{self, Verdict},
    router::{Question, RequestHost},
    settings::Underscores,
    worker::Worker,
};
use finish::Finish;
use headers::names;

/// Answers one request. Never fails: what goes wrong is an answer, too.
pub async fn answer(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let id = worker.random();
    let mut finish = Finish::new(&worker, &connection, &request, id);
    let accept = answer::Accept::of(request.headers(), request.version());
    let work = exchange(&worker, &connection, request, &mut finish);
    // A panic in a plugin costs its own request only.
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    let response = match outcome {
        Ok(Ok(proxied)) => proxied.into_response(accept, finish),
        Ok(Err(refusal)) => refusal.into_response(accept, finish),
        Err(_) => Refusal::from(Answer::internal_error()).into_response(accept, finish),
    };
    Ok(closing_if_stopping(response, &worker))
}

fn closing_if_stopping(
    mut response: Response<AnswerBody>,
    worker: &Worker,
) -> Response<AnswerBody> {
    if worker.is_stopping() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// An answer of the gateway's own, with what plugins want to be in it.
pub struct Refusal {
    answer: Box<Answer>,
    edits: ResponseEdits,
    is_proxy_error: bool,
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self {
            answer: Box::new(answer),
            edits: ResponseEdits::default(),
            is_proxy_error: false,
        }
    }
}

impl Refusal {
    /// With what the plugins want to be in it that have run.
    fn after(exchange: Exchange<'_>, answer: Answer) -> Self {
        Self {
            edits: exchange.response,
            ..answer.into()
        }
    }

    fn into_response(self, accept: answer::Accept, finish: Box<Finish>) -> Response<AnswerBody> {
        self.answer
            .into_response(accept, self.is_proxy_error, self.edits, finish)
    }
}

/// The way of a request: check, route, plugins, backend.
async fn exchange(
    worker: &Rc<Worker>,
    connection: &Rc<Connection>,
    request: Request<Incoming>,
    finish: &mut Finish,
) -> Result<forward::Proxied, Refusal> {
    let (mut head, body) = request.into_parts();
    let uri = std::mem::take(&mut head.uri);
    let rules = &worker.shared.rules;
    let host = head::check(&head, &uri, connection, &rules.traffic)?;
    let normal = kong::path::normalise(uri.path().as_bytes());
    if let Some(acme) = &worker.shared.acme
        && let Some(answer) = acme.answer(&head.method, host.name(), &normal)
    {
        return Err(answer.into());
    }
    let peer_is_trusted = rules.trusted_peers.contains(connection.peer.ip());
    let seen = headers::clean_request(
        &mut head.headers,
        peer_is_trusted,
        &rules.traffic.strip_headers,
    );
    if seen.disguised && rules.traffic.underscores == Underscores::Refuse {
        return Err(head::bad_request().into());
    }
    finish.wants_names = rules.traffic.debug_header
        && head
            .headers
            .get(names::DEBUG)
            .is_some_and(|value| value == "1");
    let client = forwarded::client_address(&head.headers, connection, peer_is_trusted, rules);

    let routing = finish.routing.clone();
    let question = Question {
        method: &head.method,
        host: RequestHost::new(host.as_str(), connection.default_port()),
        path: &normal,
        headers: &head.headers,
        tls: connection
            .tls
            .as_ref()
            .map(|tls| tls.sni.as_deref().unwrap_or_default()),
    };
    let Some(found) = routing.router.find(&question) else {
        return Err(
            Answer::new(StatusCode::NOT_FOUND, "no Route matched with those values").into(),
        );
    };
    let target = &routing.routes[found.route];
    finish.route = Some(found.route);
    let proto = forwarded::proto(&head.headers, connection, peer_is_trusted);
    head::check_scheme(target, host.as_str(), &uri, proto)?;
    head::check_grpc(target, &head, proto)?;

    if let Some(service) = &target.service
        && let Some(notice) = worker.live().maintenance.notice(service.id)
    {
        return Err(notice.answer().into());
    }
    let mut exchange = Exchange::new(head, &uri, &normal, connection, client, finish.id, target);
    exchange.matched = found.prefix;
    exchange.body_limit = rules.traffic.max_body;
    exchange.proxy_authorization = seen.proxy_authorization.clone();
    if !hyper::body::Body::is_end_stream(&body) {
        exchange.body = Some(Source::Client(body));
    }
    let verdict = run_plugins(&mut exchange, target, worker).await;
    let transformer = plugins::response_transformer(target, exchange.consumer.as_deref());
    exchange.response.transform(transformer);
    finish.identity(&mut exchange);
    if let Verdict::Answer(answer) = verdict {
        return Err(Refusal::after(exchange, *answer));
    }
    if let Some(composition) = exchange.composition.take() {
        let facade = composed::Facade {
            worker,
            target,
            found,
            host: &host,
            peer_is_trusted,
            seen: &seen,
        };
        let answer = Box::pin(composed::answer(&facade, &mut exchange, &composition)).await;
        return Err(Refusal::after(exchange, answer));
    }
    let Some(service) = &target.service else {
        return Err(Refusal::after(exchange, no_service()));
    };
    if target.request_buffering
        && exchange.has_body()
        && let Err(answer) = Box::pin(exchange.buffer_body(worker)).await
    {
        return Err(Refusal::after(exchange, answer));
    }
    let way = forward::Way {
        hash: balance::hash(service, &mut exchange, finish.caller()),
        worker,
        service,
        target,
        found,
        host: &host,
        preserve_host: target.preserve_host,
        peer_is_trusted,
        seen: &seen,
    };
    forward::forward(way, exchange, finish).await
}

fn no_service() -> Answer {
    Answer::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no Service found with those values",
    )
}

/// The access phase: plugins in the order of their priority. Which configuration of a plugin
/// counts is decided when its turn comes, so a consumer found by one counts for those after it.
pub async fn run_plugins(exchange: &mut Exchange<'_>, target: &Target, worker: &Worker) -> Verdict {
    let mut next = 0_u32;
    loop {
        let own = exchange
            .consumer
            .as_ref()
            .map_or(0, |consumer| consumer.mask());
        let remaining = (target.plugins.mask | own) & (u32::MAX << next);
        if remaining == 0 {
            return Verdict::Continue;
        }
        let ordinal = remaining.trailing_zeros();
        next = ordinal + 1;
        let ordinal = u8::try_from(ordinal).expect("a mask has 32 bits");
        // Held only when the consumer has a configuration of its own for this plugin.
        let consumer = exchange
            .consumer
            .as_ref()
            .filter(|consumer| consumer.mask() & (1 << ordinal) != 0)
            .cloned();
        let Some(bound) = plugins::select(target, consumer.as_deref(), ordinal) else {
            continue;
        };
        if let verdict @ Verdict::Answer(_) = bound.plugin.run(exchange, worker).await {
            return verdict;
        }
    }
}
