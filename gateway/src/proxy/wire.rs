use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1::SendRequest},
};

use super::body::RequestBody;

/// A connection to a backend. It has no task of its own: whoever waits for something from it moves
/// it on, in the client's task, which saves two changes of tasks per request.
pub struct Wire {
    pub address: SocketAddr,
    sender: SendRequest<RequestBody>,
    /// Gone when it has ended.
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>>>>>,
}

impl Wire {
    pub fn new(
        sender: SendRequest<RequestBody>,
        connection: impl Future<Output = hyper::Result<()>> + 'static,
        address: SocketAddr,
    ) -> Self {
        Self {
            address,
            sender,
            connection: Some(Box::pin(connection)),
        }
    }

    /// Reads and writes as far as that goes without waiting.
    pub fn drive(&mut self, context: &mut Context<'_>) {
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

    /// Whether it is free for a request. One that has ended in the meantime is found out before
    /// the request is written.
    pub fn is_free(&mut self, context: &mut Context<'_>) -> bool {
        if !self.sender.is_ready() {
            self.drive(context);
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    pub fn has_ended(&self) -> bool {
        self.connection.is_none()
    }

    /// Takes a request; it is sent, and its answer comes, while the wire is driven.
    pub fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> + use<>
    {
        self.sender.try_send_request(request)
    }

    /// Lets it go on by itself, for what comes after a change of protocols.
    pub fn detach(mut self) {
        if let Some(connection) = self.connection.take() {
            tokio::task::spawn_local(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("connection to a backend ended: {error}");
                }
            });
        }
    }
}
