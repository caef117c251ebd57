//! Start, background work, end. The port opens at once; everything else follows and says in the
//! readiness what it waits for.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use migrations::{Database, OpenError, auth_server::Migrator};
use service::{ServiceName, backoff::Backoff, clock, health::Readiness, ops, problem::Problem};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    Settings, backchannel, events, housekeeping, kong,
    portal_api::PortalApi,
    records, rotation, routes,
    state::{AppState, StateError},
};

/// How often configuration and keys are looked after.
const RELOAD: Duration = Duration::from_secs(5);
/// Every so many rounds what has ended is removed.
const CLEAN_EVERY: u32 = 60;

/// Runs the auth server on `listener` until `shutdown`.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    service::crypto::install();
    // Of our own: a failed start ends our server, and must not stop services that share the token.
    let shutdown = shutdown.child_token();
    let started = Arc::new(OnceLock::new());
    let server = tokio::spawn(service::http::serve(
        ServiceName::AuthServer,
        listener,
        front(&settings, &readiness, started.clone()),
        shutdown.clone(),
    ));
    let state = tokio::select! {
        state = start(settings, &readiness, &shutdown) => state,
        () = shutdown.cancelled() => return server.await?,
    };
    let started_with = state.and_then(|state| {
        let receiver = events::receiver(&state)?;
        Ok((state, receiver))
    });
    let (state, receiver) = match started_with {
        Ok(started) => started,
        Err(error) => {
            shutdown.cancel();
            server.await??;
            return Err(error);
        }
    };
    let router = routes::router(state.clone()).merge(receiver.router());
    started.set(router).ok();
    readiness.ready();
    let housekeeping = tokio::spawn(look_after(state.clone(), shutdown.clone()));
    let rotation = tokio::spawn(rotation::run(state.clone(), shutdown.clone()));
    let recording = tokio::spawn(records::run(state.clone(), shutdown.clone()));
    let hearing = tokio::spawn(events::hear(state.clone(), receiver, shutdown.clone()));
    let telling = tokio::spawn(backchannel::run(state.clone(), shutdown.clone()));
    let tending = tokio::spawn(kong::tend(state, shutdown));
    server.await??;
    housekeeping.await?;
    recording.await?;
    rotation.await?;
    hearing.await?;
    telling.await?;
    tending.await?;
    Ok(())
}

/// Health at both places, and everything else once it has started.
fn front(settings: &Settings, readiness: &Readiness, started: Arc<OnceLock<Router>>) -> Router {
    let ops = ops::router(ServiceName::AuthServer.wire_name(), readiness.clone());
    let ping = {
        let ops = ops.clone();
        async move || {
            let request = Request::get("/ping").body(Body::empty());
            let request = request.expect("a constant request is valid");
            ops.oneshot(request).await.into_response()
        }
    };
    ops.route(&format!("{}/ping", settings.base_path), get(ping))
        .fallback(async move |request: Request| when_started(started, request).await)
}

async fn when_started(started: Arc<OnceLock<Router>>, request: Request) -> Response {
    match started.get() {
        Some(router) => router.clone().oneshot(request).await.into_response(),
        None => Problem::unavailable("The auth server is still starting. Try again shortly.")
            .into_response(),
    }
}

/// Opens the database and reads the configuration, as often as waiting may help.
async fn start(
    settings: Settings,
    readiness: &Readiness,
    shutdown: &CancellationToken,
) -> anyhow::Result<AppState> {
    let database = open(&settings, readiness).await?;
    let portal_api = PortalApi::new(settings.portal_api.clone(), settings.keys.clone());
    let mut backoff = Backoff::for_start();
    loop {
        let state = AppState::new(
            settings.clone(),
            database.clone(),
            portal_api.clone(),
            shutdown.clone(),
        );
        let state = state.await;
        match state {
            Ok(state) => return Ok(state),
            // Keys that do not open stay closed; a configuration may be corrected.
            Err(
                error @ (StateError::Keys(_) | StateError::MissingKey(_) | StateError::Kong(_)),
            ) => {
                return Err(error.into());
            }
            Err(error) => readiness.waiting(error.to_string()),
        }
        backoff.wait().await;
    }
}

async fn open(settings: &Settings, readiness: &Readiness) -> Result<Database, OpenError> {
    let mut backoff = Backoff::for_start();
    loop {
        let opened =
            Database::open::<Migrator>(&settings.database, settings.database_connections).await;
        match opened {
            Ok(database) => return Ok(database),
            Err(error) if error.is_temporary() => {
                readiness.waiting(format!("the database does not answer ({error})"));
            }
            Err(error) => return Err(error),
        }
        backoff.wait().await;
    }
}

/// Takes over new configuration, rotates keys, removes what has ended.
async fn look_after(state: AppState, shutdown: CancellationToken) {
    let mut rounds = 0_u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOAD) => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = state.reload().await {
            tracing::warn!("the configuration could not be read anew, the old one stays: {error}");
        }
        let algorithm = state.configuration().algorithm;
        if let Err(error) = state.keys.refresh(algorithm, clock::now()).await {
            tracing::error!("the signing keys could not be looked after: {error}");
        }
        rounds += 1;
        if rounds.is_multiple_of(CLEAN_EVERY)
            && let Err(error) = housekeeping::clean(&state).await
        {
            tracing::warn!(%error, "what has ended could not be removed");
        }
    }
}
