use std::{
    cell::Cell,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::Either;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};

use super::body::RequestBody;

/// Requests at a time on one connection of HTTP/2; further ones get another connection.
const MAX_STREAMS: u32 = 100;

/// A connection to a backend.
pub struct Wire {
    pub address: SocketAddr,
    kind: Kind,
}

enum Kind {
    Alone(Alone),
    Shared(Shared),
}

/// For one request at a time. It has no task of its own: whoever waits for something from it moves
/// it on, in the client's task, which saves two changes of tasks per request.
struct Alone {
    sender: http1::SendRequest<RequestBody>,
    /// Gone when it has ended.
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>>>>>,
}

/// A place on a connection of HTTP/2, which moves by itself.
struct Shared {
    sender: http2::SendRequest<RequestBody>,
    usage: Rc<Usage>,
}

/// What all places on a connection know of each other.
struct Usage {
    places: Cell<u32>,
    since: Cell<Instant>,
    requests: Cell<u32>,
    /// Something went wrong on it, so nothing new begins there.
    is_retired: Cell<bool>,
}

impl Shared {
    fn place(&self) -> Self {
        self.usage.places.set(self.usage.places.get() + 1);
        self.usage
            .requests
            .set(self.usage.requests.get().saturating_add(1));
        Self {
            sender: self.sender.clone(),
            usage: self.usage.clone(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.usage
            .places
            .set(self.usage.places.get().saturating_sub(1));
        self.usage.since.set(Instant::now());
    }
}

impl Wire {
    pub fn new(
        sender: http1::SendRequest<RequestBody>,
        connection: impl Future<Output = hyper::Result<()>> + 'static,
        address: SocketAddr,
    ) -> Self {
        let connection: Pin<Box<dyn Future<Output = hyper::Result<()>>>> = Box::pin(connection);
        Self {
            address,
            kind: Kind::Alone(Alone {
                sender,
                connection: Some(connection),
            }),
        }
    }

    pub fn shared(sender: http2::SendRequest<RequestBody>, address: SocketAddr) -> Self {
        let usage = Usage {
            places: Cell::new(1),
            since: Cell::new(Instant::now()),
            requests: Cell::new(1),
            is_retired: Cell::new(false),
        };
        let usage = Rc::new(usage);
        Self {
            address,
            kind: Kind::Shared(Shared { sender, usage }),
        }
    }

    pub const fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Shared(_))
    }

    /// Another place on the same connection, if it has several.
    pub fn place(&self) -> Option<Self> {
        let Kind::Shared(shared) = &self.kind else {
            return None;
        };
        Some(Self {
            address: self.address,
            kind: Kind::Shared(shared.place()),
        })
    }

    /// Since when nobody but its keeper has a place on it, and the requests so far.
    pub fn unused_since(&self) -> Option<(Instant, u32)> {
        match &self.kind {
            Kind::Shared(shared) if shared.usage.places.get() <= 1 => {
                Some((shared.usage.since.get(), shared.usage.requests.get()))
            }
            _ => None,
        }
    }

    /// Reads and writes as far as that goes without waiting.
    pub fn drive(&mut self, context: &mut Context<'_>) {
        if let Kind::Alone(alone) = &mut self.kind {
            alone.drive(context);
        }
    }

    /// Whether it is free for a request. One that has ended in the meantime is found out before
    /// the request is written.
    pub fn is_free(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.kind {
            Kind::Alone(alone) => {
                if !alone.sender.is_ready() {
                    alone.drive(context);
                }
                alone.connection.is_some() && alone.sender.is_ready()
            }
            Kind::Shared(shared) => {
                let usage = &shared.usage;
                !usage.is_retired.get()
                    && usage.places.get() <= MAX_STREAMS
                    && !shared.sender.is_closed()
                    && shared.sender.is_ready()
            }
        }
    }

    pub fn has_ended(&self) -> bool {
        match &self.kind {
            Kind::Alone(alone) => alone.connection.is_none(),
            Kind::Shared(shared) => shared.usage.is_retired.get() || shared.sender.is_closed(),
        }
    }

    /// Something went wrong on it: those who use it may go on, nobody else begins.
    pub fn retire(&self) {
        if let Kind::Shared(shared) = &self.kind {
            shared.usage.is_retired.set(true);
        }
    }

    /// Takes a request; it is sent, and its answer comes, while the wire is driven.
    pub fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> + use<>
    {
        match &mut self.kind {
            Kind::Alone(alone) => Either::Left(alone.sender.try_send_request(request)),
            Kind::Shared(shared) => {
                Either::Right(Box::pin(shared.sender.try_send_request(request)))
            }
        }
    }

    /// Lets it go on by itself, for what comes after a change of protocols.
    pub fn detach(self) {
        if let Kind::Alone(mut alone) = self.kind
            && let Some(connection) = alone.connection.take()
        {
            tokio::task::spawn_local(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("connection to a backend ended: {error}");
                }
            });
        }
    }
}

impl Alone {
    fn drive(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::debug!("connection to a backend ended: {error}");
            }
            self.connection = None;
        }
    }
}
