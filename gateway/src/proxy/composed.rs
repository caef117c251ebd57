//! Asks the backends of a facade, as far as can be at the same time, and puts their answers together.

use std::{
    cell::Cell,
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt,
    future::{LocalBoxFuture, try_join_all},
    stream::FuturesUnordered,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
        CONTENT_LOCATION, CONTENT_TYPE, EXPECT, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, TE,
    },
};
use http_body::Body;
use kong::plugins::{compose::OnFailure, expression::Variable};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Answer, Exchange,
    body::{Progress, Source},
    buffered::Room,
    connect::ConnectError,
    forward::Way,
    head::Host,
    headers::Seen,
    outgoing::Outgoing,
    sending::{Answered, Failure, Sending},
};
use crate::{
    live::{Service, Target},
    plugins::compose::{Call, Composition, Failed, Operation, Shared, Step, object},
    router::Match,
    worker::Worker,
};

/// Headers about the client's body and about what it knows of the answer. Steps have others.
const NOT_PASSED: [HeaderName; 14] = [
    ACCEPT_ENCODING,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_TYPE,
    EXPECT,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    TE,
];
/// Longer refusals are not read.
const MAX_REFUSAL: u64 = 64 * 1024;
const PARTIAL: HeaderName = HeaderName::from_static("wicketgate-partial");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The request that is answered so.
pub struct Facade<'a> {
    pub worker: &'a Rc<Worker>,
    pub target: &'a Target,
    pub found: Match,
    pub host: &'a Host,
    pub peer_is_trusted: bool,
    pub seen: &'a Seen,
}

/// What has become of a step.
enum State {
    Waiting,
    Running,
    /// Nothing for one that was left out.
    Ended(Option<Shared>),
}

struct Run<'a, 'e> {
    facade: &'a Facade<'a>,
    exchange: &'a Exchange<'e>,
    composition: &'a Composition,
    operation: &'a Operation,
    /// The client's headers, as each step gets them.
    headers: HeaderMap,
    /// What all expressions see.
    request: BTreeMap<String, Shared>,
    calls: Cell<usize>,
}

pub async fn answer(
    facade: &Facade<'_>,
    exchange: &mut Exchange<'_>,
    composition: &Composition,
) -> Answer {
    let body = match client_body(facade, exchange).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let mut headers = exchange.head.headers.clone();
    for name in NOT_PASSED {
        headers.remove(name);
    }
    headers.insert(ACCEPT, JSON);
    let run = Run {
        request: request(exchange, composition, body),
        headers,
        exchange,
        facade,
        operation: &composition.plan.operations[composition.operation],
        composition,
        calls: Cell::new(0),
    };
    run.answer().await
}

/// The client's JSON. What is none is refused before anybody is asked.
async fn client_body(facade: &Facade<'_>, exchange: &mut Exchange<'_>) -> Result<Shared, Answer> {
    exchange.read_body(facade.worker).await?;
    let has_body = exchange.has_body();
    let Some(body) = exchange.kept_body().filter(|body| !body.is_empty()) else {
        // One that had to be put into a file.
        if has_body && exchange.kept_body().is_none() {
            let text = "Request size limit exceeded";
            return Err(Answer::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        return Ok(Shared::new(Variable::Null));
    };
    match serde_json::from_slice(body) {
        Ok(body) => Ok(Shared::new(body)),
        Err(_) => Err(Answer::new(StatusCode::BAD_REQUEST, "The body is no JSON")),
    }
}

fn request(
    exchange: &Exchange<'_>,
    composition: &Composition,
    body: Shared,
) -> BTreeMap<String, Shared> {
    let text = |text: &str| Shared::new(Variable::String(text.to_owned()));
    let path = composition.path.iter();
    let path = path.map(|(name, value)| (name.clone(), text(value)));
    let query = exchange.query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), text(&value)));
    BTreeMap::from([
        ("path".to_owned(), object(path.collect())),
        ("query".to_owned(), object(query.collect())),
        ("body".to_owned(), body),
        ("consumer".to_owned(), composition.consumer.clone()),
    ])
}

