use std::borrow::Cow;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, SERVER},
};
use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::{Value, json};

use super::{
    ResponseEdits, body::AnswerBody, exchange::request_id, finish::Finish, head::is_grpc,
    headers::names,
};
use crate::{
    numbers,
    settings::{ErrorType, Shown},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Bytes of a message that are written as `%XX`; those beyond ASCII are, too.
const NOT_IN_MESSAGES: &AsciiSet = &CONTROLS.add(b'%');

/// An answer that the gateway makes itself.
pub struct Answer {
    pub status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
    closing: bool,
    /// The status of gRPC, where the one of HTTP does not say enough.
    grpc: Option<u8>,
}

enum Content {
    Empty,
    /// Written in the form that the client accepts.
    Message(Cow<'static, str>),
    Json(Value),
    Body(HeaderValue, Bytes),
}

/// What is known of the forms that a client can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// The one that it prefers.
    wanted: Option<ErrorType>,
    /// The one that it sends, if it does not say.
    sent: Option<ErrorType>,
    /// It speaks gRPC, which tells errors in headers.
    grpc: bool,
}

impl Answer {
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Message(message.into()),
            closing: false,
            grpc: None,
        }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
            closing: false,
            grpc: None,
        }
    }

    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(body.clone()),
            closing: false,
            grpc: None,
        }
    }

    /// An error of gRPC itself.
    pub fn grpc(status: u8, message: &'static str) -> Self {
        Self {
            grpc: Some(status),
            ..Self::new(StatusCode::OK, message)
        }
    }

    pub fn internal_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An unexpected error occurred",
        )
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub fn body(mut self, content_type: HeaderValue, body: Bytes) -> Self {
        self.content = Content::Body(content_type, body);
        self
    }

    /// Ends the connection: the rest of the request is not to be trusted, or not to be read.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.closing = true;
        self
    }

    pub fn into_response(
        self,
        accept: Accept,
        is_proxy_error: bool,
        edits: ResponseEdits,
        mut finish: Box<Finish>,
    ) -> Response<AnswerBody> {
        let id = request_id(finish.id);
        let traffic = &finish.rules().traffic;
        let shown = traffic.answer_headers;
        let form = accept.form(is_proxy_error, traffic.error_type);
        finish.status = self.status.as_u16();
        let mut headers = HeaderMap::with_capacity(8);
        let failed = accept.grpc.then(|| self.grpc_status()).flatten();
        let status = failed.map_or(self.status, |_| StatusCode::OK);
        let body = if let Some(code) = failed {
            grpc_error(&mut headers, code, &self.content, self.status);
            Bytes::new()
        } else {
            let (content_type, body) = self.content.write(form, &id);
            if let Some(content_type) = content_type {
                headers.insert(CONTENT_TYPE, content_type);
            }
            body
        };
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        let body = match edits.apply(&mut headers) {
            Some(transformer) => transformer.change_body(body),
            None => body,
        };
        if shown.has(Shown::RequestId) {
            headers.insert(names::REQUEST_ID, id);
        }
        // An answer out of the cache has the backend's.
        if shown.has(Shown::Server) && !headers.contains_key(SERVER) {
            headers.insert(SERVER, HeaderValue::from_static(crate::PRODUCT));
        }
        if shown.has(Shown::ResponseLatency) {
            headers.insert(
                names::RESPONSE_LATENCY,
                numbers::header(finish.elapsed_ms()),
            );
        }
        if finish.wants_names {
            finish.add_names(&mut headers);
        }
        if self.closing {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        finish.answered(&headers, None);
        let mut response = Response::new(AnswerBody::Own(body, Some(finish)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// The body is empty, so these headers stand where the trailers would (gRPC: trailers only).
fn grpc_error(headers: &mut HeaderMap, code: u8, content: &Content, status: StatusCode) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(code)));
    let message = match content {
        Content::Message(message) => message,
        _ => status.canonical_reason().unwrap_or_default(),
    };
    let message = percent_encoding::utf8_percent_encode(message, NOT_IN_MESSAGES).to_string();
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert(GRPC_MESSAGE, message);
    }
}

