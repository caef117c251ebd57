//! Turning a page struct into a response.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// Renders a page.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => document(status, html),
        // Writing into a string does not fail; a template could only by an error of its own.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page that was rendered already.
///
/// Pages depend on cookies, so no shared cache may keep them; a browser asks again before it shows
/// one from its own.
pub fn document(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "Cookie, Accept-Language, Accept"),
    ];
    (status, headers, html).into_response()
}

/// Marks a response that shows a secret: nobody may keep it.
#[must_use]
pub fn no_store(mut response: Response) -> Response {
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}
