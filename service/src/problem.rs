//! Error answers in one shape for all services: the compatible members `status`, `message` and
//! `code`, and beside them the members of problem details (RFC 9457; portal-api A2).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::http::current_correlation_id;

/// An error answer.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// One sentence for people: what is wrong and what to do.
    pub message: String,
    /// Stable machine-readable name of the case, the last part of `type`.
    pub kind: &'static str,
    /// The compatible member `code`, where old clients expect it (portal-api 4.2, 4.3).
    pub code: Option<u16>,
    /// The compatible member `error`, where old clients expect one.
    pub error: Option<String>,
    pub errors: Vec<FieldError>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The name of the case, as an extension of the answer for layers around the handler.
#[derive(Clone, Copy, Debug)]
pub struct Kind(pub &'static str);

/// What is wrong with one member of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub rule: &'static str,
    pub message: String,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            kind,
            code: None,
            error: None,
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A refused field; `message` names the field, too, for clients that show only that.
    pub fn invalid(field: &str, rule: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid-request", message.clone());
        problem.errors.push(FieldError {
            field: field.to_owned(),
            rule,
            message,
        });
        problem
    }

    #[must_use]
    pub fn with_code(mut self) -> Self {
        self.code = Some(self.status.as_u16());
        self
    }

    #[must_use]
    pub fn with_error(mut self, detail: impl Into<String>) -> Self {
        self.error = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 503 with `Retry-After`: a dependency is away.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    status: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    r#type: String,
    title: &'a str,
    detail: &'a str,
    /// This occurrence, by the id that the log knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let correlation_id = current_correlation_id();
        let instance = correlation_id
            .as_ref()
            .map(|id| format!("urn:wicketgate:request:{id}"));
        let body = Body {
            status: self.status.as_u16(),
            message: &self.message,
            code: self.code,
            error: self.error.as_deref(),
            r#type: format!("urn:wicketgate:problem:{}", self.kind),
            title: self.status.canonical_reason().unwrap_or("Error"),
            detail: &self.message,
            instance,
            errors: &self.errors,
            correlation_id,
        };
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Kind(self.kind));
        response
    }
}
