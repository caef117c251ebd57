//! All resources of this API in one place.

use axum::{Json, Router, extract::DefaultBodyLimit, routing::get};
use service::problem::Problem;

use crate::{AppState, events, extract, systemhealth};

/// Every route below the compatibility layers of [`crate::serve`].
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(events::routes())
        .merge(systemhealth::routes())
        .route("/ping", get(ping))
        .fallback(async || {
            Problem::new(
                http::StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing at this address.",
            )
        })
        .method_not_allowed_fallback(async || {
            // There is no 405 here: an unknown method on a known path is a 404 (portal-api 3.1).
            Problem::new(
                http::StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing at this address.",
            )
        })
        .layer(DefaultBodyLimit::max(extract::MAX_BODY))
        .with_state(state)
}

/// `GET /ping`: existing clients compare `version` (portal-api 3.4).
async fn ping() -> Json<serde_json::Value> {
    Json(serde_json::json!({"message": "OK", "version": service::VERSION}))
}
