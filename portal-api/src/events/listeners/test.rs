//! `…/test`: one request outside the queue, to see whether the listener answers.

use axum::{Json, extract::State};
use sdk::types::listeners::TestResult;

use super::Writable;
use crate::{
    ApiError, AppState,
    events::{deliver, row::listener},
};

/// `POST …/{listener}/test`
pub async fn run(
    State(state): State<AppState>,
    Writable { listener, .. }: Writable,
) -> Result<Json<TestResult>, ApiError> {
    if listener.mode == "pull" {
        let message = "This listener asks for its events; nothing is sent to it.";
        return Err(ApiError::conflict("pull-listener", message));
    }
    Ok(Json(send(&state, &listener).await?))
}

/// Old listeners do not know the test event; they are asked how they are.
pub async fn send(state: &AppState, listener: &listener::Model) -> Result<TestResult, ApiError> {
    if listener.acknowledges_by_response() || listener.format != "wicked" {
        deliver::test(state, listener).await
    } else {
        Ok(deliver::ping(state, listener).await)
    }
}
