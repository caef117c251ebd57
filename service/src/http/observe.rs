//! What is seen of each request: an access log line and its metrics.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use metrics::Histogram;
use tracing::Instrument;

use crate::ServiceName;

use super::{CorrelationId, Series};

/// Routes that monitors ask every few seconds; their lines would bury the others.
const QUIET: [&str; 4] = ["/ping", "/healthz", "/readyz", "/metrics"];

pub(super) async fn layer(
    State((service, series)): State<(ServiceName, Arc<Series<Histogram>>)>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // Only the path: query strings hold codes and addresses.
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().cloned();
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
    let matched = matched.or_else(|| response.extensions().get::<MatchedPath>().cloned());
    let route = matched.as_ref().map_or("unknown", MatchedPath::as_str);
    let status = response.status();
    let times = series.of(route, &method, status, |method| {
        let labels = [
            ("service", service.as_str().to_owned()),
            ("method", method.to_string()),
            ("route", route.to_owned()),
            ("code", status.as_u16().to_string()),
        ];
        metrics::histogram!("wicketgate_http_response_times", &labels)
    });
    times.record(duration.as_secs_f64());
    let status = status.as_u16();
    let _entered = span.enter();
    if QUIET.contains(&path.as_str()) {
        tracing::debug!(target: "access", %method, path, status, "answered");
    } else {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: "access", %method, path, status, duration_ms, "answered");
    }
    response
}

/// Tells the outer layers which route matched, for services that put a router inside another one.
pub async fn expose_route(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}
