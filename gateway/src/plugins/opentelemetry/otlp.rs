//! The messages of OTLP, as its JSON encoding has them: ids as hex digits, long numbers as texts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Trace;
use crate::plugins::log::{Logged, Outcome, Try};

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// What stands before and after the spans or records of one message.
pub fn frame(kind: &str, list: &str, attributes: &BTreeMap<String, String>) -> (String, String) {
    let mut resource = BTreeMap::from([
        ("service.name", "wicketgate-gateway"),
        ("service.version", crate::VERSION),
    ]);
    let own = attributes.iter();
    resource.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
    let resource: Vec<Value> = resource
        .into_iter()
        .map(|(name, value)| text(name, value))
        .collect();
    let resource = json!({ "attributes": resource });
    let scope = json!({ "name": "wicketgate", "version": crate::VERSION });
    let before = format!(
        "{{\"resource{kind}\":[{{\"resource\":{resource},\"scope{kind}\":[{{\"scope\":{scope},\"{list}\":["
    );
    (before, "]}]}]}".to_owned())
}

/// The span of a request and those of its tries, with commas between them.
pub fn spans(trace: &Trace, logged: &Logged, outcome: &Outcome<'_>) -> String {
    let mut attributes = attributes(logged, outcome);
    if let Some(consumer) = outcome.consumer {
        attributes.push(text("wicketgate.consumer.id", &consumer.id.to_string()));
    }
    let name = outcome.target.map_or("", |target| &target.label);
    let mut span = json!({
        "traceId": trace.id(),
        "spanId": trace.span(),
        "name": format!("{} {name}", outcome.method).trim_end(),
        "kind": SERVER,
        "startTimeUnixNano": outcome.started_ns.to_string(),
        "endTimeUnixNano": outcome.ended_ns().to_string(),
        "attributes": attributes,
        "status": status(outcome.status >= 500),
    });
    if let Some(parent) = trace.parent() {
        span["parentSpanId"] = parent.into();
    }
    let mut written = span.to_string();
    let tries = logged.tries.iter().rev().enumerate();
    for (after, one) in tries {
        written.push(',');
        written.push_str(&client(trace, one, after, outcome).to_string());
    }
    written
}

fn client(trace: &Trace, one: &Try, after: usize, outcome: &Outcome<'_>) -> Value {
    json!({
        "traceId": trace.id(),
        "spanId": trace.client(after),
        "parentSpanId": trace.span(),
        "name": outcome.method.as_str(),
        "kind": CLIENT,
        "startTimeUnixNano": one.started_ns.to_string(),
        "endTimeUnixNano": one.ended_ns().to_string(),
        "attributes": [
            text("http.method", outcome.method.as_str()),
            text("net.peer.ip", &one.address.ip().to_string()),
            number("net.peer.port", one.address.port().into()),
        ],
        "status": status(one.failed),
    })
}

/// A log record of a request.
pub fn record(trace: &Trace, logged: &Logged, outcome: &Outcome<'_>) -> String {
    let (number, name) = match outcome.status {
        500.. => (17, "ERROR"),
        _ => (9, "INFO"),
    };
    let said = format!(
        "{} {} {}",
        outcome.method,
        outcome.uri.path(),
        outcome.status
    );
    json!({
        "timeUnixNano": outcome.ended_ns().to_string(),
        "severityNumber": number,
        "severityText": name,
        "body": { "stringValue": said },
        "attributes": attributes(logged, outcome),
        "traceId": trace.id(),
        "spanId": trace.span(),
        "flags": u8::from(trace.is_sampled),
    })
    .to_string()
}

fn attributes(logged: &Logged, outcome: &Outcome<'_>) -> Vec<Value> {
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

fn status(failed: bool) -> Value {
    if failed {
        json!({ "code": ERROR })
    } else {
        json!({})
    }
}

fn text(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn number(name: &str, value: i64) -> Value {
    json!({ "key": name, "value": { "intValue": value.to_string() } })
}
