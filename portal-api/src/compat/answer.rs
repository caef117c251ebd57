//! What every answer gets on its way out: the media type that old clients expect, and that of
//! problem details for those who ask for it (portal-api 3.2, A2).

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use service::problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json; charset=utf-8");

/// The answer in its final form. `wants_problems`: as [`accepts_problems`] says.
pub fn finish(mut response: Response, wants_problems: bool) -> Response {
    if let Some(problem) = bare_refusal(&response) {
        response = problem.into_response();
    }
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json {
        let is_problem = response.status().is_client_error() || response.status().is_server_error();
        let kind = if is_problem && wants_problems {
            PROBLEM
        } else {
            JSON
        };
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Refusals of the framework (a body that is too large, an address that is no text) are texts; here
/// every refusal has one form.
fn bare_refusal(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_refusal || !is_text {
        return None;
    }
    Some(match status {
        StatusCode::BAD_REQUEST => Problem::new(
            status,
            "malformed-address",
            "The address of the request cannot be read; parts of it are no UTF-8 text.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "too-large", "The body of the request is too large.")
        }
        _ => Problem::new(
            status,
            "refused",
            status.canonical_reason().unwrap_or("The request failed."),
        ),
    })
}

/// Whether the client names the type; `*/*` does not ask for anything new.
pub fn accepts_problems(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| {
            range
                .trim()
                .eq_ignore_ascii_case("application/problem+json")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_details_go_to_those_who_ask_for_them() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, value.parse().unwrap());
            accepts_problems(&headers)
        };
        assert!(accepts("application/json, application/problem+json;q=0.9"));
        assert!(!accepts("*/*"));
        assert!(!accepts("application/json"));
    }
}
