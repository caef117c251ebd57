//! What operators do with the listeners of the installation, for those of an application.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::{
    Page,
    listeners::{DeadLetter, DeliveryInfo, NewSecret, Requeued, Stats, TestResult},
    page::CursorPage,
};
use serde_json::Value;

use super::routes::{readable, writable};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::{
        listeners,
        queue::{
            dead::{self, Act},
            log, replay as again,
        },
    },
    extract::{Body, from_value},
    paging::{ListQuery, Parameters},
};

type Id = Path<(String, String)>;
type Part = Path<(String, String, String)>;

pub async fn create_secret(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<NewSecret>), ApiError> {
    writable(&state, &caller, &application, &id).await?;
    let made = listeners::make_secret(&state, &caller, &id, from_value(body)?).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub async fn end_secret(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id, key)): Part,
) -> Result<StatusCode, ApiError> {
    writable(&state, &caller, &application, &id).await?;
    listeners::end_secret(&state, &caller, &id, &key).await
}

pub async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
) -> Result<StatusCode, ApiError> {
    let listener = writable(&state, &caller, &application, &id).await?;
    listeners::enable(&state, &caller, &listener).await
}

pub async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let listener = writable(&state, &caller, &application, &id).await?;
    listeners::disable(&state, &caller, &listener, from_value(body)?).await
}

pub async fn test(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
) -> Result<Json<TestResult>, ApiError> {
    let listener = writable(&state, &caller, &application, &id).await?;
    listeners::test(&state, &listener).await
}

pub async fn stats(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
) -> Result<Json<Stats>, ApiError> {
    let listener = readable(&state, &caller, &application, &id).await?;
    Ok(Json(listeners::stats::of(&state, &listener).await?))
}

pub async fn deliveries(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
    parameters: Parameters,
) -> Result<Json<CursorPage<DeliveryInfo>>, ApiError> {
    let listener = readable(&state, &caller, &application, &id).await?;
    Ok(Json(log::page(&state, &listener, &parameters).await?))
}

pub async fn delivery(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id, event)): Part,
) -> Result<Json<DeliveryInfo>, ApiError> {
    let listener = readable(&state, &caller, &application, &id).await?;
    Ok(Json(log::one(&state, &listener, &event).await?))
}

pub async fn dead(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
    query: ListQuery,
) -> Result<Json<Page<DeadLetter>>, ApiError> {
    let listener = readable(&state, &caller, &application, &id).await?;
    Ok(Json(dead::page(&state, &listener, &query).await?))
}

pub async fn retry_all(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
) -> Result<Json<Requeued>, ApiError> {
    writable(&state, &caller, &application, &id).await?;
    let count = dead::act(&state, &caller, &id, None, Act::Retry).await?;
    Ok(Json(Requeued { count, next: None }))
}

pub async fn retry_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id, event)): Part,
) -> Result<StatusCode, ApiError> {
    writable(&state, &caller, &application, &id).await?;
    dead::act(&state, &caller, &id, Some(&event), Act::Retry).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn drop_all(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
) -> Result<StatusCode, ApiError> {
    writable(&state, &caller, &application, &id).await?;
    dead::act(&state, &caller, &id, None, Act::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn drop_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id, event)): Part,
) -> Result<StatusCode, ApiError> {
    writable(&state, &caller, &application, &id).await?;
    dead::act(&state, &caller, &id, Some(&event), Act::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Id,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Requeued>), ApiError> {
    let listener = writable(&state, &caller, &application, &id).await?;
    let done = again::run(&state, &caller, &listener, from_value(body)?).await?;
    Ok((StatusCode::ACCEPTED, Json(done)))
}
