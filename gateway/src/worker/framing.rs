use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is known of a connection on both sides of the HTTP parser. Atomic only because the parser
/// wants a socket that could be sent to other threads.
#[derive(Default)]
pub struct Framing {
    /// A request is being worked on, so what is read is no head.
    pub in_request: AtomicBool,
    /// The head had both `Content-Length` and `Transfer-Encoding`.
    pub is_contradictory: AtomicBool,
}

/// A client's socket that watches for heads with two lengths.
///
/// The parser settles that contradiction in favour of `Transfer-Encoding` and drops the other
/// header without a word, which is safe for the backend. But such a request is an attempt to make
/// two servers read it differently, so it is refused. A header name that is split between two
/// reads is missed here; what reaches the backend is unambiguous all the same.
pub struct Watched<S> {
    stream: S,
    framing: Arc<Framing>,
    seen: Seen,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    content_length: bool,
    transfer_encoding: bool,
}

impl<S> Watched<S> {
    pub fn new(stream: S, framing: Arc<Framing>) -> Self {
        Self {
            stream,
            framing,
            seen: Seen::default(),
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            rest = &rest[end + 1..];
            match rest {
                [b'\r' | b'\n', ..] => {
                    self.seen = Seen::default();
                    return;
                }
                [b'c' | b'C', ..] if starts_with(rest, b"content-length") => {
                    self.seen.content_length = true;
                }
                [b't' | b'T', ..] if starts_with(rest, b"transfer-encoding") => {
                    self.seen.transfer_encoding = true;
                }
                _ => {}
            }
            if self.seen.content_length && self.seen.transfer_encoding {
                self.framing.is_contradictory.store(true, Relaxed);
            }
        }
    }
}

fn starts_with(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.framing.in_request.load(Relaxed) {
            self.look(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
