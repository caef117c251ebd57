//! `…/secret`: making and ending what requests are signed with.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::listeners::{NewSecret, RotateSecret};
use serde_json::{Value, json};

use super::{known, secrets};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    events::own,
    extract::{Body, from_value},
};

/// `POST /webhooks/listeners/{listener}/secret`: shown this once.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<NewSecret>), ApiError> {
    known(&state, &caller, &id).await?;
    let made = make(&state, &caller, &id, from_value(body)?).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// For a caller who may.
pub async fn make(
    state: &AppState,
    caller: &Caller,
    id: &str,
    request: RotateSecret,
) -> Result<NewSecret, ApiError> {
    if own::is_component(id) {
        let message = "Our own components derive their secret from the keys of the installation.";
        return Err(ApiError::conflict("derived-secret", message));
    }
    let overlap = secrets::overlap(request.overlap_seconds)?;
    let txn = state.db.write().await?;
    let made = secrets::create(&txn, &state.keys, id, overlap).await?;
    let entry = Entry::new(caller.actor(), "listener", "secret")
        .about(id)
        .with_data(json!({"keyId": made.key_id, "overlapSeconds": overlap.num_seconds()}));
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await?;
    Ok(made)
}

/// `DELETE /webhooks/listeners/{listener}/secret/{key}`: signs nothing from now on.
pub async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    known(&state, &caller, &id).await?;
    end_for(&state, &caller, &id, &key).await
}

/// For a caller who may.
pub async fn end_for(
    state: &AppState,
    caller: &Caller,
    id: &str,
    key: &str,
) -> Result<StatusCode, ApiError> {
    let txn = state.db.write().await?;
    if !secrets::end(&txn, id, key).await? {
        let message = format!("The listener `{id}` has no secret `{key}`.");
        return Err(ApiError::not_found(message));
    }
    let entry = Entry::new(caller.actor(), "listener", "end-secret")
        .about(id)
        .with_data(json!({"keyId": key}));
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
