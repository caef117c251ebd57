//! The little of Redis' protocol that two scripts need. One connection per store: what waits is
//! written at once, so calls of all workers share the way there.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use ring::digest;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream},
    net::TcpStream,
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tokio_rustls::TlsConnector;

use super::{SCRIPTS, StoreError};

/// Where the store is.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct RedisConfig {
    host: Option<String>,
    port: u16,
    username: Option<String>,
    password: Option<String>,
    database: u16,
    timeout: u64,
    ssl: bool,
    ssl_verify: bool,
    server_name: Option<String>,
}

/// Failures in a row after which the store is left alone.
const MAX_FAILURES: u32 = 3;
/// For how long.
const REST: Duration = Duration::from_secs(1);
/// Calls that wait for the connection; further ones fail at once.
const MAX_WAITING: usize = 4096;
/// Calls that are written at once.
const MAX_TOGETHER: usize = 256;

pub struct Client {
    config: RedisConfig,
    timeout: Duration,
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    failures: AtomicU32,
    rests_until: Mutex<Option<Instant>>,
}

/// One of [`SCRIPTS`].
#[derive(Clone, Copy)]
pub enum Script {
    Count,
    Add,
}

struct Call {
    script: Script,
    keys: Vec<String>,
    arguments: Vec<String>,
    answer: oneshot::Sender<Result<Vec<i64>, StoreError>>,
}

impl Client {
    pub fn new(config: RedisConfig) -> Self {
        Self {
            timeout: Duration::from_millis(config.timeout),
            config,
            calls: Mutex::default(),
            failures: AtomicU32::new(0),
            rests_until: Mutex::default(),
        }
    }

    /// Calls the script.
    pub async fn call(
        self: &Arc<Self>,
        script: Script,
        keys: Vec<String>,
        arguments: Vec<String>,
        runtime: &Handle,
    ) -> Result<Vec<i64>, StoreError> {
        if self.rests() {
            return Err(StoreError::LeftAlone);
        }
        let (answer, answered) = oneshot::channel();
        let call = Call {
            script,
            keys,
            arguments,
            answer,
        };
        let outcome = if self.calls(runtime).try_send(call).is_err() {
            Err(StoreError::Timeout)
        } else {
            match tokio::time::timeout(self.timeout, answered).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(StoreError::Connection("the connection ended".to_owned())),
                Err(_) => Err(StoreError::Timeout),
            }
        };
        self.note(outcome.is_ok());
        outcome
    }

    fn calls(self: &Arc<Self>, runtime: &Handle) -> mpsc::Sender<Call> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        match &*calls {
            Some(sender) if !sender.is_closed() => sender.clone(),
            _ => {
                let (sender, receiver) = mpsc::channel(MAX_WAITING);
                *calls = Some(sender.clone());
                runtime.spawn(serve(self.config.clone(), self.timeout, receiver));
                sender
            }
        }
    }

    fn rests(&self) -> bool {
        if self.failures.load(Relaxed) < MAX_FAILURES {
            return false;
        }
        let rests_until = self
            .rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rests_until.is_some_and(|until| Instant::now() < until)
    }

    fn note(&self, is_well: bool) {
        if is_well {
            self.failures.store(0, Relaxed);
        } else if self.failures.fetch_add(1, Relaxed) + 1 >= MAX_FAILURES {
            let mut rests_until = self
                .rests_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *rests_until = Some(Instant::now() + REST);
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Answers calls over one connection. Ends when the connection does; the next call opens another.
async fn serve(config: RedisConfig, timeout: Duration, mut calls: mpsc::Receiver<Call>) {
    let opened = tokio::time::timeout(timeout, open(&config)).await;
    let mut connection = match opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(connection) => connection,
        Err(error) => {
            tracing::warn!("cannot use the Redis for rate limits: {error}");
            calls.close();
            while let Some(call) = calls.recv().await {
                let failure = StoreError::Connection(error.to_string());
                let _ = call.answer.send(Err(failure));
            }
            return;
        }
    };
    let mut waiting = Vec::new();
    while calls.recv_many(&mut waiting, MAX_TOGETHER).await > 0 {
        let exchange = connection.exchange(&mut waiting);
        let outcome = tokio::time::timeout(timeout, exchange).await;
        match outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(()) => {}
            Err(error) => {
                // Whoever waits still hears of it by the end of its channel.
                tracing::warn!("the Redis for rate limits failed: {error}");
                return;
            }
        }
    }
}

