//! Bodies on their way through. Each piece goes on as it comes, but for JSON that a plugin changes.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::{finish::Finish, pool::Lease, spooled::Spooled};
use crate::plugins::{ResponseTransformer, proxy_cache::Recording};

/// Why a body ends early. The connection is closed then, so that nobody takes a part for the whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error(transparent)]
    Hyper(#[from] hyper::Error),
    #[error("the body is larger than allowed")]
    TooLarge,
    #[error("the backend sent nothing for too long")]
    Stalled,
    #[error("a buffered body cannot be read again: {0}")]
    Spool(#[from] std::io::Error),
}

/// The body of a request to the backend.
pub struct RequestBody {
    inner: Option<(Source, Rc<Progress>)>,
}

/// Where a request's body comes from.
pub enum Source {
    /// The client's connection, piece by piece.
    Client(Incoming),
    /// It was read as a whole, so it can be sent again.
    Kept(Bytes),
    /// Likewise, and it is large.
    Spooled(Spooled),
}

impl Source {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Client(body) => Pin::new(body).poll_frame(context).map_err(BodyError::from),
            Self::Kept(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Kept(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Spooled(spooled) => {
                let piece = ready!(spooled.poll_piece(context));
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece?))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(body) => body.is_end_stream(),
            Self::Kept(bytes) => bytes.is_empty(),
            Self::Spooled(spooled) => spooled.remaining() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(body) => body.size_hint(),
            Self::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Spooled(spooled) => SizeHint::with_exact(spooled.remaining()),
        }
    }

    /// The same once more, if it was kept.
    pub fn again(&self) -> Option<Self> {
        match self {
            Self::Client(_) => None,
            Self::Kept(bytes) => Some(Self::Kept(bytes.clone())),
            Self::Spooled(spooled) => Some(Self::Spooled(spooled.clone())),
        }
    }
}

/// What can be seen of a request body from outside.
pub struct Progress {
    bytes: Cell<u64>,
    limit: u64,
    exceeded: Cell<bool>,
    /// Nothing before the first piece.
    last: Cell<Option<Instant>>,
    started: Cell<bool>,
    finished: Cell<bool>,
}

impl Progress {
    pub fn new(limit: u64) -> Rc<Self> {
        Rc::new(Self {
            bytes: Cell::new(0),
            limit,
            exceeded: Cell::new(false),
            last: Cell::new(None),
            started: Cell::new(false),
            finished: Cell::new(false),
        })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    pub fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }

    /// Whether the client has been asked for any of the body.
    pub fn has_started(&self) -> bool {
        self.started.get()
    }

    /// Whether the client still owes a part of the body.
    pub fn is_under_way(&self) -> bool {
        !self.finished.get()
    }

    pub fn idle_for(&self) -> Duration {
        self.last.get().map_or(Duration::MAX, |last| last.elapsed())
    }
}

impl RequestBody {
    pub fn new(inner: Option<(Source, Rc<Progress>)>) -> Self {
        Self { inner }
    }

    /// The client's body, when nothing of it was sent.
    pub fn into_inner(self) -> Option<(Source, Rc<Progress>)> {
        self.inner
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some((inner, progress)) = &mut this.inner else {
            return Poll::Ready(None);
        };
        progress.started.set(true);
        let frame = ready!(inner.poll_frame(context));
        progress.last.set(Some(Instant::now()));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let total = progress.bytes.get() + length;
                progress.bytes.set(total);
                if total > progress.limit {
                    progress.exceeded.set(true);
                    Some(Err(BodyError::TooLarge))
                } else {
                    progress.finished.set(inner.is_end_stream());
                    Some(Ok(frame))
                }
            }
            Some(Err(error)) => Some(Err(error)),
            None => {
                progress.finished.set(true);
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(|(inner, _)| inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |(inner, _)| inner.size_hint())
    }
}

/// The body of an answer.
pub enum AnswerBody {
    Own(Bytes, Option<Box<Finish>>),
    Backend(BackendBody),
}

