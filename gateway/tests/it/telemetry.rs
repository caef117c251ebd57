//! Traces of requests.

use std::time::Duration;

use axum::{Router, body::Bytes, extract::Path, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value as Any},
    logs::v1::LogRecord,
    trace::v1::Span,
};
use prost::Message;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Backend, TestGateway, key_auth, serve};

const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A collector that puts everything that it is sent into a channel, with the path.
struct Collector {
    address: std::net::SocketAddr,
    messages: mpsc::UnboundedReceiver<(HeaderMap, Value)>,
}

impl Collector {
    async fn start() -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let take = async move |Path(kind): Path<String>, headers: HeaderMap, body: Bytes| {
            let message = match kind.as_str() {
                "traces" => traces(&ExportTraceServiceRequest::decode(body).unwrap()),
                _ => logs(&ExportLogsServiceRequest::decode(body).unwrap()),
            };
            sender.send((headers, message)).unwrap();
        };
        let app = Router::new().route("/v1/{kind}", post(take));
        Self {
            address: serve(app).await,
            messages,
        }
    }

    fn url(&self, kind: &str) -> String {
        format!("http://{}/v1/{kind}", self.address)
    }

    async fn next(&mut self) -> (HeaderMap, Value) {
        let message = tokio::time::timeout(Duration::from_secs(10), self.messages.recv()).await;
        message.unwrap().unwrap()
    }

    /// The spans of the next message.
    async fn spans(&mut self) -> Vec<Value> {
        let (_, message) = self.next().await;
        message["spans"].as_array().unwrap().clone()
    }
}

fn traces(request: &ExportTraceServiceRequest) -> Value {
    let [of] = &*request.resource_spans else {
        panic!("{request:?}");
    };
    let spans = of.scope_spans.iter().flat_map(|scope| &scope.spans);
    let resource = of.resource.as_ref().unwrap();
    json!({
        "resource": {"attributes": attributes(&resource.attributes)},
        "spans": spans.map(span).collect::<Vec<_>>(),
    })
}

fn logs(request: &ExportLogsServiceRequest) -> Value {
    let scopes = request.resource_logs.iter().flat_map(|of| &of.scope_logs);
    let records = scopes.flat_map(|scope| &scope.log_records);
    json!({ "records": records.map(record).collect::<Vec<_>>() })
}

fn span(span: &Span) -> Value {
    json!({
        "traceId": hex::encode(&span.trace_id),
        "spanId": hex::encode(&span.span_id),
        "parentSpanId": hex::encode(&span.parent_span_id),
        "kind": span.kind,
        "name": span.name,
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "attributes": attributes(&span.attributes),
        "status": span.status.as_ref().unwrap().code,
    })
}

fn record(record: &LogRecord) -> Value {
    json!({
        "traceId": hex::encode(&record.trace_id),
        "attributes": attributes(&record.attributes),
    })
}

fn attributes(list: &[KeyValue]) -> Value {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    };
    let pair = |attribute: &KeyValue| Some((attribute.key.clone(), text(attribute)?.into()));
    Value::Object(list.iter().filter_map(pair).collect())
}

fn attribute(of: &Value, name: &str) -> Value {
    of["attributes"][name].clone()
}

fn now() -> i64 {
    service::clock::now().timestamp_nanos_opt().unwrap()
}

fn moment(of: &Value, name: &str) -> i64 {
    of[name].as_i64().unwrap()
}