impl Answer {
    /// What the status means in gRPC (gateway 5.9); nothing if it is no error.
    fn grpc_status(&self) -> Option<u8> {
        self.grpc.or(match self.status.as_u16() {
            ..400 => None,
            401 => Some(16),
            403 => Some(7),
            404 => Some(5),
            409 => Some(6),
            429 => Some(8),
            499 => Some(1),
            501 => Some(12),
            503 => Some(14),
            504 => Some(4),
            400..=499 => Some(3),
            _ => Some(13),
        })
    }
}

impl Content {
    fn write(self, form: ErrorType, id: &HeaderValue) -> (Option<HeaderValue>, Bytes) {
        const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
        let id = id.to_str().unwrap_or_default();
        match self {
            Self::Empty => (None, Bytes::new()),
            Self::Body(content_type, body) => (Some(content_type), body),
            Self::Json(body) => (Some(JSON), body.to_string().into()),
            Self::Message(message) => match form {
                ErrorType::Text => text(&message, id),
                ErrorType::Json => (
                    Some(JSON),
                    json!({ "message": message, "request_id": id })
                        .to_string()
                        .into(),
                ),
                ErrorType::Html => {
                    let message = escape(&message);
                    let body = format!(
                        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{message}</title></head>\
                         <body><h1>{message}</h1><p>Request id: {id}</p></body></html>\n"
                    );
                    (
                        Some(HeaderValue::from_static("text/html; charset=utf-8")),
                        body.into(),
                    )
                }
                ErrorType::Xml => {
                    let body = format!(
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error><message>{}</message><requestid>{id}</requestid></error>\n",
                        escape(&message)
                    );
                    (
                        Some(HeaderValue::from_static("application/xml; charset=utf-8")),
                        body.into(),
                    )
                }
            },
        }
    }
}

fn text(message: &str, id: &str) -> (Option<HeaderValue>, Bytes) {
    let body = format!("{message}\nrequest_id: {id}\n");
    (
        Some(HeaderValue::from_static("text/plain; charset=utf-8")),
        body.into(),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Accept {
    /// The known type with the highest `q`.
    pub fn of(headers: &HeaderMap, version: Version) -> Self {
        let wanted = headers.get(ACCEPT).and_then(wanted);
        let sent = match wanted {
            Some(_) => None,
            None => headers
                .get(CONTENT_TYPE)
                .and_then(|value| form_of(value.to_str().ok()?)),
        };
        let grpc = version == Version::HTTP_2 && is_grpc(headers);
        Self { wanted, sent, grpc }
    }

    /// What is said of a backend's failure is read by people as often as by programs, so there it
    /// is the operator's choice what clients get who show no preference.
    const fn form(self, is_proxy_error: bool, default: ErrorType) -> ErrorType {
        match self {
            Self {
                wanted: Some(form), ..
            } => form,
            _ if !is_proxy_error => ErrorType::Json,
            Self {
                sent: Some(form), ..
            } => form,
            _ => default,
        }
    }
}

fn wanted(value: &HeaderValue) -> Option<ErrorType> {
    // What nearly all programs send, without a closer look.
    match value.as_bytes() {
        b"*/*" => return None,
        b"application/json" => return Some(ErrorType::Json),
        _ => {}
    }
    let mut best = (0.0, None);
    for part in value.to_str().unwrap_or_default().split(',') {
        let Some(form) = form_of(part) else { continue };
        let mut parameters = part.split(';').skip(1).map(str::trim);
        let quality = parameters
            .find_map(|parameter| parameter.strip_prefix("q="))
            .and_then(|q| q.parse().ok());
        let quality: f32 = quality.unwrap_or(1.0);
        if quality > best.0 {
            best = (quality, Some(form));
        }
    }
    best.1
}

/// The form that a media type stands for, whatever its parameters.
fn form_of(media_type: &str) -> Option<ErrorType> {
    let name = media_type.split(';').next().unwrap_or_default().trim();
    match name.to_ascii_lowercase().as_str() {
        "application/json" => Some(ErrorType::Json),
        "text/html" | "application/xhtml+xml" => Some(ErrorType::Html),
        "application/xml" | "text/xml" => Some(ErrorType::Xml),
        "text/plain" => Some(ErrorType::Text),
        _ => None,
    }
}
