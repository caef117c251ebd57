//! `/applications/{application}/listeners`: webhooks of those who work on an application, for the
//! events of that application alone (events-and-adapters B14).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post, put},
};
use http::StatusCode;
use sdk::types::{
    ListenerRegistration,
    listeners::{CreatedListener, Registration},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::{
    ApiError, AppState,
    applications::access,
    caller::Caller,
    events::{
        listeners::{
            self, Writable, enable,
            named::{READ, WRITE},
            record,
            rules::{Registered, Registrar},
            secret_routes, secrets, stats, store, test, wire,
        },
        queue::{dead, log, replay},
        row::listener,
    },
    extract::{Body, from_value},
    paging::{self, Parameters},
};

/// Listeners of one application.
const MOST: u64 = 10;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/listeners",
            get(list).post(create),
        )
        .route(
            "/applications/{application}/listeners/{listener}",
            put(change).delete(listeners::routes::remove),
        )
        .route(
            "/applications/{application}/listeners/{listener}/secret",
            post(secret_routes::create),
        )
        .route(
            "/applications/{application}/listeners/{listener}/secret/{key}",
            delete(secret_routes::end),
        )
        .route(
            "/applications/{application}/listeners/{listener}/enable",
            post(enable::enable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/disable",
            post(enable::disable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/test",
            post(test::run),
        )
        .route(
            "/applications/{application}/listeners/{listener}/stats",
            get(stats::show),
        )
        .route(
            "/applications/{application}/listeners/{listener}/deliveries",
            get(log::list),
        )
        .route(
            "/applications/{application}/listeners/{listener}/deliveries/{event}",
            get(log::show),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead",
            get(dead::list).delete(dead::drop_all),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/retry",
            post(dead::retry_all),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/{event}",
            delete(dead::drop_one),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/{event}/retry",
            post(dead::retry_one),
        )
        .route(
            "/applications/{application}/listeners/{listener}/replay",
            post(replay::replay),
        )
}

/// `GET /applications/{application}/listeners`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(application): Path<String>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    access::open(&state, &caller, &application, READ).await?;
    let db = state.db.read();
    let rows = listener::Entity::find()
        .filter(listener::Column::ApplicationId.eq(&application))
        .order_by_asc(listener::Column::Id)
        .all(db)
        .await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in &rows {
        shown.push(wire::detailed(db, &state, row).await?);
    }
    paging::array(shown, &parameters, |one: &ListenerRegistration| &one.id)
}

/// `POST /applications/{application}/listeners`: the answer holds its secret, this once.
#[tracing::instrument(skip_all, fields(application.id = %application))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(application): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<CreatedListener>), ApiError> {
    access::open(&state, &caller, &application, WRITE).await?;
    let id = format!("app-{}", &service::random::hex_id()[..16]);
    let registered = checked(&state, &id, Some(application.clone()), body)?;
    let txn = state.db.write().await?;
    let count = listener::Entity::find()
        .filter(listener::Column::ApplicationId.eq(&application))
        .count(&txn)
        .await?;
    if count >= MOST {
        let message = format!("An application has at most {MOST} listeners.");
        return Err(ApiError::conflict("too-many-listeners", message));
    }
    store::register(&txn, registered, &state.keys).await?;
    let secret = secrets::create(&txn, &state.keys, &id, chrono::TimeDelta::zero()).await?;
    let after = store::find(&txn, &id).await?.ok_or_else(gone)?;
    record(&txn, &state, &caller, &id, None, Some(&after)).await?;
    let listener = wire::detailed(&txn, &state, &after).await?;
    state.commit(txn).await?;
    Ok((
        StatusCode::CREATED,
        Json(CreatedListener { listener, secret }),
    ))
}

/// `PUT /applications/{application}/listeners/{listener}`
#[tracing::instrument(skip_all, fields(listener.id = %before.id))]
async fn change(
    State(state): State<AppState>,
    Writable {
        listener: before,
        caller,
    }: Writable,
    Body(body): Body<Value>,
) -> Result<Json<ListenerRegistration>, ApiError> {
    let id = &before.id;
    let registered = checked(&state, id, before.application_id.clone(), body)?;
    let txn = state.db.write().await?;
    store::register(&txn, registered, &state.keys).await?;
    let after = store::find(&txn, id).await?.ok_or_else(gone)?;
    record(&txn, &state, &caller, id, Some(&before), Some(&after)).await?;
    let shown = wire::detailed(&txn, &state, &after).await?;
    state.commit(txn).await?;
    Ok(Json(shown))
}

fn checked(
    state: &AppState,
    id: &str,
    application: Option<String>,
    body: Value,
) -> Result<Registered, ApiError> {
    let mut request: Registration = from_value(body)?;
    id.clone_into(&mut request.id);
    let mut registered = Registered::check(id, request, Registrar::Application)?;
    state.doors.check(id, &registered.url, true)?;
    registered.application_id = application;
    Ok(registered)
}

fn gone() -> ApiError {
    ApiError::conflict("gone", "The listener was removed at the same time.")
}
