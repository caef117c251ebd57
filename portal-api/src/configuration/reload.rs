//! Administrators who do not want to wait for the next look at the origin.

use axum::extract::State;
use http::StatusCode;

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
};

/// `POST /config/fetch`
#[tracing::instrument(skip_all)]
pub async fn fetch(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    order(&state, &caller, "fetch").await?;
    Ok(StatusCode::ACCEPTED)
}

/// `POST /kill`: made wicked start again with its newest configuration. Now the configuration is
/// taken over without that (portal-api B13, D25).
#[tracing::instrument(skip_all)]
pub async fn kill(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    order(&state, &caller, "reload").await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn order(state: &AppState, caller: &Caller, action: &str) -> Result<(), ApiError> {
    caller.require_scope("restart_api")?;
    caller.require_admin()?;
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "configuration", action);
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await?;
    state.in_force.order();
    Ok(())
}
