//! Tells a collector what a request went through (OTLP over HTTP), and the backend which
//! trace it belongs to (gateway 7.21).

mod context;
mod otlp;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::runtime::Handle;
use url::Url;

use super::{
    Verdict,
    log::{Destination, Logged, Outcome, Queue, QueueConfig, Server},
};
use crate::{proxy::Exchange, worker::Worker};

use context::Format;
pub use context::Trace;

#[derive(Deserialize)]
pub struct Config {
    traces_endpoint: Option<Url>,
    logs_endpoint: Option<Url>,
    headers: Option<BTreeMap<String, String>>,
    resource_attributes: Option<BTreeMap<String, String>>,
    queue: QueueConfig,
    connect_timeout: u64,
    send_timeout: u64,
    read_timeout: u64,
    sampling_rate: Option<f64>,
    header_type: HeaderType,
    propagation: Option<Propagation>,
    http_response_header_for_traceid: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum HeaderType {
    Way(Way),
    Format(Format),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// The form that came.
    Preserve,
    /// What came does not count.
    Ignore,
}

#[derive(Deserialize)]
struct Propagation {
    extract: Option<Vec<Format>>,
    inject: Option<Vec<HeaderType>>,
    clear: Option<Vec<String>>,
    default_format: Format,
}

pub struct OpenTelemetry {
    traces: Option<Arc<Queue>>,
    logs: Option<Arc<Queue>>,
    sampling_rate: f64,
    extract: Vec<Format>,
    inject: Vec<HeaderType>,
    clear: Vec<HeaderName>,
    /// Where nothing came whose form could be kept.
    default_format: Format,
    answer_header: Option<HeaderName>,
}

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const ALL: [Format; 3] = [Format::W3c, Format::B3, Format::B3Single];

impl OpenTelemetry {
    pub fn new(config: Config) -> Result<Self, String> {
        let timeouts = [
            config.connect_timeout,
            config.send_timeout,
            config.read_timeout,
        ];
        let timeout = Duration::from_millis(timeouts.iter().sum());
        let attributes = config.resource_attributes.unwrap_or_default();
        let queue = |url: Option<Url>| {
            let Some(url) = url else { return Ok(None) };
            let (kind, message) = (PROTOBUF, Box::new(otlp::message(&attributes)));
            let server = Server::of_messages(url, config.headers.as_ref(), timeout, kind, message)?;
            let limits = config.queue.limits();
            Ok::<_, String>(Some(Queue::new(limits, Destination::Server(server))))
        };
        let (extract, inject) = match config.header_type {
            HeaderType::Way(Way::Ignore) => (Vec::new(), HeaderType::Way(Way::Preserve)),
            one => (ALL.to_vec(), one),
        };
        let own = config.propagation.unwrap_or_default();
        let clear = own.clear.iter().flatten();
        Ok(Self {
            traces: queue(config.traces_endpoint)?,
            logs: queue(config.logs_endpoint)?,
            sampling_rate: config.sampling_rate.unwrap_or(1.0),
            extract: own.extract.unwrap_or(extract),
            inject: own.inject.unwrap_or_else(|| vec![inject]),
            clear: clear
                .map(|name| super::header_name(name))
                .collect::<Result<_, _>>()?,
            default_format: own.default_format,
            answer_header: config
                .http_response_header_for_traceid
                .as_deref()
                .map(super::header_name)
                .transpose()?,
        })
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let peer = exchange.connection.peer.ip();
        let peer_is_trusted = worker.shared.rules.trusted_peers.contains(peer);
        let headers = &mut exchange.head.headers;
        let (trace, found) = self.begin(headers, peer_is_trusted, worker);
        for name in &self.clear {
            headers.remove(name);
        }
        for form in &self.inject {
            let format = match form {
                HeaderType::Format(format) => *format,
                HeaderType::Way(_) => found.unwrap_or(self.default_format),
            };
            format.write(&trace, headers);
        }
        if let Some(name) = &self.answer_header
            && let Ok(id) = HeaderValue::from_str(&trace.id())
        {
            exchange.response.set(name.clone(), id);
        }
        exchange.trace = Some(trace);
        Verdict::Continue
    }

    /// The trace that a request with these headers belongs to, and the form in which they say so.
    pub fn begin(
        &self,
        headers: &HeaderMap,
        peer_is_trusted: bool,
        worker: &Worker,
    ) -> (Trace, Option<Format>) {
        let mut formats = self.extract.iter();
        let found = formats.find_map(|format| Some((*format, format.read(headers)?)));
        let random = worker.random();
        let mut trace = Trace::new(worker.random(), random);
        // Whoever may make us write records of all its requests could fill any store.
        let mut decided = None;
        if let Some((_, came)) = found {
            trace.continues(&came);
            decided = came.is_sampled.filter(|_| peer_is_trusted);
        }
        trace.is_sampled = decided.unwrap_or_else(|| fastrand::f64() < self.sampling_rate);
        (trace, found.map(|(format, _)| format))
    }

    /// The request is over.
    pub fn add(&self, trace: &Trace, logged: &Logged, outcome: &Outcome<'_>, runtime: &Handle) {
        if let Some(traces) = self.traces.as_ref().filter(|_| trace.is_sampled) {
            traces.add(otlp::spans(trace, logged, outcome), runtime);
        }
        if let Some(logs) = &self.logs {
            logs.add(otlp::record(trace, logged, outcome), runtime);
        }
    }
}

impl Drop for OpenTelemetry {
    /// What waits is still delivered.
    fn drop(&mut self) {
        for queue in self.traces.iter().chain(&self.logs) {
            queue.close();
        }
    }
}

impl Default for Propagation {
    fn default() -> Self {
        Self {
            extract: None,
            inject: None,
            clear: None,
            default_format: Format::W3c,
        }
    }
}
