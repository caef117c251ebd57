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
use http::{StatusCode, header::CONTENT_LENGTH};
use http_body::Body;
use hyper::body::Incoming;

use super::{Answer, Exchange, body::Source};
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
    fn grow(&mut self, bytes: usize) -> Result<(), Answer> {
        let used = self.budget.0.fetch_add(bytes, Relaxed) + bytes;
        self.bytes += bytes;
        if used > MAX_TOGETHER {
            return Err(Answer::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many large requests at a time",
            )
            .closing());
        }
        Ok(())
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
        let mut room = Room {
            budget: worker.shared.bodies.clone(),
            bytes: 0,
        };
        let bytes = collect(body, limit, &mut room).await?;
        self.room = Some(room);
        self.body = Some(Source::Kept(bytes));
        Ok(())
    }
}

async fn collect(mut body: Incoming, limit: u64, room: &mut Room) -> Result<Bytes, Answer> {
    let mut collected = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let frame = tokio::time::timeout(PATIENCE, frame).await.map_err(|_| {
            Answer::new(StatusCode::REQUEST_TIMEOUT, "Request body timeout").closing()
        })?;
        let Some(frame) = frame else {
            return Ok(collected.freeze());
        };
        let frame =
            frame.map_err(|_| Answer::new(StatusCode::BAD_REQUEST, "Bad request").closing())?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        room.grow(data.len())?;
        if (collected.len() + data.len()) as u64 > limit {
            return Err(too_large());
        }
        collected.extend_from_slice(&data);
    }
}

fn too_large() -> Answer {
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "Request size limit exceeded").closing()
}
