//! What is seen of each request: an access log line and its metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::ServiceName;

use super::CorrelationId;

/// Routes that monitors ask every few seconds; their lines would bury the others.
const QUIET: [&str; 4] = ["/ping", "/healthz", "/readyz", "/metrics"];

pub(super) async fn layer(
    State(service): State<ServiceName>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // Only the path: query strings hold codes and addresses.
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || "unknown".to_owned(),
        |matched| matched.as_str().to_owned(),
    );
    let correlation = request
        .extensions()
        .get::<CorrelationId>()
        .map(|id| id.0.clone());
    let span = tracing::info_span!(
        "request",
        service = service.as_str(),
        correlation.id = correlation.as_deref().unwrap_or_default(),
    );
    let response = next.run(request).instrument(span.clone()).await;
    let duration = started.elapsed();
    let status = response.status().as_u16();
    let _entered = span.enter();
    if QUIET.contains(&path.as_str()) {
        tracing::debug!(target: "access", %method, path, status, "answered");
    } else {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: "access", %method, path, status, duration_ms, "answered");
    }
    let labels = [
        ("service", service.as_str().to_owned()),
        ("method", method.to_string()),
        ("route", route),
        ("code", status.to_string()),
    ];
    metrics::histogram!("wicketgate_http_response_times", &labels).record(duration.as_secs_f64());
    response
}
