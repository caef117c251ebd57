//! `…/enable` and `…/disable`: pausing by hand, and going on (events-and-adapters B10).

use axum::extract::{Path, State};
use http::StatusCode;
use sdk::types::listeners::Disable;
use serde_json::Value;

use super::{known, record, store, test};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::row::listener,
    extract::{Body, from_value},
};

const MAX_REASON: usize = 200;

/// `POST /webhooks/listeners/{listener}/enable`: if it answers a test.
pub async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let listener = known(&state, &caller, &id).await?;
    enable_for(&state, &caller, &listener).await
}

/// For a caller who may.
pub async fn enable_for(
    state: &AppState,
    caller: &Caller,
    listener: &listener::Model,
) -> Result<StatusCode, ApiError> {
    if listener.mode != "pull" {
        let tested = test::send(state, listener).await?;
        if let Some(error) = tested.error {
            let message = format!("The listener does not answer a test: {error}.");
            return Err(ApiError::conflict("test-failed", message));
        }
    }
    set(state, caller, listener, None).await
}

/// `POST /webhooks/listeners/{listener}/disable`: events wait meanwhile.
pub async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let listener = known(&state, &caller, &id).await?;
    disable_for(&state, &caller, &listener, from_value(body)?).await
}

/// For a caller who may.
pub async fn disable_for(
    state: &AppState,
    caller: &Caller,
    listener: &listener::Model,
    request: Disable,
) -> Result<StatusCode, ApiError> {
    let reason = request.reason.unwrap_or_else(|| "paused".to_owned());
    if reason.chars().count() > MAX_REASON {
        let message = "`reason` is at most 200 characters long.";
        return Err(ApiError::invalid("reason", "length", message));
    }
    set(state, caller, listener, Some(&reason)).await
}

async fn set(
    state: &AppState,
    caller: &Caller,
    before: &listener::Model,
    off_because: Option<&str>,
) -> Result<StatusCode, ApiError> {
    let txn = state.db.write().await?;
    store::set_enabled(&txn, &before.id, off_because).await?;
    let after = store::find(&txn, &before.id).await?;
    record(
        &txn,
        state,
        caller,
        &before.id,
        Some(before),
        after.as_ref(),
    )
    .await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