#[tokio::test]
async fn a_request_is_a_span_with_one_for_each_try() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let mut collector = Collector::start().await;
    // The first target refuses, the other one answers.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = closed.local_addr().unwrap();
    drop(closed);
    gateway.post("upstreams", json!({"name": "u"})).await;
    for (target, weight) in [(refusing, 1000), (backend.address, 1)] {
        let body = json!({"target": target.to_string(), "weight": weight});
        gateway.post("upstreams/u/targets", body).await;
    }
    gateway
        .post("services", json!({"name": "s", "host": "u"}))
        .await;
    let route = json!({"name": "the-route", "paths": ["/s"]});
    gateway.post("services/s/routes", route).await;
    let config = json!({
        "traces_endpoint": collector.url("traces"), "headers": {"X-Key": "k"},
        "resource_attributes": {"service.name": "shop", "zone": "a"},
        "queue": {"max_coalescing_delay": 0.01}, "http_response_header_for_traceid": "X-Trace-Id",
    });
    gateway.plugin("opentelemetry", None, None, config).await;
    let before = now();
    let sent = gateway
        .get("/s/a?apikey=secret")
        .header("traceparent", format!("00-{ID}-{SPAN}-00"));
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.headers()["x-trace-id"], ID);
    let seen: Value = answer.json().await.unwrap();
    let (headers, message) = collector.next().await;
    let after = now();
    assert_eq!(headers["x-key"], "k");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(attribute(&message["resource"], "service.name"), "shop");
    assert_eq!(attribute(&message["resource"], "zone"), "a");
    let spans = message["spans"].as_array().unwrap();
    let (server, tries) = spans.split_first().unwrap();
    assert_eq!(server["traceId"], ID);
    assert_eq!(server["parentSpanId"], SPAN);
    assert_eq!(server["kind"], 2);
    assert_eq!(server["name"], "GET the-route");
    assert_eq!(attribute(server, "http.method"), "GET");
    assert_eq!(attribute(server, "http.status_code"), "200");
    assert_eq!(attribute(server, "http.route"), "the-route");
    assert_eq!(attribute(server, "net.peer.ip"), "127.0.0.1");
    let url = attribute(server, "http.url");
    let port = gateway.proxy.port();
    assert_eq!(url, format!("http://127.0.0.1:{port}/s/a?apikey=REDACTED"));
    assert!(before <= moment(server, "start"));
    assert!(moment(server, "start") < moment(server, "end"));
    assert!(moment(server, "end") <= after);
    // The backend's part belongs to the try that reached it.
    let [answered, failed] = tries else {
        panic!("{tries:?}");
    };
    assert_eq!(
        seen["headers"]["traceparent"],
        format!("00-{ID}-{}-01", answered["spanId"].as_str().unwrap())
    );
    for one in tries {
        assert_eq!(one["kind"], 3);
        assert_eq!(one["parentSpanId"], server["spanId"]);
    }
    assert_ne!(answered["spanId"], failed["spanId"]);
    assert_eq!(failed["status"], 2);
    assert_eq!(
        attribute(failed, "net.peer.port"),
        refusing.port().to_string()
    );
    assert_eq!(answered["status"], 0);
}

#[tokio::test]
async fn only_trusted_peers_decide_what_is_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_with(directory.path(), |settings| {
        settings.trusted_peers = gateway::TrustedPeers::parse("127.0.0.2").unwrap();
    });
    let backend = Backend::start().await;
    let mut collector = Collector::start().await;
    let service = gateway.publish("s", backend.address, "/s").await;
    let config = json!({
        "endpoint": collector.url("traces"), "sampling_rate": 0,
        "queue": {"max_coalescing_delay": 0.01},
    });
    gateway
        .plugin("opentelemetry", Some(&service), None, config)
        .await;
    let ask = async |from: [u8; 4], path: &str, flag: &str| {
        let client = reqwest::Client::builder().local_address(std::net::IpAddr::from(from));
        let url = format!("http://{}/s/{path}", gateway.proxy);
        let sent = client.build().unwrap().get(url);
        let sent = sent.header("traceparent", format!("00-{ID}-{SPAN}-{flag}"));
        sent.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let seen = ask([127, 0, 0, 1], "a", "01").await;
    let parent = seen["headers"]["traceparent"].as_str().unwrap().to_owned();
    assert!(
        parent.starts_with(&format!("00-{ID}-")) && parent.ends_with("-00"),
        "{parent}"
    );
    ask([127, 0, 0, 2], "b", "00").await;
    ask([127, 0, 0, 2], "c", "01").await;
    let spans = collector.spans().await;
    let url = attribute(&spans[0], "http.url");
    assert!(url.as_str().unwrap().ends_with("/s/c"), "{url}");
}

