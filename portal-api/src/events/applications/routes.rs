//! Listing, making, changing and removing.

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

use super::work;
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right},
    caller::Caller,
    events::{
        listeners::{
            record,
            rules::{Registered, Registrar},
            secrets, store, wire,
        },
        row::listener,
    },
    extract::{Body, from_value},
    paging::{self, Parameters},
};

/// Listeners of one application.
const MOST: u64 = 10;

const READ: Demand = Demand {
    scope: "read_applications",
    right: Right::Read,
    caller_first: false,
    validated: false,
    refusal: "Only those who work on the application may see its listeners.",
};

const WRITE: Demand = Demand {
    scope: "write_applications",
    right: Right::Edit,
    caller_first: false,
    validated: true,
    refusal: "Only owners and collaborators may change listeners.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/listeners",
            get(list).post(create),
        )
        .route(
            "/applications/{application}/listeners/{listener}",
            put(change).delete(remove),
        )
        .route(
            "/applications/{application}/listeners/{listener}/secret",
            post(work::create_secret),
        )
        .route(
            "/applications/{application}/listeners/{listener}/secret/{key}",
            delete(work::end_secret),
        )
        .route(
            "/applications/{application}/listeners/{listener}/enable",
            post(work::enable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/disable",
            post(work::disable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/test",
            post(work::test),
        )
        .route(
            "/applications/{application}/listeners/{listener}/stats",
            get(work::stats),
        )
        .route(
            "/applications/{application}/listeners/{listener}/deliveries",
            get(work::deliveries),
        )
        .route(
            "/applications/{application}/listeners/{listener}/deliveries/{event}",
            get(work::delivery),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead",
            get(work::dead).delete(work::drop_all),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/retry",
            post(work::retry_all),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/{event}",
            delete(work::drop_one),
        )
        .route(
            "/applications/{application}/listeners/{listener}/dead/{event}/retry",
            post(work::retry_one),
        )
        .route(
            "/applications/{application}/listeners/{listener}/replay",
            post(work::replay),
        )
}

/// A listener of the application, for a caller who may read.
pub async fn readable(
    state: &AppState,
    caller: &Caller,
    application: &str,
    id: &str,
) -> Result<listener::Model, ApiError> {
    access::open(state, caller, application, READ).await?;
    find(state, application, id).await
}

/// The same for a caller who may change it.
pub async fn writable(
    state: &AppState,
    caller: &Caller,
    application: &str,
    id: &str,
) -> Result<listener::Model, ApiError> {
    access::open(state, caller, application, WRITE).await?;
    find(state, application, id).await
}

async fn find(state: &AppState, application: &str, id: &str) -> Result<listener::Model, ApiError> {
    store::find(state.db.read(), id)
        .await?
        .filter(|listener| listener.application_id.as_deref() == Some(application))
        .ok_or_else(|| ApiError::not_found(format!("The application has no listener `{id}`.")))
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
    let registered = checked(&state, &id, &application, body)?;
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
#[tracing::instrument(skip_all, fields(application.id = %application))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Result<Json<ListenerRegistration>, ApiError> {
    let before = writable(&state, &caller, &application, &id).await?;
    let registered = checked(&state, &id, &application, body)?;
    let txn = state.db.write().await?;
    store::register(&txn, registered, &state.keys).await?;
    let after = store::find(&txn, &id).await?.ok_or_else(gone)?;
    record(&txn, &state, &caller, &id, Some(&before), Some(&after)).await?;
    let shown = wire::detailed(&txn, &state, &after).await?;
    state.commit(txn).await?;
    Ok(Json(shown))
}

fn checked(
    state: &AppState,
    id: &str,
    application: &str,
    body: Value,
) -> Result<Registered, ApiError> {
    let mut request: Registration = from_value(body)?;
    id.clone_into(&mut request.id);
    let mut registered = Registered::check(id, request, Registrar::Application)?;
    state.doors.check(id, &registered.url, true)?;
    registered.application_id = Some(application.to_owned());
    Ok(registered)
}

fn gone() -> ApiError {
    ApiError::conflict("gone", "The listener was removed at the same time.")
}

/// `DELETE /applications/{application}/listeners/{listener}`
#[tracing::instrument(skip_all, fields(application.id = %application))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let before = writable(&state, &caller, &application, &id).await?;
    store::clear(&state, &id).await?;
    let txn = state.db.write().await?;
    store::remove(&txn, &id).await?;
    record(&txn, &state, &caller, &id, Some(&before), None).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
