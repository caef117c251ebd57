use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange};

#[derive(Deserialize)]
pub struct Config {
    status_code: u16,
    message: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
    trigger: Option<String>,
}

/// Answers in the backend's place.
pub struct RequestTermination {
    status: StatusCode,
    message: Option<String>,
    body: Option<(HeaderValue, Bytes)>,
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
            body: config.body.map(|body| (content_type, Bytes::from(body))),
            trigger: match config.trigger {
                Some(name) => Some((super::header_name(&name)?, name)),
                None => None,
            },
        })
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        if let Some((header, parameter)) = &self.trigger {
            let in_query = || {
                let query = exchange.query().unwrap_or_default();
                url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == *parameter)
            };
            if !exchange.head.headers.contains_key(header) && !in_query() {
                return Verdict::Continue;
            }
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
}
