//! Answers that were rendered when the configuration was loaded, with `ETag` and 304.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use config::Rendered;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub const JSON: &str = "application/json; charset=utf-8";
pub const MARKDOWN: &str = "text/markdown; charset=utf-8";
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The body, or 304 if the caller has it already (portal-api A3).
pub fn respond(request: &HeaderMap, rendered: &Rendered, media_type: &str) -> Response {
    let unchanged = Known::of(request).has(&rendered.etag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(rendered.bytes.clone()).into_response()
    };
    let headers = response.headers_mut();
    if !unchanged && let Ok(value) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Ok(value) = HeaderValue::from_str(&rendered.etag) {
        headers.insert(header::ETAG, value);
    }
    // What is shown depends on the caller, and rights may change at any time.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    response
}

/// The validators that a caller has (`If-None-Match`).
pub struct Known(Vec<String>);

impl Known {
    pub fn of(request: &HeaderMap) -> Self {
        let values = request.get_all(header::IF_NONE_MATCH).iter();
        let tags = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|known| known.trim().to_owned());
        Self(tags.collect())
    }

    /// Reads compare weakly (RFC 9110, 13.1.2).
    pub fn has(&self, etag: &str) -> bool {
        self.0
            .iter()
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_has_the_answer_gets_304() {
        let rendered = Rendered::new("body");
        let status = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            respond(&headers, &rendered, TEXT).status()
        };
        assert_eq!(status(&rendered.etag), StatusCode::NOT_MODIFIED);
        assert_eq!(
            status(&format!("\"x\", W/{}", rendered.etag)),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(status("\"x\""), StatusCode::OK);
    }
}
