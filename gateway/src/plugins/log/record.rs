//! The record of one request (gateway 7.19).

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{HeaderMap, HeaderName, Method, Uri, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::live::{Consumer, Target};

/// What is kept for the record while the request runs.
pub struct Logged {
    request_headers: HeaderMap,
    host: String,
    /// Version and cipher suite.
    tls: Option<(&'static str, String)>,
    port: u16,
    /// Names of headers and parameters that hold keys.
    secrets: Vec<String>,
    pub response_headers: HeaderMap,
    pub tries: Vec<Try>,
    pub upstream_uri: Option<Uri>,
    pub upstream_status: Option<u16>,
}

/// An attempt to reach a backend.
pub struct Try {
    pub address: SocketAddr,
    /// Nanoseconds since 1970.
    pub started_ns: i64,
    pub latency: Duration,
    pub failed: bool,
}

/// What is known when the request is over.
pub struct Outcome<'a> {
    pub id: u128,
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub status: u16,
    pub from_backend: bool,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// Nanoseconds since 1970.
    pub started_ns: i64,
    pub total: Duration,
    pub upstream_ms: Option<u64>,
    pub client: IpAddr,
    pub target: Option<&'a Target>,
    pub consumer: Option<&'a Consumer>,
    pub credential: Option<Uuid>,
    pub correlation_id: Option<&'a str>,
    pub trace_id: Option<&'a str>,
    /// Of the client's certificate.
    pub client_verify: &'static str,
}

impl Outcome<'_> {
    pub fn ended_ns(&self) -> i64 {
        self.started_ns + nanoseconds(self.total)
    }
}

impl Try {
    pub fn ended_ns(&self) -> i64 {
        self.started_ns + nanoseconds(self.latency)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

const MASKED: &str = "REDACTED";
/// Where keys are sent to by mistake, too: to a route that does not ask for them, or that there is
/// not.
const SECRET_NAMES: [&str; 5] = ["apikey", "api_key", "x-api-key", "access_token", "jwt"];
const SECRET_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
];

impl Logged {
    pub fn new(
        headers: &HeaderMap,
        uri: &Uri,
        tls: Option<(&'static str, &str)>,
        port: u16,
    ) -> Self {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str));
        let host = host.unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                name
            } else {
                host
            }
        });
        Self {
            request_headers: headers.clone(),
            host: host.to_owned(),
            tls: tls.map(|(version, cipher)| (version, cipher.to_owned())),
            port,
            secrets: Vec::new(),
            response_headers: HeaderMap::new(),
            tries: Vec::new(),
            upstream_uri: None,
            upstream_status: None,
        }
    }

    /// The headers as they are after the plugins.
    pub fn set_headers(&mut self, headers: &HeaderMap) {
        self.request_headers = headers.clone();
    }

    pub fn hide(&mut self, names: impl Iterator<Item = String>) {
        self.secrets.extend(names);
    }

    pub fn write(&self, outcome: &Outcome<'_>) -> String {
        let upstream_ms = outcome.upstream_ms.unwrap_or_default();
        let total_ms = u64::try_from(outcome.total.as_millis()).unwrap_or(u64::MAX);
        let uri = self.uri(outcome.uri);
        let url = self.url(outcome.uri);
        let mut record = json!({
            "request": {
                "id": format!("{:032x}", outcome.id),
                "method": outcome.method.as_str(),
                "uri": uri,
                "url": url,
                "size": outcome.request_bytes,
                "querystring": self.query(outcome.uri),
                "headers": self.headers(&self.request_headers),
            },
            "response": {
                "status": outcome.status,
                "size": outcome.response_bytes,
                "headers": self.headers(&self.response_headers),
            },
            "latencies": {
                "request": total_ms,
                "kong": total_ms.saturating_sub(upstream_ms),
                "proxy": outcome.upstream_ms.map_or(json!(-1), |milliseconds| json!(milliseconds)),
                "receive": total_ms.saturating_sub(upstream_ms),
            },
            "tries": self.tries.iter().map(Try::write).collect::<Vec<_>>(),
            "client_ip": outcome.client.to_string(),
            "started_at": outcome.started_ns / 1_000_000,
            "source": if outcome.from_backend { "upstream" } else { "kong" },
            "workspace_name": "default",
        });
        let mut set = |name: &str, value: Value| {
            if let Value::Object(record) = &mut record
                && !value.is_null()
            {
                record.insert(name.to_owned(), value);
            }
        };
        let tls = self.tls.as_ref().map(
            |(version, cipher)| json!({ "version": version, "cipher": cipher, "client_verify": outcome.client_verify }),
        );
        let upstream_uri = self.upstream_uri.as_ref().map(|uri| self.uri(uri));
        set("upstream_uri", json!(upstream_uri));
        set(
            "upstream_status",
            json!(self.upstream_status.map(|status| status.to_string())),
        );
        if let Some(target) = outcome.target {
            set("route", json!(target.row.fields()));
            set(
                "service",
                json!(target.service.as_ref().map(|service| service.row.fields())),
            );
        }
        set(
            "consumer",
            json!(outcome.consumer.map(|consumer| consumer.row.fields())),
        );
        if let Some(id) = outcome.credential {
            let consumer = outcome.consumer.map(Consumer::id);
            set(
                "authenticated_entity",
                json!({ "id": id, "consumer_id": consumer }),
            );
        }
        set("correlation_id", json!(outcome.correlation_id));
        set(
            "trace_id",
            json!(outcome.trace_id.map(|id| json!({ "w3c": id }))),
        );
        if let Some(tls) = tls {
            record["request"]["tls"] = tls;
        }
        record.to_string()
    }

    fn is_secret(&self, name: &str) -> bool {
        let known = self.secrets.iter().map(String::as_str);
        known
            .chain(SECRET_NAMES)
            .any(|secret| secret.eq_ignore_ascii_case(name))
    }

    fn headers(&self, headers: &HeaderMap) -> Map<String, Value> {
        let written = headers.keys().map(|name| {
            let value = if SECRET_HEADERS.contains(name) || self.is_secret(name.as_str()) {
                json!(MASKED)
            } else {
                let values: Vec<_> = headers
                    .get_all(name)
                    .iter()
                    .map(|value| String::from_utf8_lossy(value.as_bytes()))
                    .collect();
                match values.as_slice() {
                    [one] => json!(one),
                    many => json!(many),
                }
            };
            (name.as_str().to_owned(), value)
        });
        written.collect()
    }

    /// The whole address, without keys.
    pub fn url(&self, uri: &Uri) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", self.host, self.port, self.uri(uri))
    }

    pub fn request_headers(&self) -> &HeaderMap {
        &self.request_headers
    }

    /// Path and query, without keys.
    fn uri(&self, uri: &Uri) -> String {
        let Some(query) = uri.query() else {
            return uri.path().to_owned();
        };
        let pairs = query.split('&').map(|pair| {
            let name = url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .map(|(name, _)| name.into_owned());
            match name {
                Some(name) if self.is_secret(&name) => format!("{name}={MASKED}"),
                _ => pair.to_owned(),
            }
        });
        format!("{}?{}", uri.path(), pairs.collect::<Vec<_>>().join("&"))
    }

    fn query(&self, uri: &Uri) -> Map<String, Value> {
        let query = uri.query().unwrap_or_default();
        let mut written: Map<String, Value> = Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = if self.is_secret(&name) {
                json!(MASKED)
            } else {
                json!(value)
            };
            match written.get_mut(&*name) {
                Some(Value::Array(list)) => list.push(value),
                Some(one) => *one = json!([one.take(), value]),
                None => {
                    written.insert(name.into_owned(), value);
                }
            }
        }
        written
    }
}

