//! `…/enable` and `…/disable`: pausing by hand, and going on (events-and-adapters B10).

use axum::extract::State;
use http::StatusCode;
use sdk::types::listeners::Disable;
use serde_json::Value;

use super::{Writable, record, store, test};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::row::listener,
    extract::{Body, from_value},
};

const MAX_REASON: usize = 200;

/// `POST …/{listener}/enable`: if it answers a test.
pub async fn enable(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
) -> Result<StatusCode, ApiError> {
    if listener.mode != "pull" {
        let tested = test::send(&state, &listener).await?;
        if let Some(error) = tested.error {
            let message = format!("The listener does not answer a test: {error}.");
            return Err(ApiError::conflict("test-failed", message));
        }
    }
    set(&state, &caller, &listener, None).await
}

/// `POST …/{listener}/disable`: events wait meanwhile.
pub async fn disable(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let request: Disable = from_value(body)?;
    let reason = request.reason.unwrap_or_else(|| "paused".to_owned());
    if reason.chars().count() > MAX_REASON {
        let message = "`reason` is at most 200 characters long.";
        return Err(ApiError::invalid("reason", "length", message));
    }
    set(&state, &caller, &listener, Some(&reason)).await
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