/// A backend's body. When it has been read to the end, its connection is free again.
pub struct BackendBody {
    inner: Incoming,
    lease: Option<Lease>,
    finish: Box<Finish>,
    read_timeout: Duration,
    /// Made only when the backend lets us wait.
    stall: Option<Pin<Box<Sleep>>>,
    /// In a box: nearly no answer has one.
    change: Option<Box<BodyChange>>,
    /// Keeps the answer when it is whole.
    recording: Option<Box<Recording>>,
    has_ended: bool,
}

/// What is collected of a body that is changed as a whole.
struct BodyChange {
    transformer: Arc<ResponseTransformer>,
    collected: BytesMut,
}

/// The largest body that is changed; larger ones go on as they are (gateway 7.14).
const MAX_CHANGED: usize = 8 << 20;

impl BackendBody {
    pub fn new(
        inner: Incoming,
        lease: Option<Lease>,
        finish: Box<Finish>,
        read_timeout: Duration,
    ) -> Self {
        Self {
            inner,
            lease,
            finish,
            read_timeout,
            stall: None,
            change: None,
            recording: None,
            has_ended: false,
        }
    }

    pub fn changed_by(mut self, transformer: Option<Arc<ResponseTransformer>>) -> Self {
        // Nothing is left of an answer to HEAD that could be changed.
        self.change = transformer
            .filter(|_| !self.inner.is_end_stream())
            .map(|transformer| {
                Box::new(BodyChange {
                    transformer,
                    collected: BytesMut::new(),
                })
            });
        self
    }

    pub fn kept_by(mut self, recording: Option<Recording>) -> Self {
        self.recording = recording.map(Box::new);
        self
    }

    fn is_end_stream(&self) -> bool {
        self.change.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.change.is_some() {
            SizeHint::default()
        } else {
            self.inner.size_hint()
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while self.change.is_some() {
            // Trailers are about the body as it was, so they end here.
            let piece = match ready!(self.poll_piece(context)) {
                Some(Ok(frame)) => Some(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => None,
            };
            if let Some(body) = self.collect(piece) {
                return Poll::Ready(Some(Ok(Frame::data(body))));
            }
        }
        self.poll_piece(context)
    }

    /// Adds a piece, or ends the body; answers what the client gets of it by now.
    fn collect(&mut self, piece: Option<Bytes>) -> Option<Bytes> {
        let change = self.change.as_mut()?;
        let is_whole = piece.is_none();
        change
            .collected
            .extend_from_slice(&piece.unwrap_or_default());
        if !is_whole && change.collected.len() <= MAX_CHANGED {
            return None;
        }
        let change = self.change.take()?;
        let body = change.collected.freeze();
        if !is_whole {
            tracing::warn!("a JSON body of more than {MAX_CHANGED} bytes is not changed");
            return Some(body);
        }
        let body = change.transformer.change_body(body);
        self.finish.response_bytes = body.len() as u64;
        Some(body)
    }

    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut frame = Pin::new(&mut self.inner).poll_frame(context);
        if frame.is_pending()
            && let Some(lease) = &mut self.lease
        {
            lease.wire.drive(context);
            frame = Pin::new(&mut self.inner).poll_frame(context);
        }
        match frame {
            Poll::Ready(Some(Ok(frame))) => {
                self.stall = None;
                self.finish.response_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                if let Some(recording) = &mut self.recording
                    && !recording.add(&frame)
                {
                    self.recording = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.lease = None;
                self.recording = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.has_ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let timeout = self.read_timeout;
                let stall = self
                    .stall
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                ready!(stall.as_mut().poll(context));
                self.lease = None;
                self.recording = None;
                Poll::Ready(Some(Err(BodyError::Stalled)))
            }
        }
    }
}

impl Drop for BackendBody {
    fn drop(&mut self) {
        let is_whole = self.has_ended || self.inner.is_end_stream();
        if let Some(recording) = self.recording.take()
            && is_whole
        {
            recording.finish();
        }
        // A connection whose answer was not read to the end is of no further use.
        if let Some(lease) = self.lease.take()
            && is_whole
        {
            lease.give_back();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Own(bytes, finish) => {
                if bytes.is_empty() {
                    return Poll::Ready(None);
                }
                if let Some(finish) = finish {
                    finish.response_bytes += bytes.len() as u64;
                }
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Self::Backend(body) => body.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes, _) => bytes.is_empty(),
            Self::Backend(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Self::Backend(body) => body.size_hint(),
        }
    }
}
