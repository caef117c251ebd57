//! `GET /groups` (portal-api 19.2).

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    rendered::{JSON, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new().route("/groups", get(list))
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_groups")?;
    Ok(respond(
        &headers,
        &state.configuration().groups.rendered,
        JSON,
    ))
}
