//! Starting and stopping: the port opens at once, everything else follows and says what it waits
//! for.

use std::{sync::Arc, sync::OnceLock};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use migrations::{Database, OpenError};
use service::{
    ServiceName, backoff::Backoff, health::Readiness, ops, problem::Problem, token::Verifier,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    AppState, Settings, bootstrap,
    compat::{self, Api},
    configuration, echo, events, housekeeping, master_key, rotation, routes,
    state::Shared,
    systemhealth,
    tokens::UserTokens,
};

/// Runs portal-api until `shutdown`. Waits for its database as long as it takes, with the reason
/// in `readiness`; ends with an error only for what waiting cannot mend.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    echo: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let settings = std::future::ready(Ok(settings));
    serve_when(settings, listener, echo, readiness, shutdown).await
}

/// As [`serve`], with settings that take their time, because the configuration has to be fetched
/// first. The port answers meanwhile.
pub async fn serve_when(
    settings: impl Future<Output = anyhow::Result<Settings>>,
    listener: TcpListener,
    echo: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    service::http::install_crypto();
    // Of our own: a failed start ends our servers, and must not stop services that share the token.
    let shutdown = shutdown.child_token();
    let api = Arc::new(OnceLock::<Api>::new());
    let handler = {
        let api = api.clone();
        move |request: Request| when_started(api, request)
    };
    let app = ops::without_ping("api", readiness.clone()).fallback(handler);
    let server = tokio::spawn(service::http::serve(
        ServiceName::PortalApi,
        listener,
        app,
        shutdown.clone(),
    ));
    let echo = tokio::spawn(echo::serve(echo, shutdown.clone()));
    let started = tokio::select! {
        started = Box::pin(start(settings, &readiness)) => started,
        () = shutdown.cancelled() => return server.await?,
    };
    let (state, settings) = match started {
        Ok(started) => started,
        Err(error) => {
            shutdown.cancel();
            server.await??;
            echo.await??;
            return Err(error);
        }
    };
    let router = routes::router(state.clone());
    api.set(Api::new(router, state.clone())).ok();
    readiness.ready();
    let health = tokio::spawn(systemhealth::run(
        state.clone(),
        readiness,
        settings.health_interval,
        shutdown.clone(),
    ));
    let configuration = tokio::spawn(configuration::follow(
        state.clone(),
        settings.source.poll,
        shutdown.clone(),
    ));
    let rotation = tokio::spawn(rotation::run(state.clone(), shutdown.clone()));
    let housekeeping = tokio::spawn(housekeeping::run(state.clone(), shutdown.clone()));
    let pool = compat::statements::watch_pool(state.db.clone(), shutdown.clone());
    let pool = tokio::spawn(pool);
    let tokens = {
        let (state, shutdown) = (state.clone(), shutdown.clone());
        tokio::spawn(async move { state.user_tokens.follow(shutdown).await })
    };
    let deliveries = tokio::spawn(events::deliver(state, shutdown));
    server.await??;
    echo.await??;
    housekeeping.await?;
    rotation.await?;
    health.await?;
    configuration.await?;
    pool.await?;
    tokens.await?;
    deliveries.await?;
    Ok(())
}

/// Opens the database and brings it into the state that requests rely on.
async fn start(
    settings: impl Future<Output = anyhow::Result<Settings>>,
    readiness: &Readiness,
) -> anyhow::Result<(AppState, Settings)> {
    let settings = settings.await?;
    let db = compat::statements::measured(open(&settings, readiness).await?);
    master_key::check(&db, &settings.keys).await?;
    rotation::take_lookup_key(&db, &settings.keys).await?;
    let verifier = Verifier::new(ServiceName::PortalApi, settings.keys.clone());
    let user_tokens = UserTokens::new(&settings.neighbours.auth_server, &settings.keys);
    let state = AppState::new(Shared::new(&settings, db, verifier, user_tokens));
    bootstrap::run(&state, &settings).await?;
    configuration::announce(&state).await?;
    Ok((state, settings))
}

async fn open(settings: &Settings, readiness: &Readiness) -> Result<Database, OpenError> {
    let mut backoff = Backoff::for_start();
    loop {
        let opened = Database::open::<migrations::portal_api::Migrator>(
            &settings.database,
            settings.database_connections,
        );
        match opened.await {
            Ok(db) => return Ok(db),
            Err(error) if error.is_temporary() => {
                readiness.waiting(format!("the database does not answer ({error})"));
                backoff.wait().await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Hands a request to the API once it has started, answers 503 before (portal-api A10).
async fn when_started(api: Arc<OnceLock<Api>>, request: Request) -> Response {
    match api.get() {
        Some(api) => api.answer(request).await,
        None => {
            Problem::unavailable("portal-api is still starting. Try again shortly.").into_response()
        }
    }
}
