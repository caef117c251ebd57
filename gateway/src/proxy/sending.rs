//! The tries that it takes to send a request.

use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Instant};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{
    Answer,
    body::{Progress, RequestBody},
    connect::{self, ConnectError},
    forward::Way,
    outgoing::Outgoing,
    pool::Lease,
};

/// Why there is no answer.
pub enum Failure {
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
    body: Option<(Incoming, Rc<Progress>)>,
    progress: Option<Rc<Progress>>,
}

impl<'a> Sending<'a> {
    pub fn new(
        way: &'a Way<'a>,
        outgoing: Outgoing<'a>,
        body: Option<(Incoming, Rc<Progress>)>,
    ) -> Self {
        Self {
            way,
            outgoing,
            progress: body.as_ref().map(|(_, progress)| progress.clone()),
            body,
        }
    }

    /// The response head, with the connection that its body comes from.
    pub async fn run(mut self) -> Result<(Response<Incoming>, Lease), Failure> {
        let service = self.way.service;
        let is_repeatable = self.outgoing.method().is_idempotent() && self.body.is_none();
        let mut tries_left = usize::from(service.retries) + 1;
        let mut attempt = 0;
        loop {
            tries_left -= 1;
            let worker = self.way.worker;
            let kept =
                poll_fn(|context| Poll::Ready(worker.pool.take(worker, service.origin, context)));
            let (mut lease, is_reused) = match kept.await {
                Some(lease) => (lease, true),
                None => match connect::connect(service, &worker.shared.rules, attempt).await {
                    Ok(wire) => (Lease::new(wire, worker, service.origin), false),
                    Err(error) if tries_left > 0 && error.is_worth_another_try() => {
                        attempt += 1;
                        continue;
                    }
                    Err(error) => return Err(Failure::Connect(error)),
                },
            };
            // A kept connection may be closed by the backend at any moment; finding out does not
            // count as a try.
            tries_left += usize::from(is_reused);
            let head = self.outgoing.head(is_repeatable && tries_left > 0);
            let body = self.body.take();
            let request = head.map(|()| RequestBody::new(body));
            let progress = self.progress.as_deref();
            let sent = send(self.way, &mut lease, request, progress).await;
            match sent {
                Ok(response) => return Ok((response, lease)),
                Err((Failure::TooLarge, _)) => return Err(Failure::TooLarge),
                // Nothing of it left this process.
                Err((_, Some(unsent)))
                    if tries_left > 0 && !progress.is_some_and(Progress::has_started) =>
                {
                    let (head, body) = unsent.into_parts();
                    self.outgoing.take_back(Request::from_parts(head, ()));
                    self.body = body.into_inner();
                }
                Err((failure, _)) if !is_repeatable || tries_left == 0 => return Err(failure),
                Err(_) => {}
            }
            attempt += 1;
        }
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
    pub fn answer(&self) -> Answer {
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
