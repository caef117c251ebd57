//! What is seen of each request: an access log line and its metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::Method;
use metrics::Histogram;
use tracing::Span;

use crate::ServiceName;

use super::{CorrelationId, Series};

/// Routes that monitors ask every few seconds; their lines would bury the others.
const QUIET: [&str; 4] = ["/ping", "/healthz", "/readyz", "/metrics"];

/// In a response: the service has written a line about the request itself.
#[derive(Clone, Copy, Debug)]
pub struct OwnLine;

/// What is seen of the requests to a service.
pub(super) struct Observed {
    service: ServiceName,
    times: Series<Histogram>,
}

impl Observed {
    pub fn new(service: ServiceName) -> Self {
        Self {
            service,
            times: Series::default(),
        }
    }

    /// Around all that is logged for the request.
    pub fn span(&self, correlation: &CorrelationId) -> Span {
        tracing::info_span!(
            "request",
            service = self.service.as_str(),
            correlation.id = correlation.0,
        )
    }

    /// Counts and logs a request that was answered.
    pub fn note(&self, method: &Method, path: &str, started: Instant, response: &Response) {
        let duration = started.elapsed();
        let matched = response.extensions().get::<MatchedPath>();
        let route = matched.map_or("unknown", MatchedPath::as_str);
        let status = response.status();
        let times = self.times.of(route, method, status, |method| {
            let labels = [
                ("service", self.service.as_str().to_owned()),
                ("method", method.to_string()),
                ("route", route.to_owned()),
                ("code", status.as_u16().to_string()),
            ];
            metrics::histogram!("wicketgate_http_response_times", &labels)
        });
        times.record(duration.as_secs_f64());
        let status = status.as_u16();
        if response.extensions().get::<OwnLine>().is_some() {
            return;
        }
        if QUIET.contains(&path) {
            tracing::debug!(target: "access", %method, path, status, "answered");
        } else {
            let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(target: "access", %method, path, status, duration_ms, "answered");
        }
    }
}

/// Tells those around the router which route matched.
pub async fn expose_route(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}
