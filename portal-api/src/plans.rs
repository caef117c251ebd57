//! `GET /plans` (portal-api 19.1).

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::{self, Parameters},
    rendered::{JSON, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new().route("/plans", get(list))
}

/// All plans with the built-in ones; not filtered by group.
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_plans")?;
    let configuration = state.configuration();
    let plans = &configuration.plans;
    let page =
        paging::of_configuration(&parameters, &plans.all, |plan| &plan.id, |plan| &plan.json)?;
    Ok(page.unwrap_or_else(|| respond(&headers, &plans.rendered, JSON)))
}
