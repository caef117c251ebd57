//! `…/secret`: making and ending what requests are signed with.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::listeners::{NewSecret, RotateSecret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Writable, secrets};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    events::own,
    extract::{Body, from_value},
};

/// `POST …/{listener}/secret`: shown this once.
pub async fn create(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<NewSecret>), ApiError> {
    let id = &listener.id;
    let request: RotateSecret = from_value(body)?;
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
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The secret in the path.
#[derive(Deserialize)]
pub struct OfKey {
    key: String,
}

/// `DELETE …/{listener}/secret/{key}`: signs nothing from now on.
pub async fn end(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
    Path(OfKey { key }): Path<OfKey>,
) -> Result<StatusCode, ApiError> {
    let id = &listener.id;
    let txn = state.db.write().await?;
    if !secrets::end(&txn, id, &key).await? {
        let message = format!("The listener `{id}` has no secret `{key}`.");
        return Err(ApiError::not_found(message));
    }
    let entry = Entry::new(caller.actor(), "listener", "end-secret")
        .about(id)
        .with_data(json!({"keyId": key}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
