//! JSON instead of pages, for scripts (portal-ui 4).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::visitor::Visitor;

/// Proof that a request that changes something comes from a client of this session: of forms that
/// are no pages.
pub const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// Whether the client asks for JSON.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|element| element.trim_start().starts_with("application/json"))
}

/// The answer, with the token that changes have to carry. It may hold secrets, so nobody keeps it.
pub fn answer(visitor: &Visitor, status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Cookie, Accept-Language, Accept"),
    );
    if let Ok(token) = HeaderValue::try_from(visitor.csrf())
        && !token.is_empty()
    {
        headers.insert(CSRF, token);
    }
    ui::no_store(response)
}

/// Something was done, and there is nothing more to say.
pub fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
