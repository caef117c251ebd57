use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header::HOST};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Verdict, request_transformer::uri_captures};
use crate::{
    proxy::{Answer, Exchange},
    worker::Worker,
};

#[derive(Deserialize)]
pub struct Config {
    status_code: u16,
    message: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
    echo: bool,
    trigger: Option<String>,
}

/// Answers in the backend's place.
pub struct RequestTermination {
    status: StatusCode,
    message: Option<String>,
    body: Option<(HeaderValue, Bytes)>,
    echoes: bool,
    trigger: Option<(HeaderName, String)>,
}

impl RequestTermination {
    pub fn new(config: Config) -> Result<Self, String> {
        let content_type = config
            .content_type
            .as_deref()
            .unwrap_or("application/json; charset=utf-8");
        let content_type = super::header_value(content_type)?;
        Ok(Self {
            status: StatusCode::from_u16(config.status_code).map_err(|error| error.to_string())?,
            message: config.message,
            echoes: config.echo,
            body: config.body.map(|body| (content_type, Bytes::from(body))),
            trigger: match config.trigger {
                Some(name) => Some((super::header_name(&name)?, name)),
                None => None,
            },
        })
    }

    pub const fn reads_body(&self) -> bool {
        self.echoes
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        if let Some((header, parameter)) = &self.trigger {
            let in_query = || {
                let query = exchange.query().unwrap_or_default();
                url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == *parameter)
            };
            if !exchange.head.headers.contains_key(header) && !in_query() {
                return Verdict::Continue;
            }
        }
        if self.echoes {
            return self.echo(exchange, worker).into();
        }
        let answer = match (&self.body, &self.message) {
            (Some((content_type, body)), _) => {
                Answer::empty(self.status).body(content_type.clone(), body.clone())
            }
            (None, Some(message)) => Answer::new(self.status, message.clone()),
            (None, None) => match self.status.canonical_reason() {
                Some(reason) => Answer::new(self.status, reason),
                None => Answer::empty(self.status),
            },
        };
        answer.into()
    }

    /// The request as it is seen here, without what it proves itself by.
    fn echo(&self, exchange: &Exchange<'_>, worker: &Worker) -> Answer {
        let secrets: Vec<String> = super::secret_names(exchange.target).collect();
        let is_secret = |name: &str| {
            let hidden = ["authorization", "proxy-authorization", "cookie"];
            hidden.contains(&name)
                || secrets
                    .iter()
                    .any(|secret| secret.eq_ignore_ascii_case(name))
        };
        let headers = exchange.head.headers.iter().map(|(name, value)| {
            let shown = if is_secret(name.as_str()) {
                json!("REDACTED")
            } else {
                json!(String::from_utf8_lossy(value.as_bytes()))
            };
            (name.as_str().to_owned(), shown)
        });
        let query = exchange.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| {
            let shown = if is_secret(&name) {
                "REDACTED".into()
            } else {
                value
            };
            (name.into_owned(), json!(shown))
        });
        let raw = exchange.kept_body().map_or(&b""[..], |body| body);
        let raw = String::from_utf8_lossy(raw);
        let body: Value = serde_json::from_str(&raw).unwrap_or(Value::Null);
        let connection = exchange.connection;
        let host = exchange.head.headers.get(HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let body = json!({
            "message": self.message.as_deref().or(self.status.canonical_reason()),
            "kong": {
                "node_id": worker.shared.node_id,
                "hostname": worker.shared.node_name,
                "worker_pid": std::process::id(),
            },
            "request": {
                "scheme": if connection.is_tls() { "https" } else { "http" },
                "host": host,
                "port": connection.local.port(),
                "headers": headers.collect::<Map<String, Value>>(),
                "query": query.collect::<Map<String, Value>>(),
                "body": body,
                "raw_body": raw,
                "method": exchange.head.method.as_str(),
                "path": exchange.uri.path(),
                "uri_captures": uri_captures(exchange),
            },
            "matched_route": exchange.target.row.fields(),
            "matched_service": exchange.target.service.as_ref().map(|service| service.row.fields()),
        });
        Answer::json(self.status, &body)
    }
}
