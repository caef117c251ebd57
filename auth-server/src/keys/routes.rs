//! The published key set.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use serde_json::json;
use service::clock;

use crate::state::AppState;

pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/jwks", get(jwks))
}

/// `GET {B}/oauth2/jwks`. May be cached for less than the time by which keys are published ahead.
async fn jwks(State(state): State<AppState>) -> Response {
    let keys = state.keys.published(clock::now());
    let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        Json(json!({ "keys": keys })),
    )
        .into_response()
}
