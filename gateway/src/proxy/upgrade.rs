//! Web sockets: after the handshake bytes go both ways untouched.

use std::{
    cell::Cell,
    io,
    time::{Duration, Instant},
};

use http::{
    HeaderMap, HeaderValue,
    header::{CONNECTION, UPGRADE},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::finish::Finish;

const PIECE: usize = 16 * 1024;

/// Asks the backend to switch, as the client asked us.
pub fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Copies until either side ends, or nobody has said anything for `idle`. The request ends with it.
pub fn tunnel(client: OnUpgrade, backend: OnUpgrade, idle: Duration, mut finish: Box<Finish>) {
    tokio::task::spawn_local(async move {
        let (client, backend) = match tokio::try_join!(client, backend) {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!("a WebSocket was not opened: {error}");
                return;
            }
        };
        let (from_client, to_client) = tokio::io::split(TokioIo::new(client));
        let (from_backend, to_backend) = tokio::io::split(TokioIo::new(backend));
        let (last, answered) = (Cell::new(Instant::now()), Cell::new(0));
        let asked = Cell::new(0);
        let both = async {
            tokio::try_join!(
                copy(from_client, to_backend, &last, &asked),
                copy(from_backend, to_client, &last, &answered),
            )
        };
        tokio::select! {
            outcome = both => if let Err(error) = outcome {
                tracing::debug!("a WebSocket ended: {error}");
            },
            () = silence(&last, idle) => tracing::debug!("a WebSocket was idle for too long"),
        }
        finish.response_bytes += answered.get();
    });
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    last: &Cell<Instant>,
    bytes: &Cell<u64>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
        bytes.set(bytes.get() + length as u64);
        last.set(Instant::now());
    }
}

async fn silence(last: &Cell<Instant>, idle: Duration) {
    loop {
        let rest = idle.saturating_sub(last.get().elapsed());
        if rest.is_zero() {
            return;
        }
        tokio::time::sleep(rest).await;
    }
}