impl<'a> Run<'a, '_> {
    async fn answer(&'a self) -> Answer {
        let steps = &self.operation.steps;
        let deadline = Instant::now() + self.composition.plan.timeout;
        let mut states: Vec<State> = steps.iter().map(|_| State::Waiting).collect();
        let mut failed: Vec<&str> = Vec::new();
        let mut running: FuturesUnordered<LocalBoxFuture<'_, (usize, Result<Shared, Failed>)>> =
            FuturesUnordered::new();
        loop {
            for (number, step) in steps.iter().enumerate() {
                if matches!(states[number], State::Waiting) && is_due(step, &states) {
                    let data = self.data(self.results(step.after.iter().copied(), &states));
                    states[number] = State::Running;
                    running.push(Box::pin(
                        async move { (number, self.step(step, data).await) },
                    ));
                }
            }
            let ended: Vec<(usize, Result<Shared, Failed>)> =
                match timeout_at(deadline, running.next()).await {
                    Ok(Some(ended)) => vec![ended],
                    Ok(None) => break,
                    // All others have had their time.
                    Err(_) => {
                        running.clear();
                        let open = states.iter().enumerate();
                        open.filter(|(_, state)| !matches!(state, State::Ended(_)))
                            .map(|(number, _)| (number, Err(Failed::Late)))
                            .collect()
                    }
                };
            for (number, outcome) in ended {
                let step = &steps[number];
                states[number] = State::Ended(match outcome {
                    Ok(value) => Some(value),
                    Err(reason) => {
                        tracing::debug!(step = step.name, "a step of a facade failed: {reason}");
                        failed.push(&step.name);
                        match step.on_failure {
                            // Dropping the others gives them up.
                            OnFailure::Fail => return reason.answer(&step.name),
                            OnFailure::Omit => None,
                            OnFailure::Default => Some(step.default.clone()),
                        }
                    }
                });
            }
        }
        self.finish(&states, &failed)
    }

    fn finish(&self, states: &[State], failed: &[&str]) -> Answer {
        let steps = self.results(0..states.len(), states);
        let data = self.data(steps.clone());
        let limit = self.composition.plan.max_response_size;
        let body = match self.operation.answer(&data, &steps, limit) {
            Ok(body) => Bytes::from(body),
            Err(Failed::TooLarge) => {
                let text = "The answer is too large";
                return Answer::new(StatusCode::BAD_GATEWAY, text);
            }
            Err(reason) => {
                tracing::warn!(
                    route = &*self.facade.target.label,
                    "the result of a facade cannot be computed: {reason}"
                );
                return Answer::internal_error();
            }
        };
        let answer = Answer::empty(StatusCode::OK).body(JSON, body);
        if failed.is_empty() {
            return answer;
        }
        match HeaderValue::from_str(&failed.join(", ")) {
            Ok(names) => answer.header(PARTIAL, names),
            Err(_) => answer,
        }
    }

    /// What these steps gave, by name.
    fn results(&self, steps: impl Iterator<Item = usize>, states: &[State]) -> Shared {
        let results = steps.filter_map(|number| match &states[number] {
            State::Ended(Some(value)) => {
                Some((self.operation.steps[number].name.clone(), value.clone()))
            }
            _ => None,
        });
        object(results.collect())
    }

    /// What expressions see.
    fn data(&self, steps: Shared) -> Shared {
        let mut data = self.request.clone();
        data.insert("steps".to_owned(), steps);
        object(data)
    }

    /// One call, or one for each of several things.
    async fn step(&self, step: &Step, data: Shared) -> Result<Shared, Failed> {
        let Some(each) = &step.each else {
            return self.call(step, &data).await;
        };
        let list = each.evaluate(&data).map_err(Failed::Expression)?;
        let Variable::Array(items) = &*list else {
            return Err(Failed::Expression("`each` gives no list".to_owned()));
        };
        if items.len() > self.composition.plan.max_calls {
            return Err(Failed::TooManyCalls);
        }
        let calls = items.iter().map(|item| {
            let mut members = match &*data {
                Variable::Object(members) => members.clone(),
                _ => BTreeMap::new(),
            };
            members.insert("item".to_owned(), item.clone());
            let data = object(members);
            async move { self.call(step, &data).await }
        });
        let results = try_join_all(calls).await?;
        Ok(Shared::new(Variable::Array(results)))
    }

    async fn call(&self, step: &Step, data: &Shared) -> Result<Shared, Failed> {
        let plan = &self.composition.plan;
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() > plan.max_calls {
            return Err(Failed::TooManyCalls);
        }
        let call = step.call(data, plan.max_response_size)?;
        let backend = self.composition.backends.get(step.backend);
        let backend = backend
            .and_then(Option::as_ref)
            .ok_or(Failed::Unreachable)?;
        let asking = self.ask(backend, call, step);
        timeout(step.timeout, asking)
            .await
            .map_err(|_| Failed::Late)?
    }

    async fn ask(&self, backend: &Arc<Service>, call: Call, step: &Step) -> Result<Shared, Failed> {
        let facade = self.facade;
        let mut headers = self.headers.clone();
        headers.extend(call.headers);
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, JSON);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let way = Way {
            worker: facade.worker,
            service: backend,
            target: facade.target,
            found: facade.found,
            host: facade.host,
            preserve_host: false,
            peer_is_trusted: facade.peer_is_trusted,
            seen: facade.seen,
            hash: None,
        };
        let base = backend.base_path.trim_end_matches('/');
        let target = format!("{base}{}{}", call.path, call.query.unwrap_or_default());
        let uri = target.parse();
        let uri = uri.map_err(|_| Failed::Expression("no address".to_owned()))?;
        let outgoing = Outgoing::of_step(&way, self.exchange, call.method, uri, headers);
        let body = call.body.map(|body| {
            let progress = Progress::new(u64::MAX);
            (Source::Kept(Bytes::from(body)), progress)
        });
        let answered = Sending::new(&way, outgoing, body, None).run().await;
        let answered = answered.map_err(|failure| match failure {
            Failure::Timeout | Failure::Connect(ConnectError::Timeout) => Failed::Late,
            _ => Failed::Unreachable,
        })?;
        let status = answered.response.status();
        let mut room = Room::new(facade.worker);
        if !step.accepts(status) {
            // Read to its end, a refusal leaves the connection for the next call.
            let length = answered.response.body().size_hint().exact();
            if length.is_some_and(|length| length <= MAX_REFUSAL) {
                let _ = collect(answered, usize::MAX, &mut room).await;
            }
            return Err(Failed::Status(status));
        }
        let limit = self.composition.plan.max_response_size;
        let body = collect(answered, limit, &mut room).await?;
        if body.is_empty() {
            return Ok(Shared::new(Variable::Null));
        }
        let value = serde_json::from_slice(&body).map_err(|_| Failed::Garbage)?;
        Ok(Shared::new(value))
    }
}