impl Try {
    fn write(&self) -> Value {
        let latency = nanoseconds(self.latency);
        let mut written = json!({
            "ip": self.address.ip().to_string(),
            "port": self.address.port(),
            "balancer_start": self.started_ns / 1_000_000,
            "balancer_start_ns": self.started_ns,
            "balancer_latency": latency / 1_000_000,
            "balancer_latency_ns": latency,
        });
        if self.failed
            && let Value::Object(fields) = &mut written
        {
            fields.insert("state".to_owned(), json!("failed"));
            fields.insert("code".to_owned(), json!(502));
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A record is one line of JSON without keys, whatever the request was.
        #[test]
        fn any_request_is_one_line_without_its_secrets(
            path in "/[!-~]{0,20}",
            pairs in prop::collection::vec(("[a-z%0-9+]{0,6}", "[!-%'-~]{0,10}"), 0..4),
            at in 0_usize..5,
            spelling in prop::sample::select(vec!["apikey", "APIKEY", "api%6bey", "%61pikey", "access_token", "own-key"]),
            headers in prop::collection::vec(("[a-z_-]{1,8}", prop::collection::vec(any::<u8>(), 0..12)), 0..4),
            secret_header in prop::sample::select(vec!["authorization", "cookie", "own-key", "X-Api-Key"]),
        ) {
            const SECRET: &str = "hush-hush-hush";
            let mut query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            query.insert(at.min(query.len()), format!("{spelling}={SECRET}"));
            let Ok(uri) = format!("{path}?{}", query.join("&")).parse::<Uri>() else {
                return Ok(());
            };
            if uri.path() != path {
                return Ok(());
            }
            let mut sent = HeaderMap::new();
            for (name, value) in &headers {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                    sent.append(name, value);
                }
            }
            let name: HeaderName = secret_header.parse().unwrap();
            sent.append(name, HeaderValue::from_static(SECRET));
            let mut logged = Logged::new(&sent, &uri, None, 80);
            logged.hide(["own-key".to_owned()].into_iter());
            logged.response_headers = sent;
            let record = logged.write(&Outcome {
                id: 1,
                method: &Method::GET,
                uri: &uri,
                status: 200,
                from_backend: false,
                request_bytes: 0,
                response_bytes: 0,
                started_ns: 0,
                total: Duration::ZERO,
                upstream_ms: None,
                client: [127, 0, 0, 1].into(),
                target: None,
                consumer: None,
                credential: None,
                correlation_id: None,
                trace_id: None,
                client_verify: "NONE",
            });
            prop_assert!(!record.contains('\n') && !record.contains(SECRET), "{record}");
            let read: Value = serde_json::from_str(&record).unwrap();
            prop_assert_eq!(&read["request"]["method"], "GET");
        }
    }
}
