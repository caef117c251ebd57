//! Registration pools (portal-api 10). Open to everybody: sign-up forms need them.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::HeaderMap;
use serde_json::Value;

use crate::{
    ApiError, AppState,
    paging::{self, Parameters},
    rendered::{JSON, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/pools", get(list))
        .route("/pools/{pool}", get(one))
}

/// `GET /pools`: id → definition.
async fn list(
    State(state): State<AppState>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let configuration = state.configuration();
    let pools = &configuration.pools;
    let page =
        paging::of_configuration(&parameters, &pools.all, |pool| &pool.id, |pool| item(pool))?;
    Ok(page.unwrap_or_else(|| respond(&headers, &pools.rendered, JSON)))
}

/// A definition with its id, which the file need not repeat.
fn item(pool: &config::pools::Pool) -> Value {
    let mut item: Value = serde_json::from_slice(&pool.rendered.bytes).unwrap_or_default();
    item["id"] = pool.id.as_str().into();
    item
}

/// `GET /pools/{pool}`
async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let configuration = state.configuration();
    let pool = find(&configuration, &id)?;
    Ok(respond(&headers, &pool.rendered, JSON))
}

/// A pool by its id: 400 for what can be no id, 404 for an unknown one.
pub fn find<'c>(
    configuration: &'c config::Configuration,
    id: &str,
) -> Result<&'c config::pools::Pool, ApiError> {
    let is_id = !id.is_empty()
        && id.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
        });
    if !is_id {
        let message = "The id of a pool contains a-z, 0-9, `_` and `-` only.";
        return Err(ApiError::bad_request("invalid-pool", message));
    }
    let pool = configuration.pool(id);
    pool.map(|pool| &**pool)
        .ok_or_else(|| ApiError::not_found(format!("There is no registration pool `{id}`.")))
}
