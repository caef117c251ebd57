//! Log records of Kong's plugin `http-log`. Of all that is in them only this is read; headers,
//! query and addresses are dropped with the body.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::cells::Call;

/// One object, or as many as fit into a batch.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum LogRecords {
    Many(Vec<LogRecord>),
    One(Box<LogRecord>),
}

impl LogRecords {
    pub fn into_vec(self) -> Vec<LogRecord> {
        match self {
            Self::Many(records) => records,
            Self::One(record) => vec![*record],
        }
    }
}

/// What is read of a record.
#[derive(Deserialize)]
pub struct LogRecord {
    started_at: i64,
    request: Request,
    response: Response,
    latencies: Latencies,
    #[serde(default)]
    consumer: Option<Consumer>,
    #[serde(default)]
    authenticated_entity: Option<Entity>,
    #[serde(default)]
    service: Option<Service>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default, deserialize_with = "size")]
    size: u64,
    #[serde(default)]
    method: Option<String>,
    /// As the client sent it.
    #[serde(default, deserialize_with = "path")]
    uri: Option<String>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    #[serde(default, deserialize_with = "size")]
    size: u64,
}

#[derive(Deserialize)]
struct Latencies {
    request: f64,
}

#[derive(Deserialize)]
struct Consumer {
    #[serde(default)]
    custom_id: Option<String>,
}

#[derive(Deserialize)]
struct Entity {
    #[serde(default)]
    id: Option<String>,
}

impl LogRecord {
    /// Name of the API's service.
    pub fn service(&self) -> Option<&str> {
        self.service.as_ref()?.name.as_deref()
    }

    /// Nothing for a call without a consumer of ours. `operation` knows that of service, method and
    /// path.
    pub fn call(
        &self,
        operation: impl Fn(Option<&str>, &str, &str) -> Option<Arc<str>>,
    ) -> Option<Call<'_>> {
        let entity = self.authenticated_entity.as_ref();
        let id = entity.and_then(|entity| entity.id.as_deref());
        let Request { method, uri, size } = &self.request;
        Some(Call {
            at: self.started_at,
            subscription: self.consumer.as_ref()?.custom_id.as_deref()?,
            credential: id.and_then(|id| Uuid::try_parse(id).ok()),
            operation: operation(
                self.service(),
                method.as_deref().unwrap_or_default(),
                uri.as_deref().unwrap_or_default(),
            ),
            status: self.response.status,
            request_bytes: *size,
            response_bytes: self.response.size,
            duration_ms: self.latencies.request,
        })
    }
}

/// Without the query, which may hold anything.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let mut uri = Option::<String>::deserialize(deserializer)?;
    if let Some(uri) = &mut uri {
        uri.truncate(uri.find('?').unwrap_or(uri.len()));
    }
    Ok(uri)
}

/// Older versions write sizes as text.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Number(f64),
        Text(String),
        Nothing(()),
    }
    Ok(match Size::deserialize(deserializer)? {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size is a whole number, and what is not counts as none"
        )]
        Size::Number(number) => number as u64,
        Size::Text(text) => text.parse().unwrap_or_default(),
        Size::Nothing(()) => 0,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_come_alone_and_in_lists_and_sizes_as_number_or_text() {
        let record = json!({
            "started_at": 1_700_000_000_123_i64, "client_ip": "10.0.0.1", "upstream_uri": "/x",
            "request": {"size": "120", "method": "GET", "uri": "/x/1?key=hush",
                "headers": {"authorization": "REDACTED"}},
            "service": {"id": "s", "name": "b", "host": "h"},
            "response": {"status": 200, "size": 7, "headers": {}},
            "latencies": {"request": 12, "kong": 1, "proxy": 11},
            "consumer": {"id": "c", "custom_id": "s", "username": "a$b"},
            "authenticated_entity": {"id": Uuid::from_u128(5), "consumer_id": "c"}
        });
        let many = json!([record, {
            "started_at": 1, "request": {}, "response": {"status": 404}, "latencies": {"request": 1}
        }]);
        let parse = |value| {
            serde_json::from_value::<LogRecords>(value)
                .unwrap()
                .into_vec()
        };
        let one = parse(record);
        let call = one[0]
            .call(|service, method, path| {
                assert_eq!((service, method, path), (Some("b"), "GET", "/x/1"));
                Some("GET /{id}".into())
            })
            .unwrap();
        assert_eq!(call.operation.as_deref(), Some("GET /{id}"));
        assert_eq!(
            (call.subscription, call.request_bytes, call.response_bytes),
            ("s", 120, 7)
        );
        assert_eq!(call.credential, Some(Uuid::from_u128(5)));
        let many = parse(many);
        assert_eq!(many.len(), 2);
        assert!(many[1].call(|_, _, _| None).is_none());
    }
}
