//! Request bodies that a plugin has to see before the backend does.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::Body;
use hyper::body::Incoming;

use super::{Answer, Exchange, body::Source, spooled::Writing};
use crate::worker::Worker;

/// The largest body that is kept in memory.
const MAX_BODY: u64 = 8 << 20;
/// What all of them together may take.
const MAX_TOGETHER: usize = 256 << 20;
/// How long a client may let us wait for the next piece.
const PATIENCE: Duration = Duration::from_mins(1);

/// Room for bodies, shared by all workers.
#[derive(Default)]
pub struct Budget(AtomicUsize);

/// A part of the room; given back when it is dropped.
pub struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Room {
    pub fn new(worker: &Worker) -> Self {
        Self {
            budget: worker.shared.bodies.clone(),
            bytes: 0,
        }
    }

    /// Whether there was room for so much.
    pub fn take(&mut self, bytes: usize) -> bool {
        let used = self.budget.0.fetch_add(bytes, Relaxed) + bytes;
        let fits = used <= MAX_TOGETHER;
        if fits {
            self.bytes += bytes;
        } else {
            self.budget.0.fetch_sub(bytes, Relaxed);
        }
        fits
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Relaxed);
    }
}

impl Exchange<'_> {
    /// Reads the client's body as a whole, unless that has happened.
    pub async fn read_body(&mut self, worker: &Worker) -> Result<(), Answer> {
        let Some(Source::Client(_)) = &self.body else {
            return Ok(());
        };
        let Some(Source::Client(body)) = self.body.take() else {
            return Ok(());
        };
        let limit = self.body_limit.min(MAX_BODY);
        let announced = self.head.headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut room = Room::new(worker);
        let bytes = collect(body, limit, &mut room).await?;
        self.room = Some(room);
        self.body = Some(Source::Kept(bytes));
        Ok(())
    }

    /// Reads the client's body as a whole before the backend is asked, whatever its size.
    pub async fn buffer_body(&mut self, worker: &Worker) -> Result<(), Answer> {
        let Some(Source::Client(_)) = &self.body else {
            return Ok(());
        };
        let Some(Source::Client(mut body)) = self.body.take() else {
            return Ok(());
        };
        let in_memory = worker.shared.rules.traffic.body_in_memory;
        let mut room = Room::new(worker);
        let mut memory = Pieces::default();
        let mut file: Option<Writing> = None;
        let mut total = 0;
        while let Some(piece) = next_piece(&mut body).await? {
            total += piece.len() as u64;
            if total > self.body_limit {
                return Err(too_large());
            }
            if file.is_none() && memory.length + piece.len() <= in_memory && room.take(piece.len())
            {
                memory.add(piece);
                continue;
            }
            let mut writing = match file.take() {
                Some(writing) => writing,
                None => Writing::start().await.map_err(|error| no_file(&error))?,
            };
            for piece in memory.take().into_iter().chain([piece]) {
                let written = writing.add(piece).await.map_err(|error| no_file(&error))?;
                writing = written.ok_or_else(too_many)?;
            }
            file = Some(writing);
        }
        let source = if let Some(writing) = file {
            Source::Spooled(writing.finish())
        } else {
            self.room = Some(room);
            Source::Kept(memory.take().unwrap_or_default())
        };
        // How long it is, is known now.
        let headers = &mut self.head.headers;
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(total));
        self.body = Some(source);
        Ok(())
    }
}

/// A body in memory. Most come as one piece, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: BytesMut,
    length: usize,
}

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        self.length += piece.len();
        if self.length == piece.len() {
            self.first = piece;
            return;
        }
        self.all.extend_from_slice(&std::mem::take(&mut self.first));
        self.all.extend_from_slice(&piece);
    }

    fn take(&mut self) -> Option<Bytes> {
        self.length = 0;
        let first = std::mem::take(&mut self.first);
        let all = if first.is_empty() {
            std::mem::take(&mut self.all).freeze()
        } else {
            first
        };
        (!all.is_empty()).then_some(all)
    }
}

/// Nothing at the end.
async fn next_piece(body: &mut Incoming) -> Result<Option<Bytes>, Answer> {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        let frame = tokio::time::timeout(PATIENCE, frame).await.map_err(|_| {
            Answer::new(StatusCode::REQUEST_TIMEOUT, "Request body timeout").closing()
        })?;
        let Some(frame) = frame else {
            return Ok(None);
        };
        let frame =
            frame.map_err(|_| Answer::new(StatusCode::BAD_REQUEST, "Bad request").closing())?;
        // Trailers of a request are not passed on.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

fn no_file(error: &std::io::Error) -> Answer {
    tracing::error!("a large request cannot be buffered: {error}");
    Answer::internal_error().closing()
}

fn too_many() -> Answer {
    Answer::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many large requests at a time",
    )
    .closing()
}

async fn collect(mut body: Incoming, limit: u64, room: &mut Room) -> Result<Bytes, Answer> {
    let mut collected = BytesMut::new();
    while let Some(data) = next_piece(&mut body).await? {
        if !room.take(data.len()) {
            return Err(too_many());
        }
        if (collected.len() + data.len()) as u64 > limit {
            return Err(too_large());
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

fn too_large() -> Answer {
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "Request size limit exceeded").closing()
}
