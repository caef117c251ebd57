//! Bodies that are read as a whole before the backend is asked (`request_buffering`, gateway 5.7):
//! the beginning in memory, the rest in a file without a name.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::JoinHandle;

/// What all files together may take.
const MAX_ON_DISK: u64 = 16 << 30;
const PIECE: usize = 128 * 1024;

static ON_DISK: AtomicU64 = AtomicU64::new(0);

/// A file that is gone when nobody needs it any more.
struct Kept {
    file: File,
    length: u64,
}

impl Drop for Kept {
    fn drop(&mut self) {
        ON_DISK.fetch_sub(self.length, Relaxed);
    }
}

/// A body in a file. Clones read it from the beginning.
pub struct Spooled {
    kept: Arc<Kept>,
    position: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Clone for Spooled {
    fn clone(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            position: 0,
            reading: None,
        }
    }
}

/// A body that is being written.
pub struct Writing(Kept);

impl Writing {
    pub async fn start() -> io::Result<Self> {
        let file = blocking(tempfile::tempfile).await?;
        Ok(Self(Kept { file, length: 0 }))
    }

    /// Nothing if there is no room.
    pub async fn add(mut self, piece: Bytes) -> io::Result<Option<Self>> {
        let length = piece.len() as u64;
        self.0.length += length;
        if ON_DISK.fetch_add(length, Relaxed) + length > MAX_ON_DISK {
            return Ok(None);
        }
        blocking(move || {
            self.0.file.write_all(&piece)?;
            Ok(Some(self))
        })
        .await
    }

    pub fn finish(self) -> Spooled {
        Spooled {
            kept: Arc::new(self.0),
            position: 0,
            reading: None,
        }
    }
}

impl Spooled {
    pub fn remaining(&self) -> u64 {
        self.kept.length - self.position
    }

    /// The next piece; nothing at the end.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.remaining() == 0 {
            return Poll::Ready(None);
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (kept, position) = (self.kept.clone(), self.position);
            tokio::task::spawn_blocking(move || read(&kept, position))
        });
        let outcome = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let piece = outcome.unwrap_or_else(|error| Err(io::Error::other(error)));
        Poll::Ready(Some(
            piece.inspect(|piece| self.position += piece.len() as u64),
        ))
    }
}

fn read(kept: &Kept, position: u64) -> io::Result<Bytes> {
    let rest = usize::try_from(kept.length - position).unwrap_or(usize::MAX);
    let mut piece = vec![0; rest.min(PIECE)];
    kept.file.read_exact_at(&mut piece, position)?;
    Ok(piece.into())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(io::Error::other(error)))
}
