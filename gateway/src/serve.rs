use std::{net::TcpListener, path::PathBuf, sync::Arc, thread, time::Duration};

use anyhow::Context;
use service::{ServiceName, health::Readiness};
use tokio_util::sync::CancellationToken;

use crate::{
    acme::Acme,
    admin::{self, Admin},
    config_file::{self, ConfigFile},
    handover::{Offer, Predecessor},
    health,
    live::Live,
    maintenance::Maintenance,
    plugins::{basic_auth::rehash, usage},
    revocations::Revocations,
    settings::{Mode, Settings, Shown},
    store::{Damage, LogFolders, Store, Writer},
    worker::{self, Listeners, Shared},
};

/// Serves until `shutdown`: first what the last-known-good file holds, at once and without
/// waiting for anybody; then whatever the Admin API changes.
pub async fn serve(
    mut settings: Settings,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    service::http::install_crypto();
    check(&settings)?;
    let (store, writer, damage, hash) = open(&mut settings)?;
    let shutdown = shutdown.child_token();
    let maintenance = Maintenance::open(&settings.state_dir)?;
    let live = Arc::new(Live::new(writer.tables(), maintenance));
    let revocations = Revocations::open(&settings.state_dir, live.clone())?;
    announce(&writer, damage.as_ref(), &readiness);
    let (intake, records) = usage::Intake::new();
    let sender = usage::Sender::new(
        live.clone(),
        settings.node_name.clone(),
        settings.state_dir.clone(),
        &intake,
    );
    let (rehashed, passwords) = rehash::channel();
    if settings.mode == Mode::Persistent {
        tokio::spawn(rehash::run(store.clone(), passwords));
    }
    let shared = Arc::new(Shared::new(
        &settings,
        live.clone(),
        intake,
        rehashed,
        writer.node_id(),
    )?);
    let writer = spawn_writer(writer, live, readiness.clone())?;
    // Ends after the workers: their last requests are reported, too.
    let reporting = CancellationToken::new();
    let reporter = tokio::spawn(usage::run(sender, records, reporting.clone()));

    let Settings {
        listeners,
        state_dir,
        predecessor,
        hands_over,
        admin_origins,
        admin_socket,
        traffic,
        admin_token,
        mode,
        config,
        grace,
        acme,
        ..
    } = settings;
    if let (Some(settings), Some(state)) = (acme, shared.acme.clone()) {
        let acme = Acme::new(
            settings,
            &state_dir,
            store.clone(),
            shared.live.clone(),
            state,
        );
        tokio::spawn(acme.run(shutdown.clone()));
    }
    let offer = hands_over
        .then(|| Offer::new(&state_dir, &listeners))
        .flatten();
    let proxy_address = listeners.proxy_address()?;
    let sockets = (listeners.proxy, listeners.proxy_tls);
    let workers = spawn_workers(sockets, &shared, &shutdown, grace)?;
    tokio::spawn(health::run(shared.clone(), shutdown.clone()));
    tracing::info!(
        workers = workers.len(),
        "gateway listens on {proxy_address}"
    );

    let admin = Arc::new(Admin {
        own_address: listeners.admin.local_addr()?,
        proxy_address,
        store,
        revocations: Arc::new(revocations),
        shared,
        token: admin_token,
        origins: admin_origins,
        shows_latency: traffic.answer_headers.has(Shown::AdminLatency),
        mode,
        readiness: readiness.clone(),
        is_draining: false.into(),
        is_moving: false.into(),
        documents: admin::Documents::new(hash),
    });
    if let Some(file) = config {
        tokio::spawn(ConfigFile::new(file).follow(admin.clone(), shutdown.clone()));
    }
    change_places(offer, predecessor, &admin, &shutdown)?;
    let doors = Doors {
        admin: listeners.admin,
        admin_tls: listeners.admin_tls,
        admin_socket,
        status: listeners.status,
    };
    doors.serve(admin, &shutdown).await?;
    end(workers).await?;
    reporting.cancel();
    reporter.await?;
    tokio::task::spawn_blocking(move || writer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the store's thread panicked"))?;
    Ok(())
}

/// Settings that do not go together.
fn check(settings: &Settings) -> anyhow::Result<()> {
    let listeners = &settings.listeners;
    anyhow::ensure!(
        listeners.admin_is_local() || settings.admin_token.is_some(),
        "KONG_ADMIN_TOKEN is required, since the Admin API listens on more than loopback"
    );
    anyhow::ensure!(
        settings.acme.is_none() || !listeners.proxy_tls.is_empty(),
        "GATEWAY_ACME_DIRECTORY: certificates need GATEWAY_TLS_LISTEN, where clients see them"
    );
    Ok(())
}

/// Where the Admin API and the status are asked for.
struct Doors {
    admin: TcpListener,
    admin_tls: Option<TcpListener>,
    admin_socket: Option<PathBuf>,
    status: TcpListener,
}

impl Doors {
    /// Until `stop`.
    async fn serve(self, admin: Arc<Admin>, stop: &CancellationToken) -> anyhow::Result<()> {
        let certificates = admin.shared.live.certificates.clone();
        let (status_router, admin_router) = (admin::status_router(&admin), admin::router(admin));
        let serve = async |listener: TcpListener, router| {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            service::http::serve(ServiceName::Gateway, listener, router, stop.clone()).await
        };
        let (encrypted, local) = (admin_router.clone(), admin_router.clone());
        tokio::try_join!(
            serve(self.admin, admin_router),
            serve(self.status, status_router),
            async {
                match self.admin_tls {
                    Some(listener) => {
                        admin::serve_encrypted(listener, certificates, encrypted, stop.clone())
                            .await
                    }
                    None => Ok(()),
                }
            },
            async {
                match self.admin_socket {
                    Some(path) => admin::serve_local(path, local, stop.clone()).await,
                    None => Ok(()),
                }
            },
        )?;
        Ok(())
    }
}

/// Waits until the workers have answered what they were asked.
async fn end(workers: Vec<Worker>) -> anyhow::Result<()> {
    for worker in workers {
        tokio::task::spawn_blocking(move || worker.join())
            .await?
            .map_err(|_| anyhow::anyhow!("a worker thread panicked"))??;
    }
    Ok(())
}

/// Offers the sockets to a successor, and takes the place of a predecessor.
fn change_places(
    offer: Option<Offer>,
    predecessor: Option<Predecessor>,
    admin: &Arc<Admin>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    if let Some(offer) = offer {
        tokio::spawn(offer.run(admin.clone(), stop.clone()));
    }
    if let Some(predecessor) = predecessor {
        predecessor
            .retire()
            .context("the old gateway cannot be told to stop")?;
    }
    Ok(())
}

type Opened = (Store, Writer, Option<Damage>, String);

/// The entities that there are at the start, with the hash of the document they come from.
fn open(settings: &mut Settings) -> anyhow::Result<Opened> {
    let folders = LogFolders(Some(settings.log_folders.clone()));
    let none = || admin::NO_DOCUMENT.to_owned();
    if settings.mode == Mode::Persistent {
        let (store, mut writer, damage) = Store::open(&settings.state_dir)?;
        writer.tables_mut().log_folders = folders;
        return Ok((store, writer, damage, none()));
    }
    let (store, mut writer) = Store::in_memory();
    let tables = writer.tables_mut();
    tables.log_folders = folders;
    if let Some(text) = &settings.document {
        config_file::load_text(text, tables)?;
        return Ok((store, writer, None, admin::md5(text.as_bytes())));
    }
    let kept = settings.predecessor.as_mut();
    let kept = kept.and_then(|predecessor| predecessor.document.take());
    let hash = match (&settings.config, kept) {
        (Some(file), _) => ConfigFile::load_first(file, tables)?,
        (None, Some((text, hash))) => {
            config_file::load_text(&text, tables)?;
            hash
        }
        (None, None) => none(),
    };
    Ok((store, writer, None, hash))
}

/// Says what is served from now on.
fn announce(writer: &Writer, damage: Option<&Damage>, readiness: &Readiness) {
    match (damage, writer.tables().len()) {
        (Some(damage), _) => {
            tracing::error!(
                "the gateway's state file was damaged ({}) and put aside as `{}`; no API is served \
                 until the gateway adapter has filled the gateway again",
                damage.reason,
                damage.aside.display()
            );
            readiness.waiting(
                "the state file was damaged; the gateway adapter has to fill the gateway again",
            );
        }
        (None, 0) => readiness
            .waiting("no configuration yet; the gateway adapter or an administrator brings it"),
        (None, entities) => {
            tracing::info!("serving {entities} entities from the state file");
            readiness.ready();
        }
    }
}

/// One thread per listening socket.
fn spawn_workers(
    (plain, tls): (Vec<TcpListener>, Vec<TcpListener>),
    shared: &Arc<Shared>,
    shutdown: &CancellationToken,
    grace: Duration,
) -> anyhow::Result<Vec<Worker>> {
    let mut tls = tls.into_iter();
    let listeners = plain.into_iter().map(|plain| Listeners {
        plain,
        tls: tls.next(),
    });
    let workers = listeners.enumerate().map(|(index, listeners)| {
        let (shared, shutdown) = (shared.clone(), shutdown.clone());
        thread::Builder::new()
            .name(format!("gateway-{index}"))
            .spawn(move || worker::run(index, listeners, shared, shutdown, grace))
            .context("cannot start a worker thread")
    });
    workers.collect()
}

type Worker = thread::JoinHandle<anyhow::Result<()>>;

/// The thread that owns the entities. It ends when the last handle of the store is gone.
fn spawn_writer(
    writer: Writer,
    live: Arc<Live>,
    readiness: Readiness,
) -> anyhow::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name("gateway-store".to_owned())
        .spawn(move || {
            writer.run(|tables, changes| {
                live.apply(tables, changes);
                if !tables.is_empty() {
                    readiness.ready();
                }
            });
        })
        .context("cannot start the store's thread")
}
