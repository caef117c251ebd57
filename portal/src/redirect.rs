//! Redirects with the status that old clients of these addresses know.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// 302 to an address of our own making.
pub fn found(target: &str) -> Response {
    match HeaderValue::try_from(target) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
