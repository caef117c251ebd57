use std::{sync::Arc, thread};

use anyhow::Context;
use service::{ServiceName, health::Readiness};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin},
    live::Live,
    plugins::usage,
    settings::Settings,
    store::Store,
    worker::{self, Shared},
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
    let (store, writer, damage) = Store::open(&settings.state_dir)?;
    let live = Arc::new(Live::new(writer.tables()));
    match (&damage, writer.tables().is_empty()) {
        (Some(damage), _) => {
            tracing::error!(
                "the gateway's state file was damaged ({}) and put aside as `{}`; no API is served until the \
                 gateway adapter has filled the gateway again",
                damage.reason,
                damage.aside.display()
            );
            readiness.waiting(
                "the state file was damaged; the gateway adapter has to fill the gateway again",
            );
        }
        (None, true) => readiness.waiting("no configuration yet; the gateway adapter brings it"),
        (None, false) => {
            tracing::info!(
                "serving {} entities from the state file",
                writer.tables().len()
            );
            readiness.ready();
        }
    }

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
    let reporter = tokio::spawn(usage::run(sender, records, shutdown.clone()));

    let Settings {
        listeners,
        admin_token,
        mode,
        grace,
        ..
    } = settings;
    let proxy_listen = listeners.proxy_address()?;
    let mut workers = Vec::new();
    for (index, listener) in listeners.proxy.into_iter().enumerate() {
        let (shared, shutdown) = (shared.clone(), shutdown.clone());
        let name = format!("gateway-{index}");
        let run = move || worker::run(index, listener, shared, shutdown, grace);
        workers.push(
            thread::Builder::new()
                .name(name)
                .spawn(run)
                .context("cannot start a worker thread")?,
        );
    }
    tracing::info!(workers = workers.len(), "gateway listens on {proxy_listen}");

    let admin = Arc::new(Admin {
        admin_listen: listeners.admin.local_addr()?,
        proxy_listen,
        store,
        shared,
        token: admin_token,
        mode,
        readiness: readiness.clone(),
    });
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
    reporter.await?;
    tokio::task::spawn_blocking(move || writer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the store's thread panicked"))?;
    Ok(())
}

/// The thread that owns the entities. It ends when the last handle of the store is gone.
fn spawn_writer(
    writer: crate::store::Writer,
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
