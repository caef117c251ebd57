use std::{
    net::IpAddr,
    rc::Rc,
    sync::{Arc, PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use hyper::{Request, body::Incoming};
use service::http::CORRELATION_ID;
use uuid::Uuid;

use super::{Connection, Exchange, Rules, body::Progress};
use crate::{
    live::{Consumer, Snapshot, Target, upstream::Open},
    plugins::{
        self, Plugin,
        log::{Logged, Outcome, Try},
        mtls_auth::ClientCertificate,
        opentelemetry::Trace,
        prometheus::Observation,
        usage::RawRecord,
    },
    worker::{Shared, Worker},
};

/// The log phase of a request. It lives as long as the answer is being sent and writes its records
/// when it is dropped, so an answer that is cut off is recorded, too, and none is delayed.
pub struct Finish {
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    pub routing: Rc<Snapshot>,
    pub route: Option<usize>,
    pub id: u128,
    started: Instant,
    method: Method,
    uri: http::Uri,
    consumer: Option<Arc<Consumer>>,
    credential: Option<Uuid>,
    correlation_id: Option<http::HeaderValue>,
    client: IpAddr,
    trace: Option<Trace>,
    /// 499 until there is an answer: the client went away before.
    pub status: u16,
    pub from_backend: bool,
    pub upstream_ms: Option<u64>,
    pub request_body: Option<Rc<Progress>>,
    pub response_bytes: u64,
    /// For the record, where a plugin writes one.
    logged: Option<Box<Logged>>,
    /// Of the target that answers.
    pub open: Option<Open>,
    /// The client asks for the names of route and service.
    pub wants_names: bool,
}

const CLIENT_CLOSED: u16 = 499;

impl Finish {
    pub fn new(
        worker: &Rc<Worker>,
        connection: &Rc<Connection>,
        request: &Request<Incoming>,
        id: u128,
    ) -> Box<Self> {
        connection.begin();
        let counters = worker.counters();
        counters.requests.fetch_add(1, Relaxed);
        counters.working.fetch_add(1, Relaxed);
        let routing = worker.routing();
        let logged = (routing.global.mask & plugins::LOGS != 0)
            .then(|| logged(request.headers(), request.uri(), connection));
        Box::new(Self {
            logged,
            open: None,
            wants_names: false,
            worker: worker.clone(),
            connection: connection.clone(),
            routing,
            route: None,
            id,
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            consumer: None,
            credential: None,
            correlation_id: None,
            client: connection.peer.ip().to_canonical(),
            trace: None,
            status: CLIENT_CLOSED,
            from_backend: false,
            upstream_ms: None,
            request_body: None,
            response_bytes: 0,
        })
    }

    /// Takes over what the plugins found out.
    pub fn identity(&mut self, exchange: &mut Exchange<'_>) {
        let own = exchange
            .consumer
            .as_ref()
            .map_or(0, |consumer| consumer.mask());
        if (exchange.target.plugins.mask | own) & plugins::LOGS != 0 {
            let headers = &exchange.head.headers;
            let record = self
                .logged
                .get_or_insert_with(|| logged(headers, exchange.uri, exchange.connection));
            record.set_headers(headers);
            record.hide(plugins::secret_names(exchange.target));
        }
        self.consumer = exchange.consumer.take();
        self.credential = exchange.credential.as_ref().map(|credential| credential.id);
        if self.is_logged() || self.is_recorded() {
            // Without the plugin a client's id is passed on as any header is, and logged.
            let sent = || exchange.head.headers.get(CORRELATION_ID).cloned();
            self.correlation_id = exchange.correlation_id.clone().or_else(sent);
        }
        self.client = exchange.client;
        self.trace = exchange.trace;
    }

    /// Consumer, else credential.
    pub fn caller(&self) -> Option<Uuid> {
        self.consumer
            .as_ref()
            .map(|consumer| consumer.id())
            .or(self.credential)
    }

    pub fn rules(&self) -> &Rules {
        &self.worker.shared.rules
    }

    /// Names route and service to a client that asks for it (gateway 4.7).
    pub fn add_names(&self, headers: &mut HeaderMap) {
        let Some(target) = self.target().filter(|_| self.wants_names) else {
            return;
        };
        let service = target.service.as_deref();
        for (name, value) in [
            ("kong-route-id", Some(target.id.to_string())),
            ("kong-route-name", target.row.text("name")),
            (
                "kong-service-id",
                service.map(|service| service.id.to_string()),
            ),
            (
                "kong-service-name",
                service.and_then(|service| service.row.text("name")),
            ),
        ] {
            if let Some(value) = value.and_then(|value| http::HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
    }

    pub fn shared(&self) -> &Shared {
        &self.worker.shared
    }

    /// Whether a plugin writes a record of this request.
    pub fn is_recorded(&self) -> bool {
        self.logged.is_some()
    }

    pub fn tried(&mut self, tries: Vec<Try>, uri: Option<http::Uri>) {
        if let Some(logged) = &mut self.logged {
            logged.tries = tries;
            logged.upstream_uri = uri;
        }
    }

    /// The head of the answer, with the backend's status if it has answered.
    pub fn answered(&mut self, headers: &HeaderMap, upstream: Option<http::StatusCode>) {
        if let Some(logged) = &mut self.logged {
            logged.response_headers = headers.clone();
            logged.upstream_status = upstream.map(|status| status.as_u16());
        }
    }

    pub fn elapsed_ms(&self) -> u64 {
        self.milliseconds_until(Instant::now())
    }

    pub fn milliseconds_until(&self, moment: Instant) -> u64 {
        milliseconds(self.started, moment)
    }

    fn request_bytes(&self) -> u64 {
        self.request_body
            .as_ref()
            .map_or(0, |progress| progress.bytes())
    }

    fn target(&self) -> Option<&Target> {
        self.routing.routes.get(self.route?)
    }

    /// Plugins that only watch are selected at the end, when the consumer is known.
    fn selected(&self, ordinal: u8) -> Option<&Plugin> {
        let bound = match self.target() {
            Some(target) => plugins::select(target, self.consumer.as_deref(), ordinal),
            None => self.routing.global.get(ordinal),
        };
        Some(&*bound?.plugin)
    }

    fn observe(&self, total_ms: u64) {
        let Some(target) = self.target() else { return };
        let Some(Plugin::Prometheus(plugin)) = self.selected(plugins::PROMETHEUS) else {
            return;
        };
        let Some(service) = &target.service else {
            return;
        };
        let observation = Observation {
            service: &service.label,
            route: &target.label,
            consumer: self
                .consumer
                .as_ref()
                .and_then(|consumer| consumer.username()),
            status: self.status,
            from_backend: self.from_backend,
            request_bytes: self.request_bytes(),
            response_bytes: self.response_bytes,
            total_ms,
            upstream_ms: self.upstream_ms,
        };
        let mut numbers = self
            .worker
            .counters()
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        numbers.record(*plugin, &observation);
    }

    fn report(&self, total_ms: u64) {
        if !matches!(self.selected(plugins::USAGE), Some(Plugin::Usage(_))) {
            return;
        }
        let target = self.target();
        let ended = service::clock::now().timestamp_millis();
        self.worker.record_usage(RawRecord {
            id: self.id,
            at: ended - i64::try_from(total_ms).unwrap_or_default(),
            service: target
                .and_then(|target| target.service.as_ref())
                .map(|service| service.label.clone()),
            route: target.map(|target| target.label.clone()),
            consumer: self.consumer.clone(),
            credential: self.credential,
            method: self.method.clone(),
            path: kong::path::normalise(self.uri.path().as_bytes()).into(),
            status: self.status,
            request_bytes: self.request_bytes(),
            response_bytes: self.response_bytes,
            duration_ms: total_ms,
            upstream_ms: self.upstream_ms,
            client: self.client,
        });
    }

    fn record(&self, total: Duration) {
        let Some(logged) = &self.logged else { return };
        let telemetry = match self.selected(plugins::OPENTELEMETRY) {
            Some(Plugin::OpenTelemetry(telemetry)) => Some(telemetry),
            _ => None,
        };
        // Answered before the plugin's turn came, it has no trace yet.
        let trace = telemetry.map(|telemetry| {
            let peer_is_trusted = self
                .rules()
                .trusted_peers
                .contains(self.connection.peer.ip());
            let begin = || telemetry.begin(logged.request_headers(), peer_is_trusted, &self.worker);
            self.trace.unwrap_or_else(|| begin().0)
        });
        let trace_id = trace.map(|trace| trace.id());
        let logs = [plugins::HTTP_LOG, plugins::FILE_LOG];
        let logs = logs.map(|ordinal| match self.selected(ordinal) {
            Some(Plugin::Log(log)) => Some(log),
            _ => None,
        });
        let correlation_id = self.correlation_id.as_ref();
        let tls = self.connection.tls.as_ref();
        let shown = tls.and_then(|tls| tls.client.as_ref());
        let outcome = Outcome {
            id: self.id,
            method: &self.method,
            uri: &self.uri,
            status: self.status,
            from_backend: self.from_backend,
            request_bytes: self.request_bytes(),
            response_bytes: self.response_bytes,
            started_ns: began(total),
            total,
            upstream_ms: self.upstream_ms,
            client: self.client,
            target: self.target(),
            consumer: self.consumer.as_deref(),
            credential: self.credential,
            correlation_id: correlation_id.and_then(|id| id.to_str().ok()),
            trace_id: trace_id.as_deref(),
            client_verify: shown.map_or("NONE", ClientCertificate::verdict),
        };
        let runtime = &self.worker.shared.runtime;
        if let (Some(telemetry), Some(trace)) = (telemetry, &trace) {
            telemetry.add(trace, logged, &outcome, runtime);
        }
        let mut record: Option<Bytes> = None;
        for log in logs.into_iter().flatten() {
            let record = record.get_or_insert_with(|| logged.write(&outcome).into());
            log.add(record.clone(), runtime);
        }
    }

    fn is_logged(&self) -> bool {
        self.worker.shared.rules.access_log
            || tracing::enabled!(target: "access", tracing::Level::DEBUG)
    }

    /// One line per request. The query is left out: it may hold keys.
    fn log(&self, total_ms: u64) {
        if !self.is_logged() {
            return;
        }
        let correlation = self
            .correlation_id
            .as_ref()
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        let route = self.target().map_or("", |target| &target.label);
        let consumer = self
            .consumer
            .as_ref()
            .and_then(|consumer| consumer.username())
            .unwrap_or_default();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "access",
                    {
                    request.id = format_args!("{:032x}", self.id),
                    correlation.id = correlation,
                    method = %self.method,
                    path = self.uri.path(),
                    route,
                    consumer,
                    status = self.status,
                    duration_ms = total_ms,
                    },
                    "proxied"
                )
            };
        }
        if self.worker.shared.rules.access_log {
            line!(info);
        } else {
            line!(debug);
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        let now = Instant::now();
        let total_ms = milliseconds(self.started, now);
        self.worker.counters().working.fetch_sub(1, Relaxed);
        self.connection.end(now);
        self.observe(total_ms);
        self.report(total_ms);
        self.record(now.saturating_duration_since(self.started));
        self.log(total_ms);
    }
}

fn logged(headers: &HeaderMap, uri: &http::Uri, connection: &Connection) -> Box<Logged> {
    Box::new(Logged::new(
        headers,
        uri,
        connection
            .tls
            .as_ref()
            .map(|tls| (tls.version, tls.cipher.as_str())),
        connection.local.port(),
    ))
}

/// The moment that was so long ago, in nanoseconds since 1970.
pub fn began(ago: Duration) -> i64 {
    let now = service::clock::now()
        .timestamp_nanos_opt()
        .unwrap_or_default();
    now.saturating_sub(i64::try_from(ago.as_nanos()).unwrap_or_default())
}

pub fn milliseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