struct Connection {
    stream: BufStream<Box<dyn Stream>>,
    /// Their hashes.
    scripts: [String; SCRIPTS.len()],
}

async fn open(config: &RedisConfig) -> io::Result<Connection> {
    let host = config.host.as_deref().unwrap_or_default();
    let stream = TcpStream::connect((host, config.port)).await?;
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = if config.ssl {
        let name = config.server_name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(tls(config)));
        Box::new(connector.connect(name, stream).await?)
    } else {
        Box::new(stream)
    };
    let hash = |script: &str| {
        let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        hex::encode(digest::digest(algorithm, script.as_bytes()))
    };
    let mut connection = Connection {
        stream: BufStream::new(stream),
        scripts: SCRIPTS.map(hash),
    };
    if let Some(password) = &config.password {
        match &config.username {
            Some(username) => connection.ask(&["AUTH", username, password]).await?,
            None => connection.ask(&["AUTH", password]).await?,
        }
    }
    if config.database > 0 {
        connection
            .ask(&["SELECT", &config.database.to_string()])
            .await?;
    }
    for script in SCRIPTS {
        connection.ask(&["SCRIPT", "LOAD", script]).await?;
    }
    Ok(connection)
}

fn tls(config: &RedisConfig) -> ClientConfig {
    if !config.ssl_verify {
        return crate::proxy::unverified().with_no_client_auth();
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// An answer of the protocol, as far as it can come.
enum Reply {
    Simple,
    Integers(Vec<i64>),
    Error(String),
}

impl Connection {
    /// A call that has to succeed before any other.
    async fn ask(&mut self, parts: &[&str]) -> io::Result<()> {
        self.write(parts).await?;
        self.stream.flush().await?;
        match self.read().await? {
            Reply::Error(reason) => Err(io::Error::other(reason)),
            Reply::Simple | Reply::Integers(_) => Ok(()),
        }
    }

    /// Writes all calls, then reads their answers.
    async fn exchange(&mut self, calls: &mut Vec<Call>) -> io::Result<()> {
        for call in &*calls {
            let count = call.keys.len().to_string();
            let script = &self.scripts[call.script as usize];
            let mut parts = vec!["EVALSHA", script, &count];
            parts.extend(call.keys.iter().map(String::as_str));
            parts.extend(call.arguments.iter().map(String::as_str));
            let text = encode(&parts);
            self.stream.write_all(&text).await?;
        }
        self.stream.flush().await?;
        for call in calls.drain(..) {
            let answer = match self.read().await? {
                Reply::Integers(integers) => Ok(integers),
                Reply::Simple => Err(StoreError::Refused("an answer of another form".to_owned())),
                // The store was emptied: a new connection loads the script again.
                Reply::Error(reason) if reason.starts_with("NOSCRIPT") => {
                    return Err(io::Error::other(reason));
                }
                Reply::Error(reason) => Err(StoreError::Refused(reason)),
            };
            let _ = call.answer.send(answer);
        }
        Ok(())
    }

    async fn write(&mut self, parts: &[&str]) -> io::Result<()> {
        self.stream.write_all(&encode(parts)).await
    }

    async fn read(&mut self) -> io::Result<Reply> {
        let (kind, rest) = self.line().await?;
        match kind {
            b'+' => Ok(Reply::Simple),
            b'-' => Ok(Reply::Error(rest)),
            b':' => Ok(Reply::Integers(vec![number(&rest)?])),
            b'$' => {
                let length = number(&rest)?;
                let length = usize::try_from(length).unwrap_or(0).min(64 * 1024);
                let mut text = vec![0; length + 2];
                self.stream.read_exact(&mut text).await?;
                Ok(Reply::Simple)
            }
            b'*' => {
                let count = number(&rest)?;
                let mut integers = Vec::new();
                for _ in 0..count.clamp(0, 16) {
                    match self.line().await? {
                        (b':', rest) => integers.push(number(&rest)?),
                        _ => return Err(io::ErrorKind::InvalidData.into()),
                    }
                }
                Ok(Reply::Integers(integers))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The first byte of a line, and the rest.
    async fn line(&mut self) -> io::Result<(u8, String)> {
        let mut line = String::new();
        let read = (&mut self.stream).take(4096).read_line(&mut line).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let kind = *line.as_bytes().first().ok_or(io::ErrorKind::InvalidData)?;
        if !kind.is_ascii() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok((kind, line[1..].to_owned()))
    }
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

fn encode(parts: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        text.extend_from_slice(format!("${}\r\n{part}\r\n", part.len()).as_bytes());
    }
    text
}