/// Whether all have ended that a step waits for.
fn is_due(step: &Step, states: &[State]) -> bool {
    let mut after = step.after.iter();
    after.all(|number| matches!(states[*number], State::Ended(_)))
}

/// The whole body of an answer. Its connection is free again when it was read to the end.
async fn collect(answered: Answered, limit: usize, room: &mut Room) -> Result<Bytes, Failed> {
    let Answered {
        response,
        mut lease,
        open: _open,
    } = answered;
    let mut body = response.into_body();
    if body.size_hint().lower() > limit as u64 {
        return Err(Failed::TooLarge);
    }
    let mut collected = BytesMut::new();
    loop {
        let frame = poll_fn(|context| {
            let mut frame = Pin::new(&mut body).poll_frame(context);
            if frame.is_pending() {
                lease.wire.drive(context);
                frame = Pin::new(&mut body).poll_frame(context);
            }
            Poll::Ready(ready!(frame))
        });
        let Some(frame) = frame.await else { break };
        let Ok(data) = frame.map_err(|_| Failed::Unreachable)?.into_data() else {
            continue;
        };
        if collected.len() + data.len() > limit {
            return Err(Failed::TooLarge);
        }
        if !room.take(data.len()) {
            return Err(Failed::Busy);
        }
        collected.extend_from_slice(&data);
    }
    lease.give_back();
    Ok(collected.freeze())
}
