use std::{sync::Arc, thread, time::Duration};

use anyhow::Context;
use service::{ServiceName, health::Readiness};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin},
    config_file::ConfigFile,
    health,
    live::Live,
    plugins::usage,
    revocations::Revocations,
    settings::{Mode, Settings},
    store::{Damage, Store, Writer},
    worker::{self, Listeners, Shared},
};

/// Serves until `shutdown`: first what the last-known-good file holds, at once and without
/// waiting for anybody; then whatever the Admin API changes.
pub async fn serve(
    settings: Settings,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    service::http::install_crypto();
    let is_loopback = settings.listeners.admin.local_addr()?.ip().is_loopback();
    if !is_loopback && settings.admin_token.is_none() {
        anyhow::bail!(
            "KONG_ADMIN_TOKEN is required, since the Admin API listens on more than loopback"
        );
    }
    let (store, writer, damage, hash) = open(&settings)?;
    let live = Arc::new(Live::new(writer.tables()));
    let revocations = Revocations::open(&settings.state_dir, live.clone())?;
    announce(&writer, damage.as_ref(), &readiness);
    let (intake, records) = usage::Intake::new();
    let sender = usage::Sender::new(
        live.clone(),
        settings.node_name.clone(),
        settings.state_dir.clone(),
        &intake,
    );
    let shared = Arc::new(Shared::new(
        &settings,
        live.clone(),
        intake,
        writer.node_id(),
    )?);
    let writer = spawn_writer(writer, live, readiness.clone())?;
    // Ends after the workers: their last requests are reported, too.
    let reporting = CancellationToken::new();
    let reporter = tokio::spawn(usage::run(sender, records, reporting.clone()));

    let Settings {
        listeners,
        admin_token,
        mode,
        config,
        grace,
        ..
    } = settings;
    let proxy_address = listeners.proxy_address()?;
    let mut encrypted = listeners.proxy_tls.into_iter();
    let sockets = listeners.proxy.into_iter().map(|plain| Listeners {
        plain,
        tls: encrypted.next(),
    });
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
        mode,
        readiness: readiness.clone(),
        is_draining: false.into(),
        documents: admin::Documents::new(hash),
    });
    if let Some(file) = config {
        tokio::spawn(ConfigFile::new(file).follow(admin.clone(), shutdown.clone()));
    }
    let admin_listener = tokio::net::TcpListener::from_std(listeners.admin)?;
    let status_listener = tokio::net::TcpListener::from_std(listeners.status)?;
    let (status_router, admin_router) = (admin::status_router(&admin), admin::router(admin));
    tokio::try_join!(
        service::http::serve(
            ServiceName::Gateway,
            admin_listener,
            admin_router,
            shutdown.clone()
        ),
        service::http::serve(
            ServiceName::Gateway,
            status_listener,
            status_router,
            shutdown.clone()
        ),
    )?;
    for worker in workers {
        tokio::task::spawn_blocking(move || worker.join())
            .await?
            .map_err(|_| anyhow::anyhow!("a worker thread panicked"))??;
    }
    reporting.cancel();
    reporter.await?;
    tokio::task::spawn_blocking(move || writer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the store's thread panicked"))?;
    Ok(())
}

type Opened = (Store, Writer, Option<Damage>, String);

/// The entities that there are at the start, with the hash of the document they come from.
fn open(settings: &Settings) -> anyhow::Result<Opened> {
    let none = || admin::NO_DOCUMENT.to_owned();
    if settings.mode == Mode::Persistent {
        let (store, writer, damage) = Store::open(&settings.state_dir)?;
        return Ok((store, writer, damage, none()));
    }
    let (store, mut writer) = Store::in_memory();
    let hash = match &settings.config {
        Some(file) => ConfigFile::load_first(file, writer.tables_mut())?,
        None => none(),
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
    listeners: impl Iterator<Item = Listeners>,
    shared: &Arc<Shared>,
    shutdown: &CancellationToken,
    grace: Duration,
) -> anyhow::Result<Vec<Worker>> {
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
