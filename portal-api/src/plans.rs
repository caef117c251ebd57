//! `GET /plans` (portal-api 19.1).

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    rendered::{JSON, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new().route("/plans", get(list))
}

/// All plans with the built-in ones; not filtered by group.
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_plans")?;
    Ok(respond(
        &headers,
        &state.configuration().plans.rendered,
        JSON,
    ))
}
