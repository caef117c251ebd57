//! A new process takes over from the old one without a request lost (`wicketgate gateway
//! --take-over`). The listening sockets themselves change hands, so whoever waits in their queues is
//! served; binding them anew would reset those.
//!
//! The old process listens on a Unix socket beside the state file. Asked, it writes no more, lets go of
//! the state file and hands its sockets over. Until the new one says that it serves, the old one
//! serves, too; if the new one goes away before, the old one keeps everything.

mod descriptors;
mod predecessor;

use std::{
    fs, io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::Admin,
    document,
    settings::{Bound, Mode},
    store::Tables,
};

pub use predecessor::Predecessor;

const NAME: &str = "gateway.handover";
const QUESTION: &[u8] = b"take over\n";
const SERVING: &[u8] = b"serving\n";
/// How long the new process may take to serve.
const PATIENCE: Duration = Duration::from_mins(1);

/// What goes before the sockets.
#[derive(Serialize, Deserialize)]
struct Header {
    /// Sockets of each kind, in this order.
    proxy: usize,
    proxy_tls: usize,
    admin: usize,
    status: usize,
    admin_tls: usize,
    /// In mode memory: length and hash of the document that follows the sockets.
    document: Option<(usize, String)>,
}

/// The sockets of this gateway, for its successor.
pub struct Offer {
    listener: UnixListener,
    header: Header,
    sockets: Vec<OwnedFd>,
}

impl Offer {
    /// Nothing where no successor can ask; that keeps nobody from serving.
    pub fn new(directory: &Path, bound: &Bound) -> Option<Self> {
        let offer = listen(directory).and_then(|listener| {
            let (header, sockets) = duplicate(bound)?;
            Ok(Self {
                listener,
                header,
                sockets,
            })
        });
        offer
            .inspect_err(|error| tracing::warn!("no successor can take over the sockets: {error}"))
            .ok()
    }

    /// Waits for a successor; when it serves, `stop` is cancelled. Ends with `stop`, since the
    /// sockets would stay open otherwise.
    pub async fn run(self, admin: Arc<Admin>, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            let outcome = match accepted {
                Ok((stream, _)) => self.hand_over(&admin, stream).await,
                Err(error) => Err(error.into()),
            };
            match outcome {
                Ok(()) => {
                    tracing::info!("another process serves now; running requests may finish");
                    admin.shared.is_handed_over.store(true, Relaxed);
                    stop.cancel();
                    return;
                }
                Err(error) => {
                    tracing::warn!("the sockets were not taken over: {error:#}");
                    match admin.store.resume().await {
                        Ok(()) => admin.is_moving.store(false, Relaxed),
                        Err(error) => {
                            tracing::error!("the state file cannot be written any more: {error}");
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn hand_over(&self, admin: &Admin, mut stream: UnixStream) -> anyhow::Result<()> {
        let mut question = [0; QUESTION.len()];
        let asked = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut question));
        asked.await.context("nothing was asked")??;
        anyhow::ensure!(question == QUESTION, "another question");
        admin.is_moving.store(true, Relaxed);
        admin.store.release().await?;
        let document = match admin.mode {
            Mode::Persistent => None,
            Mode::Memory | Mode::Fixed => {
                let now = service::clock::now().timestamp();
                let write = move |tables: &Tables| document::write(tables, now);
                Some(admin.store.read(write).await?)
            }
        };
        let header = Header {
            document: document
                .as_ref()
                .map(|text| (text.len(), admin.documents.hash())),
            ..self.header
        };
        let header = serde_json::to_vec(&header)?;
        descriptors::send(&stream, &header, &self.sockets).await?;
        if let Some(document) = document {
            stream.write_all(document.as_bytes()).await?;
        }
        let mut answer = [0; SERVING.len()];
        let answered = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer));
        answered.await.context("no word in time")??;
        anyhow::ensure!(answer == SERVING, "another answer");
        Ok(())
    }
}

/// The state file is ours, so whoever left a socket there is gone or has handed over.
fn listen(directory: &Path) -> io::Result<UnixListener> {
    let path = directory.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn duplicate(bound: &Bound) -> io::Result<(Header, Vec<OwnedFd>)> {
    let single = [&bound.admin, &bound.status];
    let all = bound.proxy.iter().chain(&bound.proxy_tls).chain(single);
    let all = all.chain(&bound.admin_tls);
    let sockets = all.map(|socket| Ok(socket.try_clone()?.into()));
    let header = Header {
        proxy: bound.proxy.len(),
        proxy_tls: bound.proxy_tls.len(),
        admin: 1,
        status: 1,
        admin_tls: usize::from(bound.admin_tls.is_some()),
        document: None,
    };
    Ok((header, sockets.collect::<io::Result<_>>()?))
}

impl Header {
    const fn sockets(&self) -> usize {
        self.proxy + self.proxy_tls + self.admin + self.status + self.admin_tls
    }

    fn bound(&self, sockets: Vec<OwnedFd>) -> Option<Bound> {
        let mut sockets = sockets.into_iter().map(TcpListener::from);
        let proxy: Vec<TcpListener> = sockets.by_ref().take(self.proxy).collect();
        let proxy_tls: Vec<TcpListener> = sockets.by_ref().take(self.proxy_tls).collect();
        let bound = Bound {
            proxy,
            proxy_tls,
            admin: sockets.next()?,
            status: sockets.next()?,
            admin_tls: sockets.next(),
        };
        (!bound.proxy.is_empty()).then_some(bound)
    }
}
