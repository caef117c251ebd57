//! A load generator that costs little: prepared requests over keep-alive connections, and answers
//! read only as far as their length demands.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// What a run brought.
pub struct Load {
    pub requests: u64,
    pub elapsed: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Load {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `percent` of the requests stayed below.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index =
            (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// What is sent.
#[derive(Clone)]
pub enum Requests {
    /// The same again and again.
    Same(Arc<str>),
    /// Each once; a run ends when there are no more.
    Each(Arc<[String]>, Arc<AtomicUsize>),
    /// One after the other, again and again.
    Rotating(Arc<[String]>, Arc<AtomicUsize>),
}

impl Requests {
    pub fn same(request: String) -> Self {
        Self::Same(request.into())
    }

    pub fn each(requests: Vec<String>) -> Self {
        Self::Each(requests.into(), Arc::default())
    }

    pub fn rotating(requests: Vec<String>) -> Self {
        Self::Rotating(requests.into(), Arc::default())
    }

    fn next(&self) -> Option<&str> {
        match self {
            Self::Same(request) => Some(request),
            Self::Each(requests, next) => {
                requests.get(next.fetch_add(1, Relaxed)).map(String::as_str)
            }
            Self::Rotating(requests, next) => {
                let position = next.fetch_add(1, Relaxed) % requests.len().max(1);
                requests.get(position).map(String::as_str)
            }
        }
    }
}

/// Sends `requests` over `connections` connections for `duration`; every answer has to have status
/// `status`.
pub async fn run(
    address: SocketAddr,
    requests: Requests,
    status: u16,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Load> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(connection(
            address,
            requests.clone(),
            status,
            started + duration,
        ));
    }
    let mut latencies = Vec::new();
    while let Some(result) = tasks.join_next().await {
        latencies.extend(result??);
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Load {
        requests: latencies.len() as u64,
        elapsed,
        latencies,
    })
}

async fn connection(
    address: SocketAddr,
    requests: Requests,
    status: u16,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::with_capacity(100_000);
    let mut answer = Vec::with_capacity(64 * 1024);
    while Instant::now() < until {
        let Some(request) = requests.next() else {
            break;
        };
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        let mut total = None;
        while total.is_none_or(|total| answer.len() < total) {
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("{address} closed the connection");
            }
            if total.is_none() {
                total = length(&answer, status)?;
            }
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// Length of the whole answer once its head has arrived.
fn length(received: &[u8], status: u16) -> anyhow::Result<Option<usize>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    if !head[9..].starts_with(&status.to_string()) {
        bail!(
            "expected {status}, got: {}",
            head.lines().next().unwrap_or_default()
        );
    }
    let body = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>())
        })
        .context("an answer without Content-Length")??;
    Ok(Some(end + 4 + body))
}