#[tokio::test]
async fn forms_are_kept_or_chosen() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let single = format!("{ID}-{SPAN}-1");
    let headers = |seen: &Value, name: &str| seen["headers"][name].as_str().map(str::to_owned);
    for (number, (config, sent, expected)) in [
        (json!({}), Some(("b3", &*single)), [false, true, false]),
        (json!({}), Some(("x-b3-traceid", ID)), [true, false, false]),
        (json!({}), None, [true, false, false]),
        (
            json!({"header_type": "b3"}),
            Some(("b3", &*single)),
            [false, false, true],
        ),
        (json!({"header_type": "ignore"}), None, [true, false, false]),
        (
            json!({"propagation": {"inject": ["preserve", "w3c"], "default_format": "b3"}}),
            None,
            [true, false, true],
        ),
        (
            json!({"propagation": {"extract": ["w3c"], "clear": ["b3"], "inject": []}}),
            Some(("b3", &*single)),
            [false, false, false],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/p{number}");
        let service = gateway.publish(&path[1..], backend.address, &path).await;
        let mut full = json!({"traces_endpoint": "http://127.0.0.1:9", "sampling_rate": 0});
        full.as_object_mut()
            .unwrap()
            .extend(config.as_object().unwrap().clone());
        gateway
            .plugin("opentelemetry", Some(&service), None, full)
            .await;
        let mut request = gateway.get(&path);
        if let Some((name, value)) = sent {
            request = request.header(name, value);
        }
        let seen: Value = request.send().await.unwrap().json().await.unwrap();
        let found = ["traceparent", "b3", "x-b3-spanid"].map(|name| {
            // What was only passed on does not count.
            headers(&seen, name).is_some_and(|value| value != single)
        });
        assert_eq!(found, expected, "{config} {seen}");
    }
}

#[tokio::test]
async fn what_the_gateway_answers_is_recorded_too_and_logs_name_the_trace() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let mut collector = Collector::start().await;
    let service = gateway.publish("s", backend.address, "/s").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    let config = json!({
        "traces_endpoint": collector.url("traces"), "logs_endpoint": collector.url("logs"),
        "queue": {"max_coalescing_delay": 0.01, "max_batch_size": 1},
    });
    gateway.plugin("opentelemetry", None, None, config).await;
    for (path, status) in [("/s", 401), ("/nowhere", 404)] {
        let sent = gateway
            .get(path)
            .header("traceparent", format!("00-{ID}-{SPAN}-01"));
        assert_eq!(sent.send().await.unwrap().status(), status);
        for _ in 0..2 {
            let (_, message) = collector.next().await;
            let records = message.get("records").unwrap_or(&message["spans"]);
            let record = &records[0];
            assert_eq!(record["traceId"], ID);
            assert_eq!(attribute(record, "http.status_code"), status.to_string());
        }
    }
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let gateway = TestGateway::start().await;
    let url = "http://collector:4318/v1/traces";
    for (config, field) in [
        (json!({}), "@entity"),
        (json!({"traces_endpoint": "collector"}), "traces_endpoint"),
        (
            json!({"logs_endpoint": "http://169.254.169.254/"}),
            "logs_endpoint",
        ),
        (
            json!({"traces_endpoint": url, "sampling_rate": 2}),
            "sampling_rate",
        ),
        (
            json!({"traces_endpoint": url, "header_type": "jaeger"}),
            "header_type",
        ),
        (
            json!({"traces_endpoint": url, "propagation": {"extract": ["aws"]}}),
            "propagation",
        ),
        (
            json!({"traces_endpoint": url, "headers": {"Host": "x"}}),
            "headers",
        ),
        (json!({"traces_endpoint": url, "sampling": 1}), "sampling"),
    ] {
        let body = json!({"name": "opentelemetry", "config": config});
        let (status, error) = gateway.call(Method::POST, "plugins", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
        assert!(
            !error["fields"]["config"][field].is_null(),
            "{field}: {error}"
        );
    }
}
