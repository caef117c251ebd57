//! `/health/…`: the same for programs that come through the gateway with a key (portal-api 23.7).

use std::sync::Arc;

use axum::{Json, extract::State};
use http::HeaderMap;
use sdk::types::health::Health;
use serde_json::{Value, json};

use crate::{ApiError, AppState, caller::Caller, users};

/// `GET /health/ping`
pub async fn ping(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    authorize(&state, &caller, &headers).await?;
    Ok(Json(json!({"message": "OK"})))
}

/// `GET /health/systemhealth`
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<Arc<Vec<Health>>>, ApiError> {
    authorize(&state, &caller, &headers).await?;
    Ok(Json(super::entries(&state).await?))
}

/// The gateway's mark of a key is believed from trusted peers only; services come as themselves.
/// Users have `/systemhealth`.
async fn authorize(state: &AppState, caller: &Caller, headers: &HeaderMap) -> Result<(), ApiError> {
    let has_key = caller.is_trusted_peer() && headers.contains_key("x-consumer-id");
    if !has_key && caller.acting_service().is_none() {
        return Err(ApiError::forbidden(
            "gateway-only",
            "This call needs a key of the gateway.",
        ));
    }
    let custom_id = headers
        .get("x-consumer-custom-id")
        .and_then(|id| id.to_str().ok());
    if let Some(id) = custom_id
        && users::store::find(state.db.read(), id).await?.is_some()
    {
        return Err(ApiError::not_found("There is nothing at this address."));
    }
    Ok(())
}
