use std::borrow::Cow;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, SERVER},
};
use serde_json::{Value, json};

use super::{
    ResponseEdits, body::AnswerBody, exchange::request_id, finish::Finish, headers::names,
};
use crate::numbers;

/// An answer that the gateway makes itself.
pub struct Answer {
    pub status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
    closing: bool,
}

enum Content {
    Empty,
    /// Written in the form that the client accepts.
    Message(Cow<'static, str>),
    Json(Value),
    Body(HeaderValue, Bytes),
}

/// The form of messages that a client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    Json,
    Html,
    Xml,
    Text,
    /// The client does not say.
    Unknown,
}

impl Answer {
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Message(message.into()),
            closing: false,
        }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
            closing: false,
        }
    }

    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(body.clone()),
            closing: false,
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
        let (content_type, body) = self.content.write(accept, is_proxy_error, &id);
        finish.status = self.status.as_u16();
        let mut headers = HeaderMap::with_capacity(8);
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        let body = match edits.apply(&mut headers) {
            Some(transformer) => transformer.change_body(body),
            None => body,
        };
        headers.insert(names::REQUEST_ID, id);
        headers.insert(SERVER, HeaderValue::from_static(crate::PRODUCT));
        headers.insert(
            names::RESPONSE_LATENCY,
            numbers::header(finish.elapsed_ms()),
        );
        if self.closing {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        finish.answered(&headers, None);
        let mut response = Response::new(AnswerBody::Own(body, Some(finish)));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

impl Content {
    fn write(
        self,
        accept: Accept,
        is_proxy_error: bool,
        id: &HeaderValue,
    ) -> (Option<HeaderValue>, Bytes) {
        const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
        let id = id.to_str().unwrap_or_default();
        match self {
            Self::Empty => (None, Bytes::new()),
            Self::Body(content_type, body) => (Some(content_type), body),
            Self::Json(body) => (Some(JSON), body.to_string().into()),
            Self::Message(message) => match accept {
                // Failures of the backend are read by people as often as by programs.
                Accept::Text => text(&message, id),
                Accept::Unknown if is_proxy_error => text(&message, id),
                Accept::Json | Accept::Unknown => (
                    Some(JSON),
                    json!({ "message": message, "request_id": id })
                        .to_string()
                        .into(),
                ),
                Accept::Html => {
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
                Accept::Xml => {
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
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(ACCEPT) else {
            return Self::Unknown;
        };
        // What nearly all programs send, without a closer look.
        if matches!(value.as_bytes(), b"*/*" | b"application/json") {
            return if value == "*/*" {
                Self::Unknown
            } else {
                Self::Json
            };
        }
        let mut best = (0.0, Self::Unknown);
        for part in value.to_str().unwrap_or_default().split(',') {
            let mut parameters = part.split(';').map(str::trim);
            let form = match parameters
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str()
            {
                "application/json" => Self::Json,
                "text/html" | "application/xhtml+xml" => Self::Html,
                "application/xml" | "text/xml" => Self::Xml,
                "text/plain" => Self::Text,
                _ => continue,
            };
            let quality = parameters
                .find_map(|parameter| parameter.strip_prefix("q="))
                .and_then(|q| q.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            if quality > best.0 {
                best = (quality, form);
            }
        }
        best.1
    }
}
