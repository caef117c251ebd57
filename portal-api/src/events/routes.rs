//! `/webhooks/…`: listeners and their queues (portal-api 21.1, events-and-adapters A1).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post, put},
};
use http::StatusCode;
use sdk::types::{Event, listeners::Registration};
use sea_orm::DatabaseTransaction;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{guard, own, row::listener, store};
use crate::{
    ApiError, AppState,
    audit::{self, Audited, Entry},
    caller::Caller,
    extract::{Body, from_value},
    paging::{self, Parameters},
};

const SCOPE: &str = "webhooks";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/listeners", get(list))
        .route(
            "/webhooks/listeners/{listener}",
            put(register).delete(remove),
        )
        .route("/webhooks/events/{listener}", get(queue).delete(flush))
        .route("/webhooks/events/{listener}/ack", post(acknowledge_many))
        .route("/webhooks/events/{listener}/{event}", delete(acknowledge))
}

/// Administrators with the scope, and each component for its own listener.
fn authorize(caller: &Caller, listener: Option<&str>) -> Result<(), ApiError> {
    if let Some(service) = caller.acting_service() {
        let own = own::listener_of(service);
        return if own.is_some() && own == listener {
            Ok(())
        } else {
            Err(ApiError::forbidden(
                "foreign-listener",
                "A service may only touch its own listener.",
            ))
        };
    }
    caller.require_scope(SCOPE)?;
    caller.require_admin()
}

fn unknown(listener: &str) -> ApiError {
    ApiError::not_found(format!("There is no webhook listener `{listener}`."))
}

/// `GET /webhooks/listeners`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    authorize(&caller, None)?;
    let detail = parameters.is_on("detail");
    let listeners = store::listeners(state.db.read()).await?;
    let shown = listeners.into_iter().map(|listener| {
        let mut shown = json!({
            "id": listener.id, "url": listener.url, "changedDate": listener.changed_at,
        });
        if detail {
            shown["mode"] = listener.mode.into();
            shown["batchSize"] = listener.batch_size.into();
            shown["timeoutMs"] = listener.timeout_ms.into();
            shown["events"] = json!(listener.events);
            shown["sensitive"] = listener.sensitive.into();
            shown["enabled"] = listener.enabled.into();
            shown["disabledAt"] = json!(listener.disabled_at);
            shown["disabledReason"] = json!(listener.disabled_reason);
        }
        shown
    });
    paging::array(shown.collect(), &parameters, |one: &Value| {
        one["id"].as_str().unwrap_or_default()
    })
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
    let registration = store::Registered::check(&id, request, by_component)?;
    guard::check_url(&id, &registration.url, &state.listener_networks)?;
    let answer = json!({"id": id, "url": registration.url});
    let txn = state.db.write().await?;
    let before = store::find(&txn, &id).await?;
    store::register(&txn, registration).await?;
    let after = store::find(&txn, &id).await?;
    record(&txn, &state, &caller, &id, before.as_ref(), after.as_ref()).await?;
    state.commit(txn).await?;
    Ok(Json(answer))
}

/// Listeners are no events, but on record. A component that registers itself as before at each of
/// its starts changes nothing.
async fn record(
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
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    authorize(&caller, Some(&id))?;
    let txn = state.db.write().await?;
    let before = store::find(&txn, &id).await?.ok_or_else(|| unknown(&id))?;
    store::remove(&txn, &id).await?;
    record(&txn, &state, &caller, &id, Some(&before), None).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /webhooks/events/{listener}`: what is not acknowledged, in order of occurrence.
async fn queue(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    authorize(&caller, Some(&id))?;
    let listener = store::find(state.db.read(), &id)
        .await?
        .ok_or_else(|| unknown(&id))?;
    let events = store::queue(&state, &listener).await?;
    // Their ids rise with their numbers.
    paging::array(events, &parameters, |event: &Event| &event.id)
}

/// `DELETE /webhooks/events/{listener}`: drops the whole queue.
async fn flush(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    authorize(&caller, Some(&id))?;
    let txn = state.db.write().await?;
    store::find(&txn, &id).await?.ok_or_else(|| unknown(&id))?;
    store::acknowledge_all(&txn, &id).await?;
    let entry = Entry::new(caller.actor(), "listener", "flush").about(&id);
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /webhooks/events/{listener}/{event}`: acknowledged; repeating it changes nothing.
async fn acknowledge(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    acknowledge_events(&state, &caller, &id, &[event]).await
}

#[derive(Deserialize)]
struct Acknowledge {
    ids: Vec<String>,
}

/// `POST /webhooks/events/{listener}/ack`
async fn acknowledge_many(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Value>,
) -> Result<StatusCode, ApiError> {
    authorize(&caller, Some(&id))?;
    let request: Acknowledge = from_value(request)?;
    if request.ids.is_empty() || request.ids.len() > 1000 {
        return Err(ApiError::invalid(
            "ids",
            "size",
            "`ids` has to name 1 to 1000 events.",
        ));
    }
    acknowledge_events(&state, &caller, &id, &request.ids).await
}

async fn acknowledge_events(
    state: &AppState,
    caller: &Caller,
    id: &str,
    events: &[String],
) -> Result<StatusCode, ApiError> {
    authorize(caller, Some(id))?;
    let txn = state.db.write().await?;
    store::find(&txn, id).await?.ok_or_else(|| unknown(id))?;
    store::acknowledge(&txn, id, events).await?;
    // Nothing to deliver came of it, so nobody has to be woken.
    txn.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
