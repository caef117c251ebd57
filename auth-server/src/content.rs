//! The operator's own pictures and style sheets, for pages that name them (section 4).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::json;

use crate::{portal_api::PortalApiError, state::AppState};

/// Nothing else is handed on: a page below this address would be one of the auth server.
const TYPES: [&str; 5] = ["jpg", "jpeg", "png", "gif", "css"];

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/content/{*path}", get(show))
}

/// `GET {B}/content/<path>`
async fn show(State(state): State<AppState>, Path(path): Path<String>) -> Response {
    let is_known = path
        .rsplit_once('.')
        .is_some_and(|(_, kind)| TYPES.contains(&kind.to_ascii_lowercase().as_str()));
    if !is_known {
        return not_found();
    }
    match state.portal_api.content(&path).await {
        Ok(Some(content)) => (
            [
                (header::CONTENT_TYPE, content.content_type),
                (header::CACHE_CONTROL, "public, max-age=300".to_owned()),
            ],
            content.body,
        )
            .into_response(),
        Ok(None) | Err(PortalApiError::Segment(_)) => not_found(),
        Err(error) => {
            tracing::error!(%error, "portal-api failed");
            let body = json!({"message": "The file cannot be read right now."});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

fn not_found() -> Response {
    let body = json!({"message": "There is no such file."});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
