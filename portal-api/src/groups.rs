//! `GET /groups` (portal-api 19.2).

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::{self, Parameters},
    rendered::{JSON, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new().route("/groups", get(list))
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_groups")?;
    let configuration = state.configuration();
    let groups = &configuration.groups;
    let page = paging::of_configuration(
        &parameters,
        &groups.all,
        |group| &group.id,
        |group| &group.json,
    )?;
    Ok(page.unwrap_or_else(|| respond(&headers, &groups.rendered, JSON)))
}
