//! Registering, listing, removing.

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post, put},
};
use http::StatusCode;
use sdk::types::{ListenerRegistration, listeners::Registration};
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};

use super::{
    enable,
    named::{Writable, authorize, unknown},
    rules::{Registered, Registrar},
    secret_routes, stats, store, test, wire,
};
use crate::{
    ApiError, AppState,
    audit::{self, Audited, Entry},
    caller::Caller,
    events::{own, row::listener},
    extract::{Body, from_value},
    paging::{self, Parameters},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/listeners", get(list))
        .route(
            "/webhooks/listeners/{listener}",
            put(register).delete(remove),
        )
        .route(
            "/webhooks/listeners/{listener}/enable",
            post(enable::enable),
        )
        .route(
            "/webhooks/listeners/{listener}/disable",
            post(enable::disable),
        )
        .route(
            "/webhooks/listeners/{listener}/secret",
            post(secret_routes::create),
        )
        .route(
            "/webhooks/listeners/{listener}/secret/{key}",
            delete(secret_routes::end),
        )
        .route("/webhooks/listeners/{listener}/stats", get(stats::show))
        .route("/webhooks/listeners/{listener}/test", post(test::run))
}

/// `GET /webhooks/listeners`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    authorize(&caller, None)?;
    let detail = parameters.is_on("detail");
    let db = state.db.read();
    let mut shown = Vec::new();
    for listener in store::list(db).await? {
        shown.push(if detail {
            wire::detailed(db, &state, &listener).await?
        } else {
            wire::plain(&listener)
        });
    }
    paging::array(shown, &parameters, |one: &ListenerRegistration| &one.id)
}

/// `PUT /webhooks/listeners/{listener}`
async fn register(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    authorize(&caller, Some(&id))?;
    let request: Registration = from_value(body)?;
    let by_component = caller.acting_service().is_some() || caller.is_trusted_peer();
    if own::is_component(&id) && !by_component {
        return Err(ApiError::forbidden(
            "reserved-listener",
            format!("The listener `{id}` belongs to a component, which registers itself."),
        ));
    }
    let registrar = if by_component {
        Registrar::Component
    } else {
        Registrar::Administrator
    };
    let registration = Registered::check(&id, request, registrar)?;
    if !registration.url.is_empty() {
        state.doors.check(&id, &registration.url, false)?;
    }
    let answer = json!({"id": id, "url": registration.url});
    let txn = state.db.write().await?;
    let before = store::find(&txn, &id).await?;
    if before
        .as_ref()
        .is_some_and(|row| row.application_id.is_some())
    {
        return Err(ApiError::conflict(
            "foreign-listener",
            "This listener belongs to an application.",
        ));
    }
    store::register(&txn, registration, &state.keys).await?;
    let after = store::find(&txn, &id).await?;
    record(&txn, &state, &caller, &id, before.as_ref(), after.as_ref()).await?;
    state.commit(txn).await?;
    Ok(Json(answer))
}

/// Listeners are no events, but on record. A component that registers itself as before at each of
/// its starts changes nothing.
pub async fn record(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    id: &str,
    before: Option<&listener::Model>,
    after: Option<&listener::Model>,
) -> Result<(), ApiError> {
    let action = match (before, after) {
        (None, _) => "add",
        (Some(_), None) => "delete",
        (Some(before), Some(after)) => {
            if caller.acting_service().is_some() && before.audited() == after.audited() {
                return Ok(());
            }
            "update"
        }
    };
    let mut entry = Entry::new(caller.actor(), "listener", action).about(id);
    entry.before = before.map(Audited::audited);
    entry.after = after.map(Audited::audited);
    Ok(audit::record(txn, state, entry).await?)
}

/// `DELETE /webhooks/listeners/{listener}`: its queue goes with it.
pub async fn remove(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
) -> Result<StatusCode, ApiError> {
    let id = &listener.id;
    store::clear(&state, id).await?;
    let txn = state.db.write().await?;
    if !store::remove(&txn, id).await? {
        return Err(unknown(id));
    }
    record(&txn, &state, &caller, id, Some(&listener), None).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
