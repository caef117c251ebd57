//! The messages of OTLP, in protobuf.
//!
//! Messages of one type that stand one after the other are one message with all their elements, so a
//! record is encoded once, as a list of its own, and a batch is put together from bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::{LogRecord, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
    trace::v1::{ScopeSpans, Span, Status, span::SpanKind, status::StatusCode},
};
use prost::{Message, encoding};

use super::Trace;
use crate::plugins::log::{Logged, Outcome, Try};

/// Numbers of the members that are lists in each other: those of spans and of logs have the same.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPES: u32 = 2;

/// Puts records, as [`spans`] and [`record`] make them, into one request to a collector.
pub fn message(
    attributes: &BTreeMap<String, String>,
) -> impl Fn(&[Bytes]) -> Vec<u8> + Send + Sync + 'static {
    let mut resource = BTreeMap::from([
        ("service.name", "wicketgate-gateway"),
        ("service.version", crate::VERSION),
    ]);
    let own = attributes.iter();
    resource.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
    let resource = Resource {
        attributes: resource
            .into_iter()
            .map(|(name, value)| text(name, value))
            .collect(),
        ..Resource::default()
    };
    let scope = ScopeSpans {
        scope: Some(InstrumentationScope {
            name: "wicketgate".to_owned(),
            version: crate::VERSION.to_owned(),
            ..InstrumentationScope::default()
        }),
        ..ScopeSpans::default()
    };
    let (resource, scope) = (resource.encode_to_vec(), scope.encode_to_vec());
    move |records| {
        let scope = [&*scope, &records.concat()].concat();
        let mut one = Vec::with_capacity(scope.len() + resource.len() + 16);
        encoding::bytes::encode(RESOURCE, &resource, &mut one);
        encoding::bytes::encode(SCOPES, &scope, &mut one);
        let mut request = Vec::with_capacity(one.len() + 8);
        encoding::bytes::encode(RESOURCES, &one, &mut request);
        request
    }
}

/// The span of a request and those of its tries.
pub fn spans(trace: &Trace, logged: &Logged, outcome: &Outcome<'_>) -> Bytes {
    let mut attributes = attributes(logged, outcome);
    if let Some(consumer) = outcome.consumer {
        attributes.push(text("wicketgate.consumer.id", &consumer.id().to_string()));
    }
    let name = outcome.target.map_or("", |target| &target.label);
    let name = format!("{} {name}", outcome.method);
    let server = Span {
        trace_id: trace.id_bytes(),
        span_id: trace.span_bytes(),
        parent_span_id: trace.parent_bytes(),
        name: name.trim_end().to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: outcome.started_ns.cast_unsigned(),
        end_time_unix_nano: outcome.ended_ns().cast_unsigned(),
        attributes,
        status: Some(status(outcome.status >= 500)),
        ..Span::default()
    };
    let tries = logged.tries.iter().rev().enumerate();
    let tries = tries.map(|(after, one)| client(trace, one, after, outcome));
    let spans = std::iter::once(server).chain(tries).collect();
    let list = ScopeSpans {
        spans,
        ..ScopeSpans::default()
    };
    list.encode_to_vec().into()
}

fn client(trace: &Trace, one: &Try, after: usize, outcome: &Outcome<'_>) -> Span {
    Span {
        trace_id: trace.id_bytes(),
        span_id: trace.client_bytes(after),
        parent_span_id: trace.span_bytes(),
        name: outcome.method.to_string(),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: one.started_ns.cast_unsigned(),
        end_time_unix_nano: one.ended_ns().cast_unsigned(),
        attributes: vec![
            text("http.method", outcome.method.as_str()),
            text("net.peer.ip", &one.address.ip().to_string()),
            number("net.peer.port", one.address.port().into()),
        ],
        status: Some(status(one.failed)),
        ..Span::default()
    }
}

/// A log record of a request.
pub fn record(trace: &Trace, logged: &Logged, outcome: &Outcome<'_>) -> Bytes {
    let severity = match outcome.status {
        500.. => SeverityNumber::Error,
        _ => SeverityNumber::Info,
    };
    let said = format!(
        "{} {} {}",
        outcome.method,
        outcome.uri.path(),
        outcome.status
    );
    let record = LogRecord {
        time_unix_nano: outcome.ended_ns().cast_unsigned(),
        severity_number: severity.into(),
        severity_text: if outcome.status >= 500 {
            "ERROR"
        } else {
            "INFO"
        }
        .to_owned(),
        body: Some(value(any_value::Value::StringValue(said))),
        attributes: attributes(logged, outcome),
        flags: u32::from(trace.is_sampled),
        trace_id: trace.id_bytes(),
        span_id: trace.span_bytes(),
        ..LogRecord::default()
    };
    let list = ScopeLogs {
        log_records: vec![record],
        ..ScopeLogs::default()
    };
    list.encode_to_vec().into()
}

fn attributes(logged: &Logged, outcome: &Outcome<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("http.method", outcome.method.as_str()),
        text("http.url", &logged.url(outcome.uri)),
        number("http.status_code", outcome.status.into()),
        text("net.peer.ip", &outcome.client.to_string()),
        text("wicketgate.request.id", &format!("{:032x}", outcome.id)),
    ];
    if let Some(target) = outcome.target {
        attributes.push(text("http.route", &target.label));
        if let Some(service) = &target.service {
            attributes.push(text("wicketgate.service", &service.label));
        }
    }
    attributes
}

fn status(failed: bool) -> Status {
    let mut status = Status::default();
    if failed {
        status.set_code(StatusCode::Error);
    }
    status
}

fn text(name: &str, text: &str) -> KeyValue {
    attribute(name, any_value::Value::StringValue(text.to_owned()))
}

fn number(name: &str, number: i64) -> KeyValue {
    attribute(name, any_value::Value::IntValue(number))
}

fn attribute(name: &str, content: any_value::Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(value(content)),
        ..KeyValue::default()
    }
}

fn value(content: any_value::Value) -> AnyValue {
    AnyValue {
        value: Some(content),
    }
}
